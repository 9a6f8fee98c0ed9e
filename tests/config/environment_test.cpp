#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/support.hpp"

namespace tcp_echo::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Environment read(const std::vector<std::string>& variables) {
  return value_or_throw(read_environment(variables));
}

TEST(Environment, NamesTheVariableAsTheSource) {
  const auto environment = read({"TCP_ECHO_IDLE_TIMEOUT=10s"});
  ASSERT_EQ(environment.settings.size(), 1U);
  EXPECT_EQ(environment.settings[0].option->name, "idle-timeout");
  EXPECT_THAT(environment.settings[0].texts, ElementsAre("10s"));
  EXPECT_EQ(environment.settings[0].source, "TCP_ECHO_IDLE_TIMEOUT");
}

TEST(Environment, PassesOverVariablesOfOthers) {
  const auto environment = read({"PATH=/bin", "tcp_echo_port=1", "TCP_ECHOPORT=1", "XTCP_ECHO_PORT=1",
                                 "TCP_ECHO=1", "", "=", "no equals sign"});
  EXPECT_THAT(environment.settings, IsEmpty());
  EXPECT_THAT(environment.warnings, IsEmpty());
  EXPECT_THAT(environment.notices, IsEmpty());
}

TEST(Environment, KeepsAnEqualsSignInTheValue) {
  EXPECT_EQ(configured({}, {"TCP_ECHO_IDLE_NOTICE=a=b="}).idle_notice, "a=b=");
}

TEST(Environment, TakesAnEmptyVariableForUnset) {
  const auto environment = read({"TCP_ECHO_PORT=", "TCP_ECHO_LISTEN=", "TCP_ECHO_WORKERS"});
  EXPECT_THAT(environment.settings, IsEmpty());
  EXPECT_THAT(environment.warnings, IsEmpty());
}

TEST(Environment, SplitsListsAtCommas) {
  const auto environment = read({"TCP_ECHO_LISTEN=127.0.0.1:1, [::1]:2"});
  ASSERT_EQ(environment.settings.size(), 1U);
  EXPECT_THAT(environment.settings[0].texts, ElementsAre("127.0.0.1:1", "[::1]:2"));
}

TEST(Environment, LeavesCommasInOtherValues) {
  EXPECT_EQ(configured({}, {"TCP_ECHO_IDLE_NOTICE=bye, all"}).idle_notice, "bye, all");
}

TEST(Environment, RefusesABadValueWithItsOwnExitCode) {
  EXPECT_THAT(
      refused({}, {"TCP_ECHO_WORKERS=lots"}),
      Says(ExitCode::kConfig, "TCP_ECHO_WORKERS: 'lots' is not a number; allowed: 1 to 1024, or auto"));
  EXPECT_THAT(refused({}, {"TCP_ECHO_LISTEN=127.0.0.1:1,,"}),
              Says(ExitCode::kConfig, "TCP_ECHO_LISTEN: '' is not an address"));
}

TEST(Environment, WarnsOfAVariableThatNoOptionHas) {
  const auto environment = read({"TCP_ECHO_COLOUR=red", "TCP_ECHO_=", "TCP_ECHO_CHECK=1"});
  EXPECT_THAT(environment.settings, IsEmpty());
  EXPECT_THAT(environment.warnings, ElementsAre(HasSubstr("TCP_ECHO_COLOUR: unknown variable, ignored"),
                                                HasSubstr("TCP_ECHO_:"), HasSubstr("TCP_ECHO_CHECK:")));
}

TEST(Environment, WarnsInOneLine) {
  const auto environment = read({"TCP_ECHO_TWO\nLINES\x1b=1"});
  EXPECT_THAT(environment.warnings,
              ElementsAre(testing::AllOf(HasSubstr("TCP_ECHO_TWO\\nLINES\\x1b:"), IsOneLine())));
}

TEST(Environment, IgnoresWhatAClusterInjectsWithOneNotice) {
  const auto environment = read({
      "TCP_ECHO_SERVICE_HOST=10.0.0.7",
      "TCP_ECHO_SERVICE_PORT=8090",
      "TCP_ECHO_SERVICE_PORT_ECHO=8090",
      "TCP_ECHO_PORT=tcp://10.0.0.7:8090",
      "TCP_ECHO_PORT_8090_TCP=tcp://10.0.0.7:8090",
      "TCP_ECHO_PORT_8090_TCP_PROTO=tcp",
      "TCP_ECHO_PORT_8090_TCP_PORT=8090",
      "TCP_ECHO_PORT_8090_TCP_ADDR=10.0.0.7",
      "TCP_ECHO_WORKERS=3",
  });
  ASSERT_EQ(environment.settings.size(), 1U);
  EXPECT_EQ(environment.settings[0].source, "TCP_ECHO_WORKERS");
  EXPECT_THAT(environment.warnings, IsEmpty());
  ASSERT_EQ(environment.notices.size(), 1U);
  for (const auto* const name :
       {"TCP_ECHO_SERVICE_HOST, ", "TCP_ECHO_PORT, ", "TCP_ECHO_PORT_8090_TCP_ADDR: "})
    EXPECT_THAT(environment.notices[0], HasSubstr(name));
}

TEST(Environment, IgnoresWhatAClusterInjectsForAServiceWithALongerName) {
  const auto environment = read({
      "TCP_ECHO_ADMIN_SERVICE_HOST=10.0.0.7",
      "TCP_ECHO_ADMIN_PORT=tcp://10.0.0.7:8091",
      "TCP_ECHO_ADMIN_PORT_53_UDP_ADDR=10.0.0.7",
  });
  EXPECT_THAT(environment.warnings, IsEmpty());
  EXPECT_EQ(environment.notices.size(), 1U);
}

TEST(Environment, WarnsOfNamesThatOnlyResembleAClusters) {
  const std::vector<std::string> variables = {"TCP_ECHO_SERVICE=1",
                                              "TCP_ECHO_SERVICE_HOST_NAME=1",
                                              "TCP_ECHO_PORT_X_TCP=1",
                                              "TCP_ECHO_PORT_8090_HTTP=1",
                                              "TCP_ECHO_PORT_8090=1",
                                              "TCP_ECHO_PORT_8090_TCP_X=1",
                                              "TCP_ECHO_PORT_8090_TCP_PORT_X=1",
                                              "TCP_ECHO_SERVICE_PORTS=1"};
  EXPECT_EQ(read(variables).warnings.size(), variables.size());
}

TEST(Environment, KeepsAPortThatIsMeantForUs) {
  const auto environment = read({"TCP_ECHO_PORT=7"});
  EXPECT_EQ(environment.settings.size(), 1U);
  EXPECT_THAT(environment.notices, IsEmpty());
}

TEST(Environment, IgnoresAUrlOnlyWhereAClusterPutsOne) {
  EXPECT_EQ(configured({}, {"TCP_ECHO_IDLE_NOTICE=tcp://bye"}).idle_notice, "tcp://bye");
  EXPECT_THAT(refused({}, {"TCP_ECHO_LISTEN=tcp://0.0.0.0:7"}),
              Says(ExitCode::kConfig, "TCP_ECHO_LISTEN: 'tcp://0.0.0.0:7' is not an address"));
}

TEST(Environment, SurvivesAVeryLongUrl) {
  EXPECT_EQ(read({"TCP_ECHO_PORT=tcp://" + std::string(100'000, 'x')}).notices.size(), 1U);
}

TEST(Environment, HandsItsWarningsAndNoticesToTheLoader) {
  const auto result = all_given({}, {"TCP_ECHO_COLOUR=red", "TCP_ECHO_SERVICE_HOST=10.0.0.7"});
  EXPECT_EQ(result.warnings.size(), 1U);
  EXPECT_EQ(result.notices.size(), 1U);
}

}  // namespace
}  // namespace tcp_echo::test
