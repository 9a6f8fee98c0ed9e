#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "tcp_echo/base/arguments.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/reader.hpp"
#include "value.hpp"

namespace tcp_echo {
namespace {

/// What a flag stands for: an option, which it may turn off, or an action.
struct Meaning {
  const Option* option = nullptr;
  bool turns_off = false;
  const ActionFlag* action = nullptr;
};

/// All flags, and in the same order what each means.
struct Flags {
  std::vector<FlagShape> shapes;
  std::vector<Meaning> meanings;

  void add(FlagShape shape, Meaning meaning) {
    shapes.push_back(std::move(shape));
    meanings.push_back(meaning);
  }
};

Flags all_flags() {
  Flags flags;
  for (const auto& option : options()) {
    const bool is_switch = option.is_switch();
    flags.add({option.flag(), is_switch ? FlagValue::kOptional : FlagValue::kNeeded}, {.option = &option});
    if (!is_switch) continue;
    flags.add({fmt::format("--no-{}", option.name)}, {.option = &option, .turns_off = true});
  }
  for (const auto& action : action_flags())
    flags.add({action.flag(), FlagValue::kNone, action.short_flag()}, {.action = &action});
  return flags;
}

std::string not_an_option(std::string_view word) {
  return fmt::format("command line: {} is not an option; allowed: those of --help", in_quotes(word));
}

std::string complaint(const ArgumentMistake& mistake, const Flags& flags) {
  const auto& word = mistake.word;
  const auto equals = word.find('=');
  const auto flag = word.substr(0, equals);
  switch (mistake.kind) {
    case ArgumentMistake::Kind::kUnknown: return not_an_option(word);
    case ArgumentMistake::Kind::kUnwantedValue:
      return fmt::format("{}: {} is one value too many; allowed: none", flag,
                         in_quotes(word.substr(equals + 1)));
    case ArgumentMistake::Kind::kMissingValue: break;
  }
  const auto& option = *flags.meanings[mistake.shape].option;
  return fmt::format("{}: {}; allowed: {}", flag,
                     option.is_switch() ? "'' is no value" : "the value is missing", allowed(option));
}

/// Of a scalar each occurrence is a setting, so that all are checked and the last one counts; those of a list
/// are put together.
void add(CommandLine& line, const Meaning& meaning, const GivenFlag& given, const std::string& flag) {
  if (!meaning.option->is_list()) {
    line.settings.push_back({meaning.option, {meaning.turns_off ? "off" : given.value}, flag});
    return;
  }
  const auto is_it = [&meaning](const Setting& setting) { return setting.option == meaning.option; };
  auto list = std::find_if(line.settings.begin(), line.settings.end(), is_it);
  if (list == line.settings.end()) list = line.settings.insert(list, {meaning.option, {}, flag});
  for (auto& part : split(given.value, ',')) list->texts.push_back(std::move(part));
}

}  // namespace

Result<CommandLine> read_command_line(const std::vector<std::string>& arguments) {
  const auto flags = all_flags();
  const auto found = take_apart(arguments, flags.shapes, FlagNames::kWhole);
  if (!found) return tl::unexpected(found.error());
  if (!found->others.empty()) return failure(ExitCode::kUsage, not_an_option(found->others.front()));
  if (found->mistake) return failure(ExitCode::kUsage, complaint(*found->mistake, flags));
  CommandLine line;
  const ActionFlag* last_action = nullptr;  // in the order of --help
  for (const auto& given : found->flags) {
    const auto& meaning = flags.meanings[given.shape];
    if (meaning.action == nullptr) {
      add(line, meaning, given, flags.shapes[given.shape].name);
    } else if (last_action == nullptr || last_action < meaning.action) {
      last_action = meaning.action;
    }
  }
  if (last_action != nullptr) line.action = last_action->action;
  return line;
}

}  // namespace tcp_echo
