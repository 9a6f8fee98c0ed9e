#include "config/value.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "config/support.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

/// "ok", or the error.
std::string outcome(std::string_view option, const std::vector<std::string>& texts) {
  Config config;
  const auto assigned = assign(row(option), texts, config);
  return assigned ? "ok" : assigned.error();
}

Config assigned(std::string_view option, const std::vector<std::string>& texts) {
  Config config;
  EXPECT_TRUE(assign(row(option), texts, config));
  return config;
}

TEST(Value, OfANumberHasBoundsThatAreInclusive) {
  EXPECT_EQ(assigned("workers", {"1"}).workers, 1U);
  EXPECT_EQ(assigned("workers", {"1024"}).workers, kMaxWorkers);
  EXPECT_EQ(outcome("workers", {"0"}), "'0' is out of range; allowed: 1 to 1024, or auto");
  EXPECT_EQ(outcome("workers", {"1025"}), "'1025' is out of range; allowed: 1 to 1024, or auto");
}

TEST(Value, OfANumberMayBeItsWord) {
  EXPECT_EQ(assigned("workers", {"auto"}).workers, 0U);
  EXPECT_EQ(outcome("backlog", {"auto"}), "'auto' is not a number; allowed: 1 to 1000000");
}

TEST(Value, OfANumberThatIsNegativeOrHugeIsOutOfRange) {
  EXPECT_EQ(outcome("backlog", {"-5"}), "'-5' is out of range; allowed: 1 to 1000000");
  EXPECT_EQ(outcome("backlog", {"99999999999999999999"}),
            "'99999999999999999999' is out of range; allowed: 1 to 1000000");
  EXPECT_EQ(outcome("port", {"-1"}), "'-1' is out of range; allowed: 0 to 65535");
}

TEST(Value, OfANumberIsWholeAndDecimal) {
  for (const auto* const text : {"", "-", "1.5", "1e3", "0x10", " 1", "+1"})
    EXPECT_THAT(outcome("backlog", {text}), testing::HasSubstr("is not a number")) << text;
}

TEST(Value, OfADurationHasBoundsThatAreInclusive) {
  EXPECT_EQ(assigned("keepalive", {"1s"}).keepalive, 1s);
  EXPECT_EQ(assigned("keepalive", {"32767s"}).keepalive, 32767s);
  EXPECT_EQ(outcome("keepalive", {"999ms"}), "'999ms' is out of range; allowed: 1s to 32767s, or 0 (off)");
  EXPECT_EQ(outcome("keepalive", {"32768s"}), "'32768s' is out of range; allowed: 1s to 32767s, or 0 (off)");
}

TEST(Value, OfADurationMayBeZeroOnlyWhereThatMeansSomething) {
  EXPECT_EQ(assigned("idle-timeout", {"0"}).idle_timeout, 0ms);
  EXPECT_EQ(outcome("ready-timeout", {"0"}), "'0' is out of range; allowed: 1ms to 8760h");
}

TEST(Value, OfADurationNeedsAUnit) {
  EXPECT_EQ(outcome("idle-timeout", {"60"}), "'60' is not a duration; allowed: 1ms to 8760h, or 0 (never)");
}

TEST(Value, OfATextHasALargestLength) {
  EXPECT_EQ(assigned("idle-notice", {std::string(1024, 'x')}).idle_notice.size(), 1024U);
  EXPECT_THAT(outcome("idle-notice", {std::string(1025, 'x')}),
              testing::HasSubstr("is too long; allowed: at most 1024 bytes of UTF-8"));
}

TEST(Value, OfATextIsUtf8) {
  EXPECT_EQ(outcome("idle-notice", {"caf\xe9"}),
            "'caf\\xe9' is not UTF-8; allowed: at most 1024 bytes of UTF-8");
  EXPECT_EQ(outcome("log-file", {"/caf\xe9"}), "'/caf\\xe9' is not UTF-8; allowed: a path");
}

TEST(Value, OfAPathIsUtf8AlsoWithTheFolderThatItIsRelativeTo) {
  Config config;
  config.start_folder = "/caf\xe9";
  const auto assigned = assign(row("log-file"), {"log"}, config);
  ASSERT_FALSE(assigned);
  EXPECT_EQ(assigned.error(), "'log' is relative to a folder whose name is not UTF-8; allowed: a path");
}

TEST(Value, OfAPathThatIsRelativeIsResolvedAtOnce) {
  EXPECT_EQ(assigned("log-file", {"x.log"}).log_file, std::filesystem::current_path() / "x.log");
  EXPECT_EQ(assigned("log-file", {"/x.log"}).log_file, "/x.log");
  EXPECT_EQ(assigned("log-file", {""}).log_file, "");
}

TEST(Value, OfAPathKeepsDotsThatMayFollowALink) {
  EXPECT_EQ(assigned("log-file", {"/link/../x.log"}).log_file, "/link/../x.log");
}

TEST(Value, OfAPathHasNoZeroByte) {
  EXPECT_EQ(outcome("log-file", {std::string("/a\0b", 4)}),
            "'/a\\x00b' contains a zero byte; allowed: a path");
}

TEST(Value, OfAChoiceIsOneOfItsWords) {
  EXPECT_EQ(assigned("log-level", {"trace"}).log_level, LogLevel::kTrace);
  EXPECT_EQ(assigned("log-level", {"error"}).log_level, LogLevel::kError);
  for (const auto* const text : {"", "INFO", "inf", "information"}) {
    EXPECT_THAT(outcome("log-level", {text}),
                testing::HasSubstr("is none of them; allowed: trace, debug, info, warn, error"))
        << text;
  }
}

TEST(Value, OfAChoiceRefusesAWordThatIsStillToCome) {
  EXPECT_EQ(assigned("log-format", {"text"}).log_format, LogFormat::kText);
  EXPECT_EQ(outcome("log-format", {"json"}), "'json' is not supported yet; allowed: text");
}

TEST(Value, OfAnOptionThatIsStillToComeMayOnlyBeLeftOut) {
  EXPECT_EQ(outcome("log-connections", {"on"}), "'on' is not supported yet; allowed: off");
}

TEST(Value, OfAnAddressIsOneOrOff) {
  EXPECT_EQ(assigned("admin-listen", {"[::1]:8091"}).admin_listen, Endpoint::parse("[::1]:8091"));
  EXPECT_EQ(assigned("admin-listen", {"off"}).admin_listen, std::nullopt);
  for (const auto* const text : {"", "8091", "localhost:8091", "none"}) {
    EXPECT_THAT(outcome("admin-listen", {text}),
                testing::HasSubstr("is not an address with a port; allowed: ADDR:PORT"))
        << text;
  }
}

TEST(Value, OfASocketIsAPathOrAWord) {
  EXPECT_EQ(assigned("control-socket", {"/run/x.sock"}).control_socket, "/run/x.sock");
  EXPECT_EQ(assigned("control-socket", {"off"}).control_socket, "off");
  EXPECT_EQ(assigned("control-socket", {"auto"}).control_socket, "auto");
  EXPECT_EQ(outcome("control-socket", {""}),
            "'' is no path; allowed: a path of at most 107 bytes, auto or off");
}

TEST(Value, OfASocketHasToFitIntoItsAddress) {
  constexpr std::size_t kLongest = 107;
  const auto longest = "/" + std::string(kLongest - 1, 'x');
  EXPECT_EQ(outcome("control-socket", {longest}), "ok");
  EXPECT_THAT(outcome("control-socket", {longest + "x"}), testing::HasSubstr("is too long; allowed: a path"));
}

TEST(Value, OfListenIsEachAddressInOrder) {
  const auto config = assigned("listen", {"[::1]:1", "127.0.0.1:2"});
  ASSERT_EQ(config.listen.size(), 2U);
  EXPECT_EQ(config.listen[0].text(), "[::1]:1");
  EXPECT_EQ(config.listen[1].text(), "127.0.0.1:2");
  EXPECT_FALSE(config.listen_is_default);
}

TEST(Value, OfListenNamesTheOneAddressThatIsWrong) {
  EXPECT_THAT(outcome("listen", {"[::1]:1", "localhost:2"}),
              testing::StartsWith("'localhost:2' is not an address with a port; allowed: "));
}

TEST(Value, OfListenNamesAnInterfaceThatIsNotThere) {
  EXPECT_THAT(outcome("listen", {"[fe80::1%nosuch0]:8090"}),
              testing::StartsWith(
                  "'[fe80::1%nosuch0]:8090' names an interface that is unknown here, 'nosuch0'; allowed: "));
}

TEST(Value, OfListenHasNoAddressTwice) {
  EXPECT_THAT(outcome("listen", {"[::1]:1", "127.0.0.1:1", "[0::1]:1"}),
              testing::StartsWith("'[0::1]:1' is given twice; "));
}

TEST(Value, OfListenMayAskForAFreePortTwice) {
  EXPECT_EQ(assigned("listen", {"127.0.0.1:0", "127.0.0.1:0"}).listen.size(), 2U);
}

TEST(Value, OfListenHasALargestNumberOfAddresses) {
  std::vector<std::string> texts;
  for (std::size_t port = 1; port <= kMaxListenAddresses; ++port)
    texts.push_back("127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(outcome("listen", texts), "ok");
  texts.emplace_back("127.0.0.1:0");
  EXPECT_THAT(outcome("listen", texts), testing::StartsWith("65 addresses are too many; allowed: up to 64 "));
}

TEST(Value, OfListenIsNotAnEmptyList) {
  EXPECT_THAT(outcome("listen", {}), testing::StartsWith("an empty list; allowed: "));
}

TEST(Value, OfPortIsThePortOfTheDefaultAddress) {
  const auto config = assigned("port", {"65535"});
  ASSERT_EQ(config.listen.size(), 1U);
  EXPECT_EQ(config.listen.front(), Endpoint::any_v6(65535));
  EXPECT_TRUE(config.listen_is_default);
}

TEST(Value, ThatIsRefusedChangesNothing) {
  Config config;
  config.workers = 5;
  config.listen = {Endpoint::any_v4(7)};
  EXPECT_FALSE(assign(row("workers"), {"9999"}, config));
  EXPECT_FALSE(assign(row("listen"), {"127.0.0.1:1", "?"}, config));
  EXPECT_FALSE(assign(row("log-connections"), {"on"}, config));
  EXPECT_EQ(config.workers, 5U);
  EXPECT_EQ(config.listen.front(), Endpoint::any_v4(7));
  EXPECT_FALSE(config.log_connections);
}

TEST(Value, IsQuotedInOneLineWhateverItContains) {
  EXPECT_EQ(outcome("workers", {"1\n2\x1b[31m"}),
            "'1\\n2\\x1b[31m' is not a number; allowed: 1 to 1024, or auto");
}

TEST(Toml, IsWrittenInTheTypeOfTheOption) {
  Config config;
  config.listen = {Endpoint::any_v6(8090), Endpoint::any_v4(7)};
  config.workers = 4;
  config.idle_timeout = 90s;
  config.nodelay = true;
  config.log_level = LogLevel::kWarn;
  EXPECT_EQ(to_toml(row("listen"), config), R"(["[::]:8090", "0.0.0.0:7"])");
  EXPECT_EQ(to_toml(row("port"), config), "8090");
  EXPECT_EQ(to_toml(row("workers"), config), "4");
  EXPECT_EQ(to_toml(row("idle-timeout"), config), R"("90s")");
  EXPECT_EQ(to_toml(row("nodelay"), config), "true");
  EXPECT_EQ(to_toml(row("log-level"), config), R"("warn")");
}

TEST(Toml, WritesANumbersWordForZero) {
  EXPECT_EQ(to_toml(row("workers"), Config{}), R"("auto")");
  EXPECT_EQ(to_toml(row("worker-connections"), Config{}), "0");
}

TEST(Toml, EscapesQuotesBackslashesAndControlCharacters) {
  Config config;
  config.idle_notice = "\"a\\b\"\n\r\t\x7f\xc3\xa9";
  EXPECT_EQ(to_toml(row("idle-notice"), config), "\"\\\"a\\\\b\\\"\\n\\r\\t\\u007F\xc3\xa9\"");
}

}  // namespace
}  // namespace tcp_echo::test
