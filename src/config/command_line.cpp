#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/loader.hpp"

namespace tcp_echo {
namespace {

struct ActionFlag {
  std::string_view name;
  std::string_view help;
  Action action;
};

constexpr std::array kActionFlags = {
    ActionFlag{"check", "validate the configuration, print 'configuration ok' and exit", Action::kCheck},
    ActionFlag{"print-config", "print the effective configuration as TOML, each value with its source, and exit", Action::kPrintConfig},
    ActionFlag{"version", "print the version and exit", Action::kVersion},
    ActionFlag{"help", "print this help and exit", Action::kHelp},
};

/// CLI11 splits words into options and values; what a value means is ours to say, the same for all sources.
class Parser {
 public:
  Parser() {
    app_.set_help_flag();
    for (const auto& option : options()) add(option);
    for (const auto& flag : kActionFlags) actions_[&flag] = app_.add_flag(fmt::format("--{}", flag.name));
  }

  void parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app_.parse(std::move(arguments));
  }

  CommandLine result() const {
    CommandLine line;
    for (const auto& flag : kActionFlags) {
      if (!actions_.at(&flag)->empty()) line.action = flag.action;
    }
    for (const auto& option : options()) {
      const auto& given = given_.at(&option)->results();
      if (!given.empty()) line.settings.push_back({&option, texts(option, given), option.flag()});
    }
    return line;
  }

 private:
  void add(const Option& option) {
    const auto flag = option.flag();
    if (option.is_switch()) {
      given_[&option] = app_.add_flag(fmt::format("{},!--no-{}", flag, option.name));
      return;
    }
    // Each occurrence takes exactly one value; of a scalar's, the last one counts.
    auto* const added = app_.add_option(flag, values_[&option]);
    added->allow_extra_args(false)->required(false);
    given_[&option] = added;
  }

  static std::vector<std::string> texts(const Option& option, const std::vector<std::string>& given) {
    if (!option.is_list()) return {given.back()};
    std::vector<std::string> all;
    for (const auto& text : given) {
      for (auto& part : split(text, ',')) all.push_back(std::move(part));
    }
    return all;
  }

  CLI::App app_;
  std::map<const Option*, std::vector<std::string>> values_;
  std::map<const Option*, CLI::Option*> given_;
  std::map<const ActionFlag*, CLI::Option*> actions_;
};

std::string help_line(std::string_view left, std::string_view right) {
  constexpr std::size_t kColumn = 34;
  const auto head = fmt::format("  {:<{}}", left, kColumn - 2);
  return fmt::format("{}{}{}\n", head, head.size() > kColumn ? "\n" + std::string(kColumn, ' ') : "", right);
}

std::string help_line(const Option& option) {
  const auto spelled = option.is_switch() ? fmt::format("{0}, --no-{1}", option.flag(), option.name)
                                          : fmt::format("{} {}", option.flag(), option.placeholder);
  std::string right(option.help);
  if (option.support == Support::kLater) {
    right += " (not supported yet)";
  } else if (!option.default_text.empty()) {
    right += fmt::format(" (default {})", option.default_text);
  }
  return help_line(spelled, right);
}

}  // namespace

Result<CommandLine> read_command_line(const std::vector<std::string>& arguments) {
  try {
    Parser parser;
    parser.parse(arguments);
    return parser.result();
  } catch (const CLI::ParseError& error) {
    return failure(ExitCode::kUsage, fmt::format("{}; see --help", error.what()));
  }
}

std::string help_text() {
  std::string text =
      "Usage: tcp-echo-master [OPTION]...\n"
      "A TCP echo daemon: a master supervises workers that send back every byte they receive.\n\n";
  for (const auto& option : options()) text += help_line(option);
  text += '\n';
  for (const auto& flag : kActionFlags) text += help_line(fmt::format("--{}", flag.name), flag.help);
  return text +
         "\nEach option is also an environment variable (TCP_ECHO_IDLE_TIMEOUT=60s; lists are comma-separated) and a key of\n"
         "the TOML file (idle_timeout = \"60s\"). Built-in default < file < environment < flag.\n"
         "Durations D: 250ms, 10s, 5m, 2h. Signals: TERM, QUIT and INT stop gracefully; a second TERM or INT stops at once.\n";
}

}  // namespace tcp_echo
