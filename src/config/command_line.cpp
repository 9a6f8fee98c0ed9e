#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/loader.hpp"
#include "tcp_echo/config/value.hpp"

namespace tcp_echo {
namespace {

constexpr std::string_view kNo = "no-";

bool takes_no_value(std::string_view name) {
  const auto is_it = [name](const ActionFlag& flag) { return flag.name == name; };
  if (std::any_of(action_flags().begin(), action_flags().end(), is_it)) return true;
  const auto* const option = name.starts_with(kNo) ? find_option(name.substr(kNo.size())) : nullptr;
  return option != nullptr && option->is_switch();
}

/// -h is --help. Short forms stand alone: neither -ht nor -h=yes is one.
std::string in_long_form(const std::string& argument) {
  for (const auto& flag : action_flags()) {
    if (flag.letter != '\0' && argument == flag.short_flag()) return flag.flag();
  }
  return argument;
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
      words.push_back(in_long_form(*argument));
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
    for (const auto& flag : action_flags()) actions_[&flag] = app_.add_flag(flag.flag());
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
    for (const auto& flag : action_flags()) {
      if (!actions_.at(&flag)->empty()) line.action = flag.action;
    }
    std::map<const CLI::Option*, std::size_t> taken;
    for (const CLI::Option* const parsed : app_.parse_order()) {
      const auto flag = flags_.find(parsed);
      if (flag != flags_.end()) add(line, flag->second, parsed->results().at(taken[parsed]++));
    }
    return line;
  }

 private:
  /// One way to name an option.
  struct Flag {
    const Option* option = nullptr;
    std::string name;
    bool turns_off = false;
  };

  void add(const Option& option) {
    const auto flag = option.flag();
    if (option.is_switch()) {
      const auto opposite = fmt::format("--{}{}", kNo, option.name);
      flags_[app_.add_flag(flag)] = {&option, flag};
      flags_[app_.add_flag(opposite)] = {&option, opposite, true};
      return;
    }
    // Each occurrence takes exactly one value; of a scalar's all are checked and the last one counts.
    auto* const added = app_.add_option(flag, values_[&option]);
    added->allow_extra_args(false)->required(false);
    flags_[added] = {&option, flag};
  }

  static void add(CommandLine& line, const Flag& flag, const std::string& given) {
    if (!flag.option->is_list()) {
      line.settings.push_back({flag.option, {flag.turns_off ? "off" : given}, flag.name});
      return;
    }
    const auto is_it = [&flag](const Setting& setting) { return setting.option == flag.option; };
    auto list = std::find_if(line.settings.begin(), line.settings.end(), is_it);
    if (list == line.settings.end())
      list = line.settings.insert(line.settings.end(), {flag.option, {}, flag.name});
    for (auto& part : split(given, ',')) list->texts.push_back(std::move(part));
  }

  CLI::App app_;
  std::map<const Option*, std::vector<std::string>> values_;
  std::map<const CLI::Option*, Flag> flags_;
  std::map<const ActionFlag*, CLI::Option*> actions_;
};

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

}  // namespace tcp_echo
