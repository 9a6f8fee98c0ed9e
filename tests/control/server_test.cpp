// The control server with real sockets, and a clock that is turned by hand.
#include "tcp_echo/control/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/hand_clock.hpp"
#include "support/log_capture.hpp"
#include "support/open_files.hpp"
#include "support/sockets.hpp"
#include "support/valgrind.hpp"
#include "support/wait.hpp"
#include "tcp_echo/loop/deadline.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A client of the control socket that never blocks.
class Operator {
 public:
  explicit Operator(const std::string& path) : fd_(value_or_throw(connect_to_control_socket(path))) {}

  /// How much of it was taken.
  std::size_t send(std::string_view text) const {
    const auto size = ::send(fd_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return size < 0 ? 0 : static_cast<std::size_t>(size);
  }
  void finish() const { ::shutdown(fd_.get(), SHUT_WR); }
  void leave() { fd_.reset(); }
  /// Takes what is there.
  const std::string& received() {
    std::array<char, 4096> bytes{};
    for (;;) {
      const auto size = ::recv(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (size == 0 || (size < 0 && errno != EAGAIN)) has_ended_ = true;
      if (size <= 0) return received_;
      received_.append(bytes.data(), static_cast<std::size_t>(size));
    }
  }
  bool has_ended() {
    received();
    return has_ended_;
  }

 private:
  UniqueFd fd_;
  std::string received_;
  bool has_ended_ = false;
};

constexpr const char* kReload = "{\"command\":\"reload\"}\n";
constexpr const char* kVersion = "{\"command\":\"version\"}\n";

struct ControlServerTest : testing::Test {
  ControlServer::OnRequest listener() {
    return [this](Ticket ticket, const ControlRequest& request) {
      asked.push_back({ticket, request});
      if (request.command == ControlCommand::kVersion) server->answer(ticket, ControlReply::done("1.2.3"));
      if (request.command == ControlCommand::kStatus) server->answer(ticket, ControlReply::of_data(status));
    };
  }
  template <class Condition>
  bool until(Condition condition) {
    return turn_until(loop, [&] {
      clock.turn(0ms);
      return condition();
    });
  }
  bool hears(Operator& client, const std::string& text) {
    return until([&] { return client.received().find(text) != std::string::npos; });
  }
  bool is_dropped(Operator& client) {
    return until([&] { return client.has_ended(); });
  }
  /// Lets everything happen that needs no time.
  void settle() {
    for (int i = 0; i < 20; ++i) {
      loop.turn_once();
      clock.turn(0ms);
    }
  }

  Folder folder;
  std::string path = folder / "x.sock";
  LogCapture log;
  Loop loop;
  HandClock clock;
  std::string status = R"({"pid":7})";
  std::vector<ControlServer::Waiting> asked;
  std::unique_ptr<ControlServer> server =
      std::make_unique<ControlServer>(loop, clock, value_or_throw(ControlSocket::claim(path)), listener());
};

TEST_F(ControlServerTest, AnswersALineWithALineAndIsAskedAgain) {
  Operator client(path);
  client.send(kVersion);
  ASSERT_TRUE(hears(client, "{\"ok\":true,\"message\":\"1.2.3\"}\n"));
  client.send("{\"command\":\"status\"}\n");
  ASSERT_TRUE(hears(client, "{\"ok\":true,\"data\":{\"pid\":7}}\n"));
  EXPECT_FALSE(client.has_ended());
}

TEST_F(ControlServerTest, LetsAClientWaitForItsAnswerAsLongAsThatTakes) {
  Operator client(path);
  client.send(kReload);
  ASSERT_TRUE(until([&] { return !asked.empty(); }));
  for (int i = 0; i < 100; ++i) {
    clock.turn(1s);
    loop.turn_once();
  }
  EXPECT_EQ(client.received(), "");
  EXPECT_FALSE(client.has_ended());
  ASSERT_EQ(server->waiting().size(), 1U);
  EXPECT_EQ(server->waiting()[0].request.command, ControlCommand::kReload);
  server->answer(asked[0].ticket, ControlReply::failed("no"));
  EXPECT_EQ(client.received(), "{\"ok\":false,\"message\":\"no\"}\n");
  EXPECT_TRUE(server->waiting().empty());
}

TEST_F(ControlServerTest, TellsWhatIsWrongWithARequestAndHearsTheNext) {
  Operator client(path);
  client.send("nonsense\n\n{\"command\":\"dance\"}\n");
  client.send(kVersion);
  ASSERT_TRUE(hears(client, "1.2.3"));
  EXPECT_THAT(client.received(), HasSubstr("and not 'nonsense'"));
  EXPECT_THAT(client.received(), HasSubstr("no command is 'dance'"));
  EXPECT_EQ(asked.size(), 1U);
}

TEST_F(ControlServerTest, TakesARequestInPieces) {
  Operator client(path);
  for (const char letter : std::string(kVersion)) {
    client.send({&letter, 1});
    settle();
  }
  EXPECT_TRUE(hears(client, "1.2.3"));
}

TEST_F(ControlServerTest, AnswersOneWhoSendsNoMoreAndThenLetsItGo) {
  Operator client(path);
  client.send("{\"command\":\"version\"}");  // and no newline, as printf(1) and nc -N do it
  client.finish();
  ASSERT_TRUE(is_dropped(client));
  EXPECT_EQ(client.received(), "{\"ok\":true,\"message\":\"1.2.3\"}\n");
}

TEST_F(ControlServerTest, AnswersAllThatWasSentBeforeTheEnd) {
  Operator client(path);
  client.send(std::string(kVersion) + kVersion + kVersion);
  client.finish();
  ASSERT_TRUE(is_dropped(client));
  EXPECT_EQ(client.received().size(), 3 * std::string("{\"ok\":true,\"message\":\"1.2.3\"}\n").size());
}

TEST_F(ControlServerTest, TakesOneRequestOfAClientInATurnSoThatNobodyHoldsItUp) {
  server.reset();
  server =
      std::make_unique<ControlServer>(loop, loop, value_or_throw(ControlSocket::claim(path)), listener());
  Operator client(path);
  std::string many;
  for (int i = 0; i < 100; ++i) many += kVersion;
  client.send(many);
  const auto is_answered = [&] {
    const auto before = asked.size();
    loop.turn_once();
    EXPECT_LE(asked.size(), before + 1);
    client.received();
    return asked.size() == 100;
  };
  EXPECT_TRUE(eventually(is_answered));
}

TEST_F(ControlServerTest, DropsARequestThatIsTooLongWithALine) {
  Operator client(path);
  const std::string endless(5'000'000, 'x');
  std::size_t sent = 0;
  ASSERT_TRUE(until([&] {
    sent += client.send(std::string_view(endless).substr(sent));
    return client.has_ended();
  }));
  EXPECT_EQ(client.received(), "{\"ok\":false,\"message\":\"a request has at most 65536 bytes\"}\n");
  EXPECT_LT(sent, 1'000'000U);
  EXPECT_TRUE(asked.empty());
}

TEST_F(ControlServerTest, HearsARequestOfTheLongestSizeThereIs) {
  Operator client(path);
  std::string request = "{\"command\":\"version\"}";
  request.append(kLongestRequest - request.size(), ' ');
  request += '\n';
  std::size_t sent = 0;
  ASSERT_TRUE(until([&] {
    sent += client.send(std::string_view(request).substr(sent));
    return !client.received().empty();
  }));
  EXPECT_THAT(client.received(), HasSubstr("1.2.3"));
}

// ---- time

TEST_F(ControlServerTest, DropsAClientThatIsSilentOrNeverComesToAnEnd) {
  Operator silent(path);
  Operator halting(path);
  halting.send("{\"comm");
  settle();
  clock.turn(4999ms);
  halting.send("a");
  settle();
  EXPECT_FALSE(silent.has_ended());
  clock.turn(1ms + kSecondLook);
  EXPECT_TRUE(is_dropped(silent));
  EXPECT_TRUE(is_dropped(halting));
  EXPECT_EQ(silent.received(), "");
}

TEST_F(ControlServerTest, HearsAClientWhoseRequestCameWhileTheMasterDidNotRun) {
  Operator client(path);
  settle();
  client.send(kVersion);
  clock.turn(5s);  // timers come before readiness, as after SIGCONT
  EXPECT_TRUE(hears(client, "1.2.3"));
}

TEST_F(ControlServerTest, GivesAClientItsTimeAnewAfterEachAnswer) {
  Operator client(path);
  for (int i = 0; i < 5; ++i) {
    clock.turn(4s);
    client.send(kVersion);
    const auto before = client.received().size();
    ASSERT_TRUE(until([&] { return client.received().size() > before; })) << i;
  }
}

TEST_F(ControlServerTest, DropsAClientThatDoesNotReadItsAnswer) {
  status = '"' + std::string(4'000'000, 'x') + '"';
  Operator client(path);
  client.send("{\"command\":\"status\"}\n");
  ASSERT_TRUE(until([&] { return !asked.empty(); }));
  settle();
  EXPECT_EQ(server->record().sessions.size(), 1U);
  clock.turn(5s + kSecondLook);
  EXPECT_TRUE(server->record().sessions.empty());
  EXPECT_TRUE(is_dropped(client));
  EXPECT_LT(client.received().size(), status.size());
}

TEST_F(ControlServerTest, GivesALongAnswerAsFastAsItIsRead) {
  status = '"' + std::string(4'000'000, 'x') + '"';
  Operator client(path);
  client.send("{\"command\":\"status\"}\n");
  ASSERT_TRUE(
      until([&] { return client.received().size() > status.size() && client.received().back() == '\n'; }));
  client.send(kVersion);
  EXPECT_TRUE(hears(client, "1.2.3"));
}

TEST_F(ControlServerTest, SeesThatAClientHasGoneWhileItWaited) {
  Operator client(path);
  client.send(kReload);
  ASSERT_TRUE(until([&] { return !asked.empty(); }));
  client.leave();
  clock.turn(1s + kSecondLook);
  EXPECT_TRUE(server->record().sessions.empty());
  server->answer(asked[0].ticket, ControlReply::done("done"));
}

TEST_F(ControlServerTest, KeepsAClientThatOnlySendsNoMoreWhileItWaits) {
  Operator client(path);
  client.send(kReload);
  client.finish();
  ASSERT_TRUE(until([&] { return !asked.empty(); }));
  clock.turn(10s);
  server->answer(asked[0].ticket, ControlReply::done("done"));
  ASSERT_TRUE(is_dropped(client));
  EXPECT_EQ(client.received(), "{\"ok\":true,\"message\":\"done\"}\n");
}

// ---- numbers

TEST_F(ControlServerTest, RefusesOneTooManyWithALineAndHearsTheNextWhenOneHasLeft) {
  std::vector<std::unique_ptr<Operator>> clients;
  for (std::size_t i = 0; i < kMostControlClients; ++i) clients.push_back(std::make_unique<Operator>(path));
  settle();
  Operator one_more(path);
  ASSERT_TRUE(is_dropped(one_more));
  EXPECT_EQ(one_more.received(),
            "{\"ok\":false,\"message\":\"32 others are connected already\",\"refusal\":\"busy\"}\n");
  clients.back()->leave();
  settle();
  Operator next(path);
  next.send(kVersion);
  EXPECT_TRUE(hears(next, "1.2.3"));
}

TEST_F(ControlServerTest, LeavesTheLastDescriptorsToWorkers) {
  const LowOpenFilesLimit few(next_descriptor() + 17);
  Operator client(path);
  ASSERT_TRUE(is_dropped(client));
  EXPECT_EQ(client.received(),
            "{\"ok\":false,\"message\":\"the master has no descriptor to spare (ulimit -n)\","
            "\"refusal\":\"busy\"}\n");
}

TEST_F(ControlServerTest, WithoutADescriptorTriesAgainInASecond) {
  if (runs_under_valgrind()) GTEST_SKIP() << "Valgrind accepts, and then finds that it may not";
  Operator client(path);
  client.send(kVersion);
  {
    const LowOpenFilesLimit none_left(next_descriptor());
    settle();
    EXPECT_EQ(log.lines_with("control socket: Too many open files; trying again in a second"), 1U)
        << log.text();
  }
  EXPECT_EQ(client.received(), "");
  clock.turn(1s);
  EXPECT_TRUE(hears(client, "1.2.3"));
}

TEST_F(ControlServerTest, RefusesAnotherUserWithALine) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: nobody else can be another user";
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  PipeEnds heard;
  const auto child = fork_with_nothing_unwritten();
  if (child == 0) {
    if (::setuid(kNobody) != 0) ::_exit(1);
    Operator client(path);
    const auto told = eventually([&] { return client.has_ended(); }) ? client.received() : "nothing";
    ::_exit(::write(heard.writing.get(), told.data(), told.size()) > 0 ? 0 : 1);
  }
  heard.writing.reset();
  pollfd readable{heard.reading.get(), POLLIN, 0};
  ASSERT_TRUE(until([&] { return ::poll(&readable, 1, 0) > 0; }));
  EXPECT_EQ(read_to_end(heard.reading),
            "{\"ok\":false,\"message\":\"only user 0 and root may steer this service, and not user 65534\","
            "\"refusal\":\"forbidden\"}\n");
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(log.lines_with("control socket: only user 0 and root"), 1U);
}

// ---- from program to program

TEST_F(ControlServerTest, GoesOnInTheNextProgramWhereItHasStopped) {
  status = '"' + std::string(1'000'000, 'x') + '"';
  Operator asking(path);
  Operator waiting(path);
  Operator reading(path);
  Operator silent(path);
  asking.send("{\"command\":");
  waiting.send(kReload);
  reading.send("{\"command\":\"status\"}\n");
  ASSERT_TRUE(until([&] { return asked.size() == 2; }));
  settle();
  const auto record = server->record();
  ASSERT_EQ(record.sessions.size(), 4U);
  const auto reload = server->waiting().at(0);
  std::vector<UniqueFd> held;  // as execve(2) would hold them
  auto moved = record;
  moved.fd = held.emplace_back(copy_of(record.fd)).get();
  for (auto& session : moved.sessions) session.fd = held.emplace_back(copy_of(session.fd)).get();
  const auto kept = folder / "kept";
  std::filesystem::rename(path, kept);
  server.reset();
  std::filesystem::rename(kept, path);

  server = std::make_unique<ControlServer>(loop, clock, moved, listener());
  held.clear();
  asking.send("\"version\"}\n");
  EXPECT_TRUE(hears(asking, "1.2.3"));
  EXPECT_TRUE(until([&] { return reading.received().ends_with("x\"}\n"); }));
  ASSERT_EQ(server->waiting().size(), 1U);
  EXPECT_EQ(server->waiting()[0].ticket, reload.ticket);
  server->answer(reload.ticket, ControlReply::done("reloaded"));
  EXPECT_TRUE(hears(waiting, "reloaded"));
  Operator later(path);
  later.send(kReload);
  ASSERT_TRUE(until([&] { return !server->waiting().empty(); }));
  EXPECT_GT(server->waiting()[0].ticket, record.last_ticket) << "no ticket is given twice";
  EXPECT_FALSE(silent.has_ended());
}

TEST_F(ControlServerTest, TellsAClientThatWaitsForWhatOnlyTheFormerProgramKnew) {
  Operator waiting(path);
  waiting.send(kReload);
  ASSERT_TRUE(until([&] { return !asked.empty(); }));
  auto record = server->record();
  record.sessions.at(0).request = "{\"command\":\"dance\"}";
  const auto socket = copy_of(record.fd);
  const auto client = copy_of(record.sessions[0].fd);
  record.fd = socket.get();
  record.sessions[0].fd = client.get();
  server.reset();
  server = std::make_unique<ControlServer>(loop, clock, record, listener());
  EXPECT_TRUE(hears(waiting, "no command is 'dance'"));
}

}  // namespace
}  // namespace tcp_echo::test
