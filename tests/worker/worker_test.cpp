// A worker as a process, with this one as its master.
#include "tcp_echo/worker/worker.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>

#include <csignal>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "support/child.hpp"
#include "support/sockets.hpp"
#include "support/wait.hpp"
#include "tcp_echo/ipc/role_call.hpp"
#include "tcp_echo/net/listening_socket.hpp"
#include "tcp_echo/worker/orphan.hpp"

namespace tcp_echo::test {
namespace {

int run_worker(UniqueFd control, const UniqueFd& listener) {
  WorkerBirth birth{.slot = 1, .control = std::move(control), .listeners = {}};
  birth.listeners.push_back(copy_of(listener.get()));
  const UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ::dup3(nowhere.get(), kLogDescriptor, O_CLOEXEC);
  watch_over_master();
  return static_cast<int>(Worker(std::move(birth)).run());
}

/// Its pid. Takes the worker's end, the second one.
pid_t start_worker(std::pair<UniqueFd, UniqueFd>& ends, const UniqueFd& listener) {
  const pid_t worker = fork_with_nothing_unwritten();
  if (worker == 0) {
    ends.first.reset();
    ::_exit(run_worker(std::move(ends.second), listener));
  }
  ends.second.reset();
  return worker;
}

/// A worker that serves, and its master's end of everything.
struct WorkerTest : ::testing::Test {
  WorkerTest() {
    const ConfigureMessage with_defaults{.configuration = "", .listeners = {1}};
    const int board = scoreboard.fd();
    value_or_throw(control->send(with_defaults, {&board, 1}));
  }
  ~WorkerTest() override {
    ::kill(worker, SIGKILL);
    ::waitpid(worker, nullptr, 0);
  }
  WorkerTest(const WorkerTest&) = delete;
  WorkerTest& operator=(const WorkerTest&) = delete;

  bool gets_ready() {
    return turn_until(loop, [this] { return is_ready; });
  }
  void close_channel() { control.reset(); }
  bool echoes_to_a_new_client() const {
    Client client(bound(listener));
    client.send("hi");
    return eventually([&] {
      client.read_some();
      return client.received() == "hi";
    });
  }
  bool ends() const {
    return eventually([this] { return ::waitpid(worker, nullptr, WNOHANG) == worker; });
  }

  Loop loop;
  UniqueFd listener = value_or_throw(open_listener(any_loopback_port(), {.backlog = 10}));
  Scoreboard scoreboard = value_or_throw(Scoreboard::create());
  std::pair<UniqueFd, UniqueFd> channel = value_or_throw(make_channel_pair());
  pid_t worker = start_worker(channel, listener);
  bool is_ready = false;
  std::optional<MastersChannel> control{
      std::in_place, loop, std::move(channel.first),
      MastersChannel::Handlers{.on_message =
                                   [this](const ToMaster& message, const std::vector<UniqueFd>&) {
                                     is_ready = is_ready || std::holds_alternative<ReadyMessage>(message);
                                   },
                               .on_closed = [] {},
                               .on_nonsense = [](const DecodeError&) {}}};
};

// The channel of a master that is killed closes first; on a busy machine it may be a while before it is dead.
TEST_F(WorkerTest, ServesOnWhileItIsNotClearWhetherItsMasterDies) {
  ASSERT_TRUE(gets_ready());
  close_channel();
  ::poll(nullptr, 0, 200);
  EXPECT_TRUE(echoes_to_a_new_client());
}

TEST_F(WorkerTest, LeavesOnceItsMasterIsSureToLiveWithoutIt) {
  ASSERT_TRUE(gets_ready());
  close_channel();
  EXPECT_TRUE(ends());
}

}  // namespace
}  // namespace tcp_echo::test
