#include "tcp_echo/probe/probe.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <thread>

#include "support/sockets.hpp"
#include "tcp_echo/ipc/address_notice.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

/// What a server makes of a client's line; FIN follows.
using Answer = std::function<std::string(std::string)>;

/// Serves a client with each of the answers, one after the other.
class Answering {
 public:
  Answering(const std::string& address, std::vector<Answer> answers)
      : listener_(value_or_throw(open_listener(test::endpoint(address), {.backlog = 8}))),
        thread_([this, answers = std::move(answers)] {
          for (const auto& answer : answers) serve(answer);
        }) {}
  ~Answering() { thread_.join(); }
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;

  Endpoint endpoint() const { return bound(listener_); }

 private:
  void serve(const Answer& answer) const {
    pollfd client{listener_.get(), POLLIN, 0};
    ::poll(&client, 1, -1);
    const UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::string line;
    std::array<char, 256> bytes{};
    for (ssize_t got = 1; got > 0;
         line.append(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))))
      got = ::recv(fd.get(), bytes.data(), bytes.size(), 0);
    const auto text = answer(line);
    ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  UniqueFd listener_;
  std::thread thread_;
};

std::string probe(const Endpoint& endpoint, std::chrono::milliseconds patience = 10s) {
  const auto probed = probe_endpoint(endpoint, ProbeClock::now() + patience);
  if (probed) return "ok";
  EXPECT_EQ(probed.error().code, ExitCode::kUnavailable);
  return probed.error().text;
}

std::string unchanged(std::string line) { return line; }

TEST(Probe, IsContentWithItsLineAndTheEnd) {
  const Answering echo("127.0.0.1:0", {unchanged});
  EXPECT_EQ(probe(echo.endpoint()), "ok");
}

TEST(Probe, AsksTheLoopbackAddressOfOneThatStandsForAll) {
  const Answering v4("0.0.0.0:0", {unchanged});
  EXPECT_EQ(probe(v4.endpoint()), "ok");
  if (!ipv6_available()) GTEST_SKIP() << "no IPv6 here";
  const Answering v6("[::]:0", {unchanged});
  EXPECT_EQ(probe(v6.endpoint()), "ok");
}

TEST(Probe, TriesIpv4WhereTheIpv6LoopbackDoesNotAnswer) {
  const Answering v4("127.0.0.1:0", {unchanged});
  EXPECT_EQ(probe(Endpoint::any_v6(v4.endpoint().port())), "ok");
}

TEST(Probe, IsNotContentWithLessMoreOrSomethingElse) {
  const std::array<Answer, 4> answers = {[](const std::string& line) { return line.substr(1); },
                                         [](const std::string& line) { return line + line; },
                                         [](const std::string&) { return std::string(); },
                                         [](const std::string& line) { return line + "x"; }};
  for (const auto& answer : answers) {
    const Answering echo("127.0.0.1:0", {answer});
    EXPECT_NE(probe(echo.endpoint()).find(" does not echo: sent 'tcp-echo-master --probe "),
              std::string::npos);
  }
}

TEST(Probe, SaysHowMuchCameBackWhenTheTimeIsUp) {
  const auto silent = value_or_throw(open_listener(any_loopback_port(), {.backlog = 8}));
  const auto answer = probe(bound(silent), 20ms);
  EXPECT_NE(answer.find(" bytes came back: Connection timed out"), std::string::npos) << answer;
}

TEST(Probe, SaysThatNobodyListens) {
  const auto free = bound(value_or_throw(open_listener(any_loopback_port(), {.backlog = 8})));
  EXPECT_EQ(probe(free), free.text() + " does not echo: cannot connect: Connection refused");
}

TEST(ProbeService, AsksEveryAddressOfTheNotice) {
  const Answering one("127.0.0.1:0", {unchanged});
  const Answering two("127.0.0.2:0", {unchanged});
  const auto notice = value_or_throw(put_up_notice({one.endpoint(), two.endpoint()}));
  EXPECT_EQ(value_or_throw(probe_service(::getpid(), 10s)), (std::vector{one.endpoint(), two.endpoint()}));
}

TEST(ProbeService, TriesAgainWhileThereIsTime) {
  const Answering echo("127.0.0.1:0", {[](const std::string&) { return std::string(); }, unchanged});
  const auto notice = value_or_throw(put_up_notice({echo.endpoint()}));
  EXPECT_EQ(value_or_throw(probe_service(::getpid(), 10s)), std::vector{echo.endpoint()});
}

TEST(ProbeService, SaysThatNobodyServes) {
  const auto probed = probe_service(::getpid(), 0ms);
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().code, ExitCode::kUnavailable);
  EXPECT_EQ(probed.error().text, "process " + std::to_string(::getpid()) +
                                     " is no tcp-echo-master that serves here, or may not be looked into");
}

}  // namespace
}  // namespace tcp_echo::test
