#include "tcp_echo/master/reloadable.hpp"

#include <gtest/gtest.h>

#include "tcp_echo/config/loader.hpp"

namespace tcp_echo::test {
namespace {

TEST(Reloadable, IsEverythingButFourOptions) {
  const auto now = value_or_throw(load({}, {})).config;
  auto next = value_or_throw(load({"--port", "7", "--workers", "3", "--idle-timeout", "1s", "--log-level",
                                   "debug", "--watchdog", "0", "--backlog", "7", "--log-file", "log"},
                                  {}))
                  .config;
  EXPECT_TRUE(check_reloadable(now, next));
}

TEST(Reloadable, IsNotWhatOnlyANewStartCanChange) {
  const auto now = value_or_throw(load({}, {})).config;
  const auto refused = [&](std::vector<std::string> arguments) {
    const auto checked = check_reloadable(now, value_or_throw(load(arguments, {})).config);
    EXPECT_FALSE(checked) << arguments.front();
    return checked ? "" : checked.error().text;
  };
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--daemon"}, {"--user", "root"}, {"--group", "root"}, {"--pid-file", "/run/x"}})
    EXPECT_EQ(refused(arguments), arguments.front() + " cannot change on a reload, only on a new start");
}

}  // namespace
}  // namespace tcp_echo::test
