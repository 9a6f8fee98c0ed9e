#include "tcp_echo/config/reloadable.hpp"

#include <gtest/gtest.h>

#include "config/value.hpp"
#include "tcp_echo/base/overloaded.hpp"
#include "tcp_echo/config/options.hpp"
#include "tcp_echo/config/reader.hpp"

namespace tcp_echo::test {
namespace {

/// With another value of that option, one that is still to come included.
Config changed(const Option& option, Config config) {
  const auto add_a_letter = [&config](const auto& value) { config.*value.member += 'x'; };
  std::visit(
      Overloaded{
          [&](const SwitchValue& value) { config.*value.member = !(config.*value.member); },
          [&](const NumberValue& value) { ++(config.*value.member); },
          [&](const DurationValue& value) { ++(config.*value.member); },
          [&](const TextValue& value) { add_a_letter(value); },
          [&](const PathValue& value) { add_a_letter(value); },
          [&](const SocketValue& value) { add_a_letter(value); },
          [&](const AddressValue& value) { config.*value.member = Endpoint::any_v4(7); },
          [&](const ChoiceValue& value) { value.set(config, (value.get(config) + 1) % value.words.size()); },
          [&](const ListenValue&) { config.listen.push_back(config.listen.front()); },
          [&](const PortValue&) { config.listen = {Endpoint::any_v6(7)}; },
      },
      option.value);
  return config;
}

TEST(Reloadable, IsEverythingButFiveOptions) {
  const auto now = value_or_throw(read_config({}, {})).config;
  auto next =
      value_or_throw(read_config({"--port", "7", "--workers", "3", "--idle-timeout", "1s", "--log-level",
                                  "debug", "--watchdog", "0", "--backlog", "7", "--log-file", "log"},
                                 {}))
          .config;
  EXPECT_TRUE(check_reloadable(now, next));
}

TEST(Reloadable, IsNotWhatOnlyANewStartCanChange) {
  const auto now = value_or_throw(read_config({}, {})).config;
  const auto refused = [&](std::vector<std::string> arguments) {
    const auto checked = check_reloadable(now, value_or_throw(read_config(arguments, {})).config);
    EXPECT_FALSE(checked) << arguments.front();
    return checked ? "" : checked.error().text;
  };
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--daemon"}, {"--user", "root"}, {"--group", "root"}, {"--pid-file", "/run/x"}})
    EXPECT_EQ(refused(arguments), arguments.front() + " cannot change on a reload, only on a new start");
}

TEST(Reloadable, IsEachOptionOfWhichTheTableSaysSo) {
  const auto now = value_or_throw(read_config({}, {})).config;
  for (const auto& option : options()) {
    const auto next = changed(option, now);
    ASSERT_NE(to_toml(option, next), to_toml(option, now)) << option.name;
    const auto checked = check_reloadable(now, next);
    if (option.takes_effect == TakesEffect::kOnReload) {
      EXPECT_TRUE(checked) << checked.error().text;
      continue;
    }
    ASSERT_FALSE(checked) << option.name;
    EXPECT_EQ(checked.error().code, ExitCode::kConfig);
    EXPECT_EQ(checked.error().text, option.flag() + " cannot change on a reload, only on a new start");
  }
}

}  // namespace
}  // namespace tcp_echo::test
