// How a run of tcp-echo-load ends before its time.

#include <gtest/gtest.h>

#include <csignal>

#include "system/faulty_server.hpp"
#include "system/load_run.hpp"

namespace tcp_echo::test {
namespace {

bool is_under_load(const FaultyServer& server) {
  return eventually([&] { return server.tally().sent > 64UL * 10; });
}

bool is_pending(pid_t pid, int signal) {
  constexpr int kHexadecimal = 16;
  const auto set = std::stoull(proc_status(pid, "ShdPnd"), nullptr, kHexadecimal);
  return (set >> static_cast<unsigned>(signal - 1) & 1U) != 0;
}

class LoadSignal : public testing::TestWithParam<int> {};

TEST_P(LoadSignal, EndsTheRunWithItsResult) {
  const FaultyServer server;
  const Folder folder;
  const auto file = (folder / "report.json").string();
  Daemon program(load_launch({"--connections", "3", "--duration", "0", "--interval", "100ms", "--json", file,
                              on_loopback(server.port())}));
  ASSERT_TRUE(is_under_load(server)) << program.log();
  program.signal(GetParam());
  const auto outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log;
  EXPECT_NE(outcome.output, "");
  const auto report = nlohmann::json::parse(content(file));
  EXPECT_EQ(report.at("interrupted"), true);
  EXPECT_EQ(report.at("ok"), true);
  EXPECT_GT(report.at("echoes"), 0);
  EXPECT_EQ(report.at("bytes").at("missing"), 0);
}

INSTANTIATE_TEST_SUITE_P(Each, LoadSignal, testing::Values(SIGINT, SIGTERM), [](const auto& each) {
  return std::string(each.param == SIGINT ? "Interrupt" : "Terminate");
});

TEST(LoadEnd, WaitsForWhatIsUnderWayUntilTheSecondSignal) {
  const FaultyServer server({.fault = Fault::kHang, .position = 64UL * 20});
  const Folder folder;
  const auto file = folder / "report.json";
  Daemon program(load_launch({"--connections", "1", "--duration", "0", "--wait", "10m", "--json",
                              file.string(), on_loopback(server.port())}));
  ASSERT_TRUE(eventually([&] { return server.tally().mistakes == 1; })) << program.log();
  program.signal(SIGINT);
  // A signal that still pends would swallow its like.
  ASSERT_TRUE(eventually([&] { return !is_pending(program.pid(), SIGINT); }));
  pause_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(std::filesystem::exists(file)) << "the first signal did not end it";
  program.signal(SIGINT);
  EXPECT_EQ(program.wait().exit_code, 1);
  EXPECT_EQ(nlohmann::json::parse(content(file)).at("connections").at("stuck"), 1);
}

TEST(LoadEnd, InTheWarmUpIsNoFailure) {
  const FaultyServer server;
  Daemon program(load_launch({"--connections", "2", "--warmup", "10m", on_loopback(server.port())}));
  ASSERT_TRUE(is_under_load(server)) << program.log();
  program.signal(SIGINT);
  const auto outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.log << outcome.output;
  EXPECT_NE(outcome.output, "");
}

}  // namespace
}  // namespace tcp_echo::test
