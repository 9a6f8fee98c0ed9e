#include <spdlog/fmt/fmt.h>
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/reader.hpp"
#include "value.hpp"

namespace tcp_echo {
namespace {

std::string type_of(const toml::node& node) {
  std::ostringstream name;
  name << node.type();
  return name.str();
}

/// The value as a user would recognise it.
std::string given(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  std::ostringstream text;
  node.visit([&text](const auto& value) { text << value; });
  return text.str();
}

/// The TOML type that a value of this kind has; a number's word and a duration's 0 are the exceptions.
bool has_right_type(const Option& option, const toml::node& node) {
  struct Visitor {
    const toml::node& node;
    bool operator()(const SwitchValue&) const { return node.is_boolean(); }
    bool operator()(const NumberValue& value) const {
      return node.is_integer() || (!value.word.empty() && node.value<std::string_view>() == value.word);
    }
    bool operator()(const PortValue&) const { return node.is_integer(); }
    bool operator()(const DurationValue&) const {
      return node.is_string() || node.value_exact<std::int64_t>() == 0;
    }
    bool operator()(const TextValue&) const { return node.is_string(); }
    bool operator()(const PathValue&) const { return node.is_string(); }
    bool operator()(const SocketValue&) const { return node.is_string(); }
    bool operator()(const AddressValue&) const { return node.is_string(); }
    bool operator()(const ChoiceValue&) const { return node.is_string(); }
    bool operator()(const ListenValue&) const {
      const auto* const array = node.as_array();
      return node.is_string() ||
             (array != nullptr && (array->empty() || array->is_homogeneous<std::string>()));
    }
  };
  return std::visit(Visitor{node}, option.value);
}

/// As allowed() has it, for those whose spelling in TOML is another one than in a flag.
std::string allowed_in_toml(const Option& option) {
  if (option.is_switch()) return "true or false";
  const bool is_number =
      std::holds_alternative<NumberValue>(option.value) || std::holds_alternative<PortValue>(option.value);
  return fmt::format("{}, {}",
                     is_number          ? "an integer"
                     : option.is_list() ? "a string or an array of strings"
                                        : "a string",
                     allowed(option));
}

/// Why that type is not the right one. Where a word may stand for a number, any other is a mistake in the
/// word rather than in its type.
std::string complaint_about(const Option& option, const toml::node& node) {
  const auto* const number = std::get_if<NumberValue>(&option.value);
  if (number != nullptr && !number->word.empty() && node.is_string())
    return fmt::format("is a string, but not \"{}\"", number->word);
  return "has the wrong type, " + type_of(node);
}

std::string scalar_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  return node.value_or(false) ? "true" : "false";
}

std::vector<std::string> texts_of(const toml::node& node) {
  const auto* const array = node.as_array();
  if (array == nullptr) return {scalar_text(node)};
  std::vector<std::string> texts;
  for (const auto& element : *array) texts.push_back(scalar_text(element));
  return texts;
}

Result<Setting> read_entry(std::string_view file, const toml::key& key, const toml::node& node) {
  const auto place = fmt::format("{}:{}: {}", printable(file), key.source().begin.line, printable(key.str()));
  const auto* const option = find_option_by_key(key.str());
  if (option == nullptr) {
    return failure(ExitCode::kConfig, place + ": unknown key; allowed: the options of --help, with _ for -");
  }
  if (option->name == "config") return failure(ExitCode::kConfig, place + ": a file cannot name another one");
  if (!has_right_type(*option, node)) {
    return failure(ExitCode::kConfig, fmt::format("{}: {} {}; allowed: {}", place, in_quotes(given(node)),
                                                  complaint_about(*option, node), allowed_in_toml(*option)));
  }
  return Setting{option, texts_of(node), place};
}

}  // namespace

Result<std::vector<Setting>> read_toml(std::string_view text, std::string_view name) {
  try {
    const toml::table table = toml::parse(text);
    std::vector<Setting> settings;
    for (const auto& [key, node] : table) {
      auto setting = read_entry(name, key, node);
      if (!setting) return tl::unexpected(setting.error());
      settings.push_back(std::move(*setting));
    }
    return settings;
  } catch (const toml::parse_error& error) {
    return failure(ExitCode::kConfig, fmt::format("{}:{}: {}", printable(name), error.source().begin.line,
                                                  printable(error.description())));
  }
}

}  // namespace tcp_echo
