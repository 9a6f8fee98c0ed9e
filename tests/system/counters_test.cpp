// The counters, read with tcp-echo-ctl the whole time while everything happens that can.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/dice.hpp"
#include "system/control_client.hpp"
#include "system/service.hpp"
#include "system/traffic.hpp"

namespace tcp_echo::test {
namespace {

using nlohmann::json;

struct Flow {
  std::uint64_t accepted = 0, closed = 0, in = 0, out = 0, received = 0, sent = 0;

  static Flow of(const json& counted) {
    const auto& connections = counted.at("connections");
    return {connections.at("accepted"),         connections.at("closed"),
            connections.at("handed_over_in"),   connections.at("handed_over_out"),
            counted.at("bytes").at("received"), counted.at("bytes").at("sent")};
  }
  bool is_no_less_than(const Flow& before) const {
    return accepted >= before.accepted && closed >= before.closed && in >= before.in && out >= before.out &&
           received >= before.received && sent >= before.sent;
  }
  /// Never more closed than opened; the open ones are the difference.
  bool balances(std::uint64_t active) const { return accepted + in == active + closed + out; }
};

/// Asks for the status again and again, until it is destroyed, and compares each with the one before.
class Auditor {
 public:
  explicit Auditor(const std::string& path)
      : question_{.arguments = {"--socket", path, "status", "--json"},
                  .program = built_program("tcp-echo-ctl")},
        thread_([this] { run(); }) {}
  ~Auditor() {
    is_over_ = true;
    thread_.join();
  }
  Auditor(const Auditor&) = delete;
  Auditor& operator=(const Auditor&) = delete;

  std::size_t looks() const { return looks_; }

 private:
  void run() {
    while (!is_over_) {
      const auto answer = Daemon(question_).wait();
      ASSERT_EQ(answer.exit_code, 0) << answer.log;
      const auto status = json::parse(answer.output);
      look(0, status.at("totals"));
      for (const auto& worker : status.at("workers")) look(worker.at("slot"), worker);
      ++looks_;
    }
  }
  void look(unsigned slot, const json& counted) {
    const auto flow = Flow::of(counted);
    EXPECT_TRUE(flow.is_no_less_than(before_[slot])) << slot << ": " << counted;
    EXPECT_TRUE(flow.balances(counted.at("connections").at("active"))) << slot << ": " << counted;
    before_[slot] = flow;
  }

  Launch question_;
  std::map<unsigned, Flow> before_;
  std::atomic<std::size_t> looks_{0};
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

void do_something(Dice& dice, Service& service, ControlClient& operation) {
  json request;
  switch (dice.below(5)) {
    case 0: {
      const auto workers = service.daemon().running_workers();
      if (!workers.empty()) ::kill(workers[dice.below(workers.size())], SIGKILL);
      return;
    }
    case 1: request = {{"command", "reload"}}; break;
    case 2: request = {{"command", "upgrade"}}; break;
    case 3: request = {{"command", "scale"}, {"workers", dice.between(1, 4)}}; break;
    default: request = {{"command", "restart"}, {"worker", dice.between(1, 4)}}; break;
  }
  // That it is answered counts: a worker may die in the middle of it.
  EXPECT_TRUE(operation.ask(request).contains("ok"));
}

TEST(Counters, NeverGoDownAndBalanceOverCrashesReloadsUpgradesAndScaling) {
  const auto seed = first_seed();
  SCOPED_TRACE(how_to_repeat(seed));
  Dice dice(seed);
  Service service({"--workers", "3", "--respawn-delay-min", "1ms", "--respawn-delay-max", "10ms"});
  ASSERT_TRUE(service.daemon().is_serving());
  Stream stream(service.port(), 4);
  ControlClient operation(service.daemon().control_socket());
  {
    const Auditor auditor(service.daemon().control_socket());
    for (std::size_t i = 0; i < rounds(50); ++i) do_something(dice, service, operation);
    EXPECT_TRUE(eventually([&] {
      do_something(dice, service, operation);
      return auditor.looks() > 10;
    }));
    EXPECT_EQ(operation.ask({{"command", "scale"}, {"workers", 2}})["ok"], true);
    const auto enough = stream.served() + 10;
    EXPECT_TRUE(eventually([&] { return stream.served() >= enough; }));
    EXPECT_EQ(stream.finish().wrong, 0U);
  }
  json totals;
  const auto has_closed_all = [&] {
    totals = operation.ask({{"command", "status"}})["data"]["totals"];
    return totals["connections"]["active"] == 0;
  };
  EXPECT_TRUE(eventually(has_closed_all)) << totals;
  EXPECT_TRUE(Flow::of(totals).balances(0)) << totals;
}

}  // namespace
}  // namespace tcp_echo::test
