#include "tcp_echo/control/request.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tcp_echo/config/options.hpp"

namespace tcp_echo::test {
namespace {

std::string complaint_about_request(const std::string& line) {
  const auto parsed = parse_request(line);
  EXPECT_FALSE(parsed) << line;
  if (parsed) return "";
  EXPECT_EQ(parsed.error().code, ExitCode::kUsage);
  EXPECT_EQ(parsed.error().text.find('\n'), std::string::npos) << parsed.error().text;
  return parsed.error().text;
}

TEST(ControlRequest, RowsStandInTheOrderOfTheirCommands) {
  for (const auto& row : control_rows()) EXPECT_EQ(&row_of(row.command), &row) << row.word;
}

TEST(ControlRequest, MayAskForAsManyWorkersAsTheOptionMay) {
  EXPECT_EQ(row_of(ControlCommand::kScale).number_argument.max, kMaxWorkers);
  EXPECT_EQ(row_of(ControlCommand::kRestart).number_argument.max, kMaxWorkers);
}

TEST(ControlRequest, OfEachCommandComesBackAsItWas) {
  for (const auto& row : control_rows()) {
    ControlRequest request{.command = row.command};
    if (!row.number_argument.name.empty()) request.number = 4;
    if (!row.word_argument.name.empty()) request.word = "\"quoted\"\n";
    request.waits = row.may_wait;
    const auto line = to_line(request);
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    EXPECT_EQ(value_or_throw(parse_request(line)), request) << line;
  }
}

TEST(ControlRequest, IsALineThatAnOperatorCanTypeIn) {
  EXPECT_EQ(to_line({.command = ControlCommand::kScale, .number = 4}), R"({"command":"scale","workers":4})");
  EXPECT_EQ(value_or_throw(parse_request(R"( { "workers" : 4, "command" : "scale" } )")),
            (ControlRequest{.command = ControlCommand::kScale, .number = 4}));
}

TEST(ControlRequest, MayLeaveOutWhatIsNotNeeded) {
  EXPECT_EQ(value_or_throw(parse_request(R"({"command":"events"})")),
            ControlRequest{.command = ControlCommand::kEvents});
  EXPECT_EQ(value_or_throw(parse_request(R"({"command":"log-level"})")),
            ControlRequest{.command = ControlCommand::kLogLevel});
}

TEST(ControlRequest, ThatIsNoObjectIsRefused) {
  for (const auto* const line :
       {"", "x", "[]", "7", "null", "\"reload\"", "{", "{\"command\":\"reload\"} x", "\xff"})
    EXPECT_EQ(complaint_about_request(line).substr(0, 48), "a request is one JSON object on a line, and not ")
        << line;
}

TEST(ControlRequest, ThatNestsDeeplyIsRefusedAsWell) {
  complaint_about_request(std::string(kLongestRequest, '['));
  std::string objects;
  while (objects.size() < kLongestRequest) objects += "{\"a\":";
  complaint_about_request(objects);
}

TEST(ControlRequest, WithoutACommandThatThereIsIsRefused) {
  const std::string how = R"(a request names its command, as in {"command":"status"})";
  EXPECT_EQ(complaint_about_request("{}"), how);
  EXPECT_EQ(complaint_about_request(R"({"command":7})"), how);
  EXPECT_EQ(complaint_about_request(R"({"command":"dance"})"),
            "no command is 'dance'; there are status, events, connections, reload, upgrade, scale, restart, "
            "log-level, "
            "stop, version");
}

TEST(ControlRequest, WithAnArgumentThatMakesNoSenseIsRefused) {
  EXPECT_EQ(complaint_about_request(R"({"command":"scale"})"), "scale needs 'workers'");
  const std::string allowed = "'workers' of scale is a number from 1 to 1024";
  for (const auto* const value :
       {"0", "1025", "-1", "1.5", "1e30", "\"4\"", "null", "[4]", "99999999999999999999"})
    EXPECT_EQ(complaint_about_request(std::string(R"({"command":"scale","workers":)") + value + "}"), allowed)
        << value;
  EXPECT_EQ(complaint_about_request(R"({"command":"log-level","level":3})"),
            "'level' of log-level is a text");
  EXPECT_EQ(complaint_about_request(R"({"command":"log-level","level":""})"),
            "'level' of log-level is a text");
  EXPECT_EQ(complaint_about_request(R"({"command":"events","wait":1})"), "'wait' is true or false");
}

TEST(ControlRequest, WithAnArgumentTooManyIsRefused) {
  EXPECT_EQ(complaint_about_request(R"({"command":"reload","now":true})"), "reload takes no 'now'");
  EXPECT_EQ(complaint_about_request(R"({"command":"reload","wait":true})"), "reload takes no 'wait'");
  EXPECT_EQ(complaint_about_request(R"({"command":"reload","":true})"), "reload takes no ''");
  EXPECT_EQ(complaint_about_request(R"({"command":"scale","workers":4,"slot":1})"),
            "scale takes no 'slot'; it takes 'workers'");
  EXPECT_EQ(complaint_about_request(R"({"command":"connections","limit":4})"),
            "connections takes no 'limit'; it takes 'place', 'peer'");
}

}  // namespace
}  // namespace tcp_echo::test
