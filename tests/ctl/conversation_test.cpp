// What tcp-echo-ctl does with a master that is busy, forgetful or gone: a thread plays it.
#include "ctl/conversation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/folder.hpp"
#include "tcp_echo/control/socket.hpp"

namespace tcp_echo::test {
namespace {

using testing::EndsWith;

constexpr const char* kDoneLine = "{\"ok\":true,\"message\":\"done\"}\n";
constexpr const char* kBusyLine = "{\"ok\":false,\"message\":\"many\",\"refusal\":\"busy\"}\n";

/// Gives one client after the other its answer, and lets go of it. An empty one: without a word.
class PlayedMaster {
 public:
  explicit PlayedMaster(std::vector<std::string> answers)
      : answers_(std::move(answers)), thread_([this] { run(); }) {}
  ~PlayedMaster() {
    is_over_ = true;
    thread_.join();
  }
  PlayedMaster(const PlayedMaster&) = delete;
  PlayedMaster& operator=(const PlayedMaster&) = delete;

  std::string path() const { return folder_ / "x.sock"; }
  std::size_t clients() const { return clients_; }

 private:
  void run() {
    for (const auto& answer : answers_) {
      pollfd waiting{socket_.fd(), POLLIN, 0};
      while (::poll(&waiting, 1, 10) == 0)
        if (is_over_) return;
      const UniqueFd client(::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
      ++clients_;
      std::array<char, 1000> request{};
      static_cast<void>(::recv(client.get(), request.data(), request.size(), 0));
      static_cast<void>(::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL));
    }
  }

  Folder folder_;
  ControlSocket socket_ = value_or_throw(ControlSocket::claim(path()));
  std::vector<std::string> answers_;
  std::atomic<std::size_t> clients_{0};
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

Result<ControlReply> asked(const PlayedMaster& master, ControlCommand command) {
  return value_or_throw(Conversation::begin(master.path())).ask({.command = command});
}

TEST(Conversation, GetsTheAnswerAlsoIfItIsNo) {
  const PlayedMaster master({"{\"ok\":false,\"message\":\"no\"}\n"});
  EXPECT_EQ(value_or_throw(asked(master, ControlCommand::kReload)), ControlReply::failed("no"));
}

TEST(Conversation, AsksAgainWhenTheMasterHasLetGoOfIt) {
  const PlayedMaster master({"", kDoneLine});
  EXPECT_EQ(value_or_throw(asked(master, ControlCommand::kStatus)).message, "done");
}

TEST(Conversation, AsksForNoJobASecondTime) {
  const PlayedMaster master({"", kDoneLine});
  const auto answer = asked(master, ControlCommand::kReload);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ExitCode::kUnavailable);
  EXPECT_THAT(answer.error().text, EndsWith(": it has gone"));
  EXPECT_EQ(master.clients(), 1U);
}

TEST(Conversation, IsPatientWithAMasterThatIsBusy) {
  const PlayedMaster master({kBusyLine, kBusyLine, kDoneLine});
  EXPECT_EQ(value_or_throw(asked(master, ControlCommand::kReload)).message, "done");
}

TEST(Conversation, WithoutPermissionFailsWithTheMastersWords) {
  const PlayedMaster master({"{\"ok\":false,\"message\":\"not you\",\"refusal\":\"forbidden\"}\n"});
  const auto answer = asked(master, ControlCommand::kStatus);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ExitCode::kNoPermission);
  EXPECT_EQ(answer.error().text, "not you");
}

TEST(Conversation, WithSomethingElseThanAMasterFails) {
  const PlayedMaster master({"HTTP/1.1 400 Bad Request\n"});
  const auto answer = asked(master, ControlCommand::kStatus);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().text, "no answer of tcp-echo-master: 'HTTP/1.1 400 Bad Request'");
}

}  // namespace
}  // namespace tcp_echo::test
