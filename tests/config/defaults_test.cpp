// cmake/defaults.cmake says what each built-in default may be, so that a mistake is found when the build is
// configured. It must say the same as the table of options.

#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <map>
#include <regex>
#include <string>
#include <string_view>

#include "config/support.hpp"
#include "support/document.hpp"
#include "tcp_echo/base/overloaded.hpp"

namespace tcp_echo::test {
namespace {

/// "PORT" -> "NUMBER 0 65535".
std::map<std::string, std::string> kinds_in_cmake() {
  const auto text = read_document(TCP_ECHO_SOURCE "/cmake/defaults.cmake");
  const std::regex line(R"re(\ntcp_echo_default\((\w+) (?:"[^"]*"|\S+) ([^)]*)\))re");
  std::map<std::string, std::string> kinds;
  for (std::sregex_iterator found(text.begin(), text.end(), line), end; found != end; ++found)
    kinds[(*found)[1]] = (*found)[2];
  return kinds;
}

std::string kind_of(const Option& option) {
  return std::visit(Overloaded{[](const SwitchValue&) -> std::string { return "SWITCH"; },
                               [](const NumberValue& value) {
                                 const auto range = fmt::format("NUMBER {} {}", value.min, value.max);
                                 return value.word.empty() ? range : fmt::format("{} {}", range, value.word);
                               },
                               [](const DurationValue&) -> std::string { return "DURATION"; },
                               [](const TextValue&) -> std::string { return "TEXT"; },
                               [](const PathValue&) -> std::string { return "TEXT"; },
                               [](const SocketValue&) -> std::string { return "TEXT"; },
                               [](const AddressValue&) -> std::string { return "TEXT"; },
                               [&option](const ChoiceValue& value) {
                                 std::string kind = "ONE_OF";
                                 for (const auto word : value.words) {
                                   if (word != option.later_word) kind += fmt::format(" {}", word);
                                 }
                                 return kind;
                               },
                               [](const ListenValue&) -> std::string { return ""; },
                               [](const PortValue&) -> std::string { return "NUMBER 0 65535"; }},
                    option.value);
}

TEST(BuiltInDefaults, AreAllowedWhatTheOptionsAllow) {
  const auto kinds = kinds_in_cmake();
  std::size_t found = 0;
  for (const auto& option : options()) {
    const auto kind = kinds.find(option.variable().substr(kVariablePrefix.size()));
    if (kind == kinds.end()) continue;
    EXPECT_EQ(kind->second, kind_of(option)) << option.name;
    ++found;
  }
  EXPECT_EQ(found, kinds.size()) << "some are of no option";
  EXPECT_GT(found, 20U);
}

}  // namespace
}  // namespace tcp_echo::test
