#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/loader.hpp"
#include "tcp_echo/config/value.hpp"

namespace tcp_echo {
namespace {

struct ActionFlag {
  std::string_view name;
  std::string_view help;
  MasterAction action;
};

constexpr std::array kActionFlags = {
    ActionFlag{"check", "validate the configuration, print 'configuration ok' and exit",
               MasterAction::kCheck},
    ActionFlag{"print-config",
               "print the effective configuration as TOML, each value with its source, and exit",
               MasterAction::kPrintConfig},
    ActionFlag{"probe", "exit with 0 if the service that runs here echoes on each address, else with 69",
               MasterAction::kProbe},
    ActionFlag{"version", "print the version and exit", MasterAction::kVersion},
    ActionFlag{"help", "print this help and exit", MasterAction::kHelp},
};

constexpr std::string_view kNo = "no-";

bool takes_no_value(std::string_view name) {
  const auto is_it = [name](const ActionFlag& flag) { return flag.name == name; };
  if (std::any_of(kActionFlags.begin(), kActionFlags.end(), is_it)) return true;
  const auto* const option = name.starts_with(kNo) ? find_option(name.substr(kNo.size())) : nullptr;
  return option != nullptr && option->is_switch();
}

/// The arguments in a form that CLI11 cannot misread: it takes "--port=" for a bare "--port" and then
/// swallows the next argument, takes "--send-reset=" for "on", and lets "--check=off" pass.
Result<std::vector<std::string>> unambiguous(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    if (*argument == "--") {  // no option comes behind it
      words.insert(words.end(), argument, arguments.end());
      break;
    }
    const auto flag = argument->substr(0, argument->find('='));
    const auto name = flag.starts_with("--") ? std::string_view(flag).substr(2) : std::string_view();
    const bool has_value = flag.size() < argument->size();
    const auto value = has_value ? argument->substr(flag.size() + 1) : std::string();
    const auto* const option = find_option(name);
    if (has_value && takes_no_value(name)) {
      return failure(ExitCode::kUsage,
                     fmt::format("{}: {} is one value too many; allowed: none", flag, in_quotes(value)));
    }
    if (option == nullptr || option->is_switch()) {
      if (option != nullptr && has_value && value.empty()) {
        return failure(ExitCode::kUsage,
                       fmt::format("{}: '' is no value; allowed: {}", flag, allowed(*option)));
      }
      words.push_back(*argument);
      continue;
    }
    const bool is_last = argument + 1 == arguments.end();
    if (!has_value && is_last) {
      return failure(ExitCode::kUsage,
                     fmt::format("{}: the value is missing; allowed: {}", flag, allowed(*option)));
    }
    words.push_back(flag);
    words.push_back(has_value ? value : *++argument);
  }
  return words;
}

/// CLI11 splits words into options and values; what a value means is ours to say, the same for all sources.
class Parser {
 public:
  Parser() {
    app_.set_help_flag();
    app_.allow_extras();  // to report them in our own words
    for (const auto& option : options()) add(option);
    for (const auto& flag : kActionFlags) actions_[&flag] = app_.add_flag(fmt::format("--{}", flag.name));
  }

  void parse(std::vector<std::string> words) {
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    app_.parse(std::move(words));
  }

  Result<CommandLine> result() const {
    for (const auto& extra : app_.remaining()) {
      if (extra == "--") continue;
      return failure(
          ExitCode::kUsage,
          fmt::format("command line: {} is not an option; allowed: those of --help", in_quotes(extra)));
    }
    CommandLine line;
    for (const auto& flag : kActionFlags) {
      if (!actions_.at(&flag)->empty()) line.action = flag.action;
    }
    for (const auto& option : options()) {
      const auto& given = given_.at(&option)->results();
      if (option.is_list() && !given.empty())
        line.settings.push_back({&option, elements(given), option.flag()});
      if (option.is_list()) continue;
      for (const auto& text : given) line.settings.push_back({&option, {text}, option.flag()});
    }
    return line;
  }

 private:
  void add(const Option& option) {
    const auto flag = option.flag();
    if (option.is_switch()) {
      given_[&option] = app_.add_flag(fmt::format("{},!--{}{}", flag, kNo, option.name));
      return;
    }
    // Each occurrence takes exactly one value; of a scalar's all are checked and the last one counts.
    auto* const added = app_.add_option(flag, values_[&option]);
    added->allow_extra_args(false)->required(false);
    given_[&option] = added;
  }

  static std::vector<std::string> elements(const std::vector<std::string>& given) {
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
  return fmt::format("{}{}{}\n", head, left.size() + 4 > kColumn ? "\n" + std::string(kColumn, ' ') : "",
                     right);
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
  auto words = unambiguous(arguments);
  if (!words) return tl::unexpected(words.error());
  try {
    Parser parser;
    parser.parse(std::move(*words));
    return parser.result();
  } catch (const CLI::ParseError& error) {
    return failure(ExitCode::kUsage, fmt::format("command line: {}; see --help", printable(error.what())));
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
         "\nEach option is also an environment variable (TCP_ECHO_IDLE_TIMEOUT=60s; lists are "
         "comma-separated) and a key of\n"
         "the TOML file (idle_timeout = \"60s\"). Built-in default < file < environment < flag.\n"
         "Durations D: 250ms, 10s, 5m, 2h. Signals: TERM, QUIT and INT stop gracefully; a second TERM or INT "
         "stops at once;\nUSR1 reopens the log file and logs statistics.\n";
}

}  // namespace tcp_echo
