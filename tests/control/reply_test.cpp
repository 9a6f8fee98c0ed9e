#include "tcp_echo/control/reply.hpp"

#include <gtest/gtest.h>

namespace tcp_echo::test {
namespace {

TEST(ControlReply, OfEachKindComesBackAsItWas) {
  using enum ControlReply::Refusal;
  for (const auto& reply :
       {ControlReply{}, ControlReply::done("scaled to 4 workers"), ControlReply::failed("a \"quoted\"\nline"),
        ControlReply::of_data(R"({"pid":7,"list":[1,2]})"),
        ControlReply{.is_ok = false, .message = "later", .refusal = kBusy},
        ControlReply{.is_ok = false, .message = "never", .refusal = kForbidden}}) {
    const auto line = to_line(reply);
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    EXPECT_EQ(value_or_throw(parse_reply(line)), reply) << line;
  }
}

TEST(ControlReply, IsALineThatAScriptCanRead) {
  EXPECT_EQ(to_line(ControlReply::done("done")), R"({"ok":true,"message":"done"})");
  EXPECT_EQ(to_line(ControlReply::of_data("[1]")), R"({"ok":true,"data":[1]})");
}

TEST(ControlReply, KeepsToUtf8WhateverAMessageHolds) {
  EXPECT_EQ(to_line(ControlReply::failed("\xff")), "{\"ok\":false,\"message\":\"\xef\xbf\xbd\"}");
}

TEST(ControlReply, ThatNoMasterGivesIsSeen) {
  for (const auto* const line :
       {"", "HTTP/1.1 400 Bad Request", "{}", "[]", R"({"ok":1})", R"({"ok":true,"message":7})"})
    EXPECT_FALSE(parse_reply(line)) << line;
}

}  // namespace
}  // namespace tcp_echo::test
