#include "system/traffic.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>

namespace tcp_echo::test {
namespace {

constexpr std::size_t kMessageSize = 300;
constexpr int kPaceMilliseconds = 1;

UniqueFd begin_to_connect(const Endpoint& endpoint) {
  UniqueFd fd(::socket(endpoint.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool begun =
      fd && (::connect(fd.get(), endpoint.address(), endpoint.size()) == 0 || errno == EINPROGRESS);
  if (!begun) throw std::runtime_error("connect: the test is out of descriptors or ports");
  return fd;
}

/// 0 once connected, or the error; nothing while neither is known.
std::optional<int> outcome_of_connect(int fd) {
  pollfd ready{fd, POLLOUT, 0};
  if (::poll(&ready, 1, kPaceMilliseconds) == 0) return std::nullopt;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

Stream::Stream(std::uint16_t port, std::size_t clients) : port_(port) {
  for (std::uint32_t seed = 1; seed <= clients; ++seed) threads_.emplace_back([this, seed] { run(seed); });
}

Stream::~Stream() { finish(); }

StreamCounts Stream::finish() {
  over_ = true;
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  return counts_;
}

void Stream::run(std::uint32_t seed) {
  for (std::uint32_t round = 0; !over_; ++round) {
    connect_and_echo(random_bytes(kMessageSize, (seed << 20U) + round));
    ::poll(nullptr, 0, kPaceMilliseconds);
  }
}

void Stream::connect_and_echo(const std::string& message) {
  const auto begin = Clock::now();
  auto fd = begin_to_connect(*Endpoint::parse("127.0.0.1:" + std::to_string(port_)));
  auto error = outcome_of_connect(fd.get());
  while (!error && !over_) error = outcome_of_connect(fd.get());
  if (!error || *error != 0) {
    const std::lock_guard lock(mutex_);
    const bool was_connected = error == ECONNRESET;  // and lost before this side had looked
    ++(was_connected ? counts_.lost : error ? counts_.refused : counts_.unanswered);
    return;
  }
  Client client(std::move(fd));
  const bool was_sent = client.send(message);
  const auto back = was_sent ? client.receive(message.size()) : "";
  const auto waited = since(begin);
  const std::lock_guard lock(mutex_);
  if (back == message) {
    ++counts_.served;
    ++served_;
    counts_.longest_wait = std::max(counts_.longest_wait, waited);
  } else if (was_sent && (client.end() == End::kOpen || !message.starts_with(back))) {
    ++counts_.wrong;
  } else {
    ++counts_.lost;
  }
}

Chatter::Chatter(std::vector<Client> clients) : clients_(std::move(clients)) {
  std::uint32_t seed = 0;
  for (auto& client : clients_) threads_.emplace_back([this, &client, next = ++seed] { run(client, next); });
}

Chatter::~Chatter() { finish(); }

std::size_t Chatter::finish() {
  over_ = true;
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  clients_.clear();
  std::sort(milliseconds_.begin(), milliseconds_.end());
  return broken_;
}

void Chatter::run(Client& client, std::uint32_t seed) {
  std::vector<double> times;
  for (std::uint32_t round = 0; !over_; ++round) {
    const auto message = random_bytes(kMessageSize, (seed << 20U) + round);
    const auto begin = Clock::now();
    if (client.echo(message) != message) {
      ++broken_;
      break;
    }
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    ++echoes_;
    ::poll(nullptr, 0, kPaceMilliseconds);
  }
  const std::lock_guard lock(mutex_);
  milliseconds_.insert(milliseconds_.end(), times.begin(), times.end());
}

std::vector<Client> clients_of_first_worker(Daemon& daemon, std::size_t count) {
  EXPECT_TRUE(daemon.is_serving());
  const auto other = daemon.workers(2).at(1);
  ::kill(other, SIGSTOP);
  auto all = connect_many(daemon.port(), 4 * count);
  for (const auto& client : all) EXPECT_TRUE(client.send("?"));
  std::vector<Client> answered;
  EXPECT_TRUE(eventually([&] {
    std::erase_if(all, [&](Client& client) {
      pollfd ready{client.fd(), POLLIN, 0};
      if (::poll(&ready, 1, 0) == 0) return false;
      EXPECT_EQ(client.receive(1), "?");
      answered.push_back(std::move(client));
      return true;
    });
    return answered.size() >= count;
  }));
  ::kill(other, SIGCONT);
  while (answered.size() > count) answered.pop_back();
  return answered;
}

double percentile(const std::vector<double>& sorted, double percent) {
  const auto index = static_cast<std::size_t>(percent / 100 * static_cast<double>(sorted.size()));
  return sorted.at(std::min(index, sorted.size() - 1));
}

}  // namespace tcp_echo::test
