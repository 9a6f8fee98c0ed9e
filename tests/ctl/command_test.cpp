#include "ctl/command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tcp_echo/base/network.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo::test {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

CtlCommand ctl_command(const Words& arguments) { return value_or_throw(read_ctl_command(arguments)); }

std::string ctl_complaint(const Words& arguments) {
  const auto read = read_ctl_command(arguments);
  EXPECT_FALSE(read) << testing::PrintToString(arguments);
  if (read) return "";
  EXPECT_EQ(read.error().code, ExitCode::kUsage);
  return read.error().text;
}

TEST(CtlCommand, IsThereForWhateverMayBeAskedOfAMaster) {
  for (const auto& row : control_rows()) {
    const auto is_it = [&row](const CtlRow& each) { return each.command == row.command; };
    EXPECT_EQ(std::count_if(ctl_rows().begin(), ctl_rows().end(), is_it), 1) << row.word;
  }
}

TEST(CtlCommand, OfEachRowIsUnderstood) {
  for (const auto& row : ctl_rows()) {
    auto words = split(row.words, ' ');
    if (!row.argument.empty())
      words.emplace_back(row_of(row.command).number_argument.name.empty() ? "debug" : "3");
    EXPECT_EQ(ctl_command(words).request.command, row.command) << row.words;
  }
  EXPECT_TRUE(ctl_command({"status", "--watch"}).again_and_again);
  EXPECT_TRUE(ctl_command({"events", "--follow"}).again_and_again);
  EXPECT_FALSE(ctl_command({"events", "--json"}).again_and_again);
  EXPECT_EQ(ctl_command({"scale", "4"}).request.number, 4U);
  EXPECT_EQ(ctl_command({"worker", "restart", "2"}).request.number, 2U);
  EXPECT_EQ(ctl_command({"log-level", "debug"}).request.word, "debug");
  EXPECT_EQ(ctl_command({"log-level"}).request.word, "");
}

TEST(CtlCommand, TakesItsOptionsInAnyPlace) {
  for (const auto& words :
       {Words{"--socket", "/x", "status", "--json"}, Words{"status", "--json", "--socket=/x"},
        Words{"--json", "status", "--socket", "/x"}}) {
    EXPECT_EQ(ctl_command(words).socket, "/x");
    EXPECT_TRUE(ctl_command(words).as_json);
  }
}

TEST(CtlCommand, SaysWhichConnectionsAreWanted) {
  const auto any = ctl_command({"connections"});
  EXPECT_EQ(any.order, ConnectionOrder::kNone);
  EXPECT_EQ(any.limit, std::nullopt);
  EXPECT_EQ(any.request.word, "");
  const auto some =
      ctl_command({"connections", "--peer", "10.0.0.0/8", "--sort=idle", "--limit", "20", "--json"});
  EXPECT_EQ(some.order, ConnectionOrder::kIdle);
  EXPECT_EQ(some.limit, 20U);
  EXPECT_EQ(some.request.word, "10.0.0.0/8");
  EXPECT_TRUE(some.as_json);
  EXPECT_EQ(ctl_complaint({"connections", "--peer", "localhost"}),
            "--peer: " + Network::why_not("localhost"));
  EXPECT_EQ(ctl_complaint({"connections", "--sort", "size"}),
            "--sort: 'size' is not possible; allowed: age, bytes, idle");
  for (const auto* const limit : {"0", "", "-1", "all", "99999999999999999999"})
    EXPECT_EQ(ctl_complaint({"connections", "--limit", limit}),
              "--limit: '" + std::string(limit) + "' is not possible; allowed: a number from 1 on");
}

TEST(CtlCommand, MayAskForHelpOrTheVersionWhateverElseThereIs) {
  EXPECT_EQ(ctl_command({"dance", "--help"}).action, CtlAction::kHelp);
  EXPECT_EQ(ctl_command({"-h"}).action, CtlAction::kHelp);
  EXPECT_EQ(ctl_command({"-V"}).action, CtlAction::kVersion);
}

TEST(CtlCommand, ThatIsNoneIsRefusedWithThoseThatThereAre) {
  const std::string all =
      "; allowed: status, events, connections, reload, upgrade, scale, worker restart, log-level, stop, "
      "version";
  EXPECT_EQ(ctl_complaint({}), "a command is missing" + all);
  EXPECT_EQ(ctl_complaint({"dance"}), "no command is 'dance'" + all);
  EXPECT_EQ(ctl_complaint({"worker"}), "no command is 'worker'" + all);
}

TEST(CtlCommand, WithAWordTooManyOrTooFewIsRefused) {
  EXPECT_EQ(ctl_complaint({"reload", "now"}), "reload: 'now' is a word too many");
  EXPECT_EQ(ctl_complaint({"scale"}), "scale: N is missing");
  EXPECT_EQ(ctl_complaint({"worker", "restart"}), "worker restart: I is missing");
  EXPECT_EQ(ctl_complaint({"events", "7"}), "events: '7' is a word too many");
}

TEST(CtlCommand, WithANumberThatMakesNoSenseIsRefused) {
  for (const auto* const number : {"0", "1025", "1.5", "four", ""})
    EXPECT_EQ(ctl_complaint({"scale", number}),
              "scale: '" + std::string(number) + "' is not possible; allowed: 1 to 1024");
}

TEST(CtlCommand, WithNothingInThePlaceOfAWordIsRefused) {
  EXPECT_EQ(ctl_complaint({"log-level", ""}), "log-level: '' is not possible") << "as of an unset variable";
}

TEST(CtlCommand, WithAnOptionThatDoesNotGoWithItIsRefused) {
  EXPECT_EQ(ctl_complaint({"reload", "--json"}), "reload takes no --json");
  EXPECT_EQ(ctl_complaint({"status", "--follow"}), "status takes no --follow");
  EXPECT_EQ(ctl_complaint({"status", "--socket"}), "--socket: the value is missing");
  EXPECT_EQ(ctl_complaint({"status", "--socket="}), "--socket: '' is no path");
  EXPECT_EQ(ctl_complaint({"status", "--json=yes"}), "--json: takes no value");
  EXPECT_EQ(ctl_complaint({"status", "--pretty"}), "no option is '--pretty'; allowed: those of --help");
}

TEST(CtlHelp, NamesEachCommandAndExitCode) {
  const auto help = ctl_help(80);
  for (const auto& row : ctl_rows()) EXPECT_THAT(help, HasSubstr(std::string("  ") + std::string(row.words)));
  for (const auto& code : ctl_exit_codes())
    EXPECT_THAT(help, HasSubstr(std::string("  ") + std::string(code.name) + " "));
}

}  // namespace
}  // namespace tcp_echo::test
