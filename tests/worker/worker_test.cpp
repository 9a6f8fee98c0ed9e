// A worker as a process, whose master is this one and another.
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
#include "tcp_echo/net/accept_queue.hpp"
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

/// What a master and its worker have in common.
struct Bonds {
  std::pair<UniqueFd, UniqueFd> channel = value_or_throw(make_channel_pair());
  UniqueFd listener = value_or_throw(open_listener(any_loopback_port(), {.backlog = 10}));
  PipeEnds life;  ///< the worker alone writes
};

/// A process that is the worker's parent, and nothing else. Its pid.
pid_t start_parent_of_worker(Bonds& bonds) {
  const pid_t parent = fork_with_nothing_unwritten();
  if (parent == 0) {
    bonds.channel.first.reset();
    if (fork_with_nothing_unwritten() == 0)
      ::_exit(run_worker(std::move(bonds.channel.second), bonds.listener));
    bonds = {};
    while (true) ::pause();
  }
  bonds.channel.second.reset();
  bonds.life.writing.reset();
  return parent;
}

/// A worker of a master that can close the channel before it dies: the test has the channel, and another
/// process is the worker's parent.
struct WorkerTest : ::testing::Test {
  WorkerTest() {
    const ConfigureMessage with_defaults{.configuration = "", .listeners = {1}};
    const int board = scoreboard.fd();
    value_or_throw(control->send(with_defaults, {&board, 1}));
  }
  ~WorkerTest() override {
    close_channel();
    kill_master();
    EXPECT_TRUE(worker_ends());
  }
  WorkerTest(const WorkerTest&) = delete;
  WorkerTest& operator=(const WorkerTest&) = delete;

  bool gets_ready() {
    return turn_until(loop, [this] { return is_ready; });
  }
  void close_channel() { control.reset(); }
  void kill_master() {
    if (parent == 0) return;
    ::kill(parent, SIGKILL);
    ::waitpid(std::exchange(parent, 0), nullptr, 0);
  }
  bool worker_lives() const {
    pollfd end{bonds.life.reading.get(), POLLIN, 0};
    return ::poll(&end, 1, 0) == 0;
  }
  bool worker_ends() const {
    return eventually([this] { return !worker_lives(); });
  }

  Loop loop;
  Scoreboard scoreboard = value_or_throw(Scoreboard::create());
  Bonds bonds;
  pid_t parent = start_parent_of_worker(bonds);
  bool is_ready = false;
  std::optional<MastersChannel> control{
      std::in_place, loop, std::move(bonds.channel.first),
      MastersChannel::Handlers{.on_message =
                                   [this](const ToMaster& message, const std::vector<UniqueFd>&) {
                                     is_ready = is_ready || std::holds_alternative<ReadyMessage>(message);
                                   },
                               .on_closed = [] {},
                               .on_nonsense = [](const DecodeError&) {}}};
};

/// A process that dies closes its channels first; on a busy machine it may be a while before it is dead.
constexpr int kSlowDeath = 200;

TEST_F(WorkerTest, TakesClientsThatWaitAlsoWhenItsMasterDiesSlowly) {
  ASSERT_TRUE(gets_ready());
  close_channel();
  ::poll(nullptr, 0, kSlowDeath);
  Client client(bound(bonds.listener));
  client.send("hi");
  kill_master();
  EXPECT_TRUE(eventually([&] {
    client.read_some();
    return client.received() == "hi";
  }));
}

TEST_F(WorkerTest, LeavesNewClientsToOthersOnceItsMasterMayLiveWithoutIt) {
  ASSERT_TRUE(gets_ready());
  close_channel();
  ::poll(nullptr, 0, kSlowDeath);
  const Client client(bound(bonds.listener));
  ::poll(nullptr, 0, kSlowDeath);
  EXPECT_EQ(accept_queue_of(bonds.listener.get()).waiting, 1U);
  EXPECT_TRUE(worker_lives());
}

TEST_F(WorkerTest, LeavesOnceItsMasterIsSureToLiveWithoutIt) {
  ASSERT_TRUE(gets_ready());
  close_channel();
  EXPECT_TRUE(worker_ends());
}

}  // namespace
}  // namespace tcp_echo::test
