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

/// Serves one client with what `answer` makes of its line, then sends FIN.
class OneAnswer {
 public:
  explicit OneAnswer(const std::string& address, std::function<std::string(std::string)> answer)
      : listener_(value_or_throw(open_listener(test::endpoint(address), {.backlog = 8}))),
        thread_([this, answer = std::move(answer)] { serve(answer); }) {}
  ~OneAnswer() { thread_.join(); }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;

  Endpoint endpoint() const { return bound(listener_); }

 private:
  void serve(const std::function<std::string(std::string)>& answer) const {
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
  const OneAnswer echo("127.0.0.1:0", unchanged);
  EXPECT_EQ(probe(echo.endpoint()), "ok");
}

TEST(Probe, AsksTheLoopbackAddressOfOneThatStandsForAll) {
  const OneAnswer v4("0.0.0.0:0", unchanged);
  EXPECT_EQ(probe(v4.endpoint()), "ok");
  if (!ipv6_available()) GTEST_SKIP() << "no IPv6 here";
  const OneAnswer v6("[::]:0", unchanged);
  EXPECT_EQ(probe(v6.endpoint()), "ok");
}

TEST(Probe, TriesIpv4WhereTheIpv6LoopbackDoesNotAnswer) {
  const OneAnswer v4("127.0.0.1:0", unchanged);
  EXPECT_EQ(probe(Endpoint::any_v6(v4.endpoint().port())), "ok");
}

TEST(Probe, IsNotContentWithLessMoreOrSomethingElse) {
  const std::array<std::function<std::string(std::string)>, 4> answers = {
      [](const std::string& line) { return line.substr(1); },
      [](const std::string& line) { return line + line; }, [](const std::string&) { return std::string(); },
      [](const std::string& line) { return line + "x"; }};
  for (const auto& answer : answers) {
    const OneAnswer echo("127.0.0.1:0", answer);
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
  const OneAnswer one("127.0.0.1:0", unchanged);
  const OneAnswer two("127.0.0.2:0", unchanged);
  const auto notice = value_or_throw(put_up_notice({one.endpoint(), two.endpoint()}));
  EXPECT_EQ(value_or_throw(probe_service(::getpid(), 10s)), (std::vector{one.endpoint(), two.endpoint()}));
}

TEST(ProbeService, WaitsForOneThatIsOnlyJustStarting) {
  const OneAnswer echo("127.0.0.1:0", unchanged);
  UniqueFd notice;
  std::thread later([&] {
    std::this_thread::sleep_for(100ms);
    notice = value_or_throw(put_up_notice({echo.endpoint()}));
  });
  EXPECT_EQ(value_or_throw(probe_service(::getpid(), 10s)), std::vector{echo.endpoint()});
  later.join();
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
