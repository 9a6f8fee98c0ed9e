#include "system/crowd.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tcp_echo/base/endpoint.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPoolSize = 1 << 20;
constexpr std::size_t kLongestMessage = 700;

std::vector<std::string> loopback(std::uint16_t port) { return {"127.0.0.1:" + std::to_string(port)}; }

}  // namespace

std::string Crowd::Counts::text() const {
  std::ostringstream out;
  out << echoes << " echoes, " << closed << " closed, " << reset << " reset, " << wrong << " wrong, "
      << missing << " missing, longest silence " << longest_silence.count() << " ms";
  return out.str();
}

Crowd::Crowd(std::uint16_t port, std::size_t size) : Crowd(loopback(port), size) {}

Crowd::Crowd(const std::vector<std::string>& addresses, std::size_t size)
    : pool_(random_bytes(kPoolSize)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  members_.reserve(size);
  for (std::size_t i = 0; i < size; ++i) {
    Client client(*Endpoint::parse(addresses[i % addresses.size()]));
    if (!client.is_connected()) throw std::runtime_error("a member of the crowd cannot connect");
    epoll_event event{EPOLLIN, {.u64 = i}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.fd(), &event);
    members_.push_back({std::move(client), 0, 0, Clock::now(), false});
  }
  thread_ = std::thread([this] { run(); });
}

Crowd::~Crowd() { finish(); }

Crowd::Counts Crowd::pause() {
  over_ = true;
  if (thread_.joinable()) thread_.join();
  return counts_;
}

Crowd::Counts Crowd::finish() {
  pause();
  members_.clear();
  return counts_;
}

/// Each message is another part of the pool, of another length.
std::string_view Crowd::message(std::size_t index) const {
  const auto& member = members_[index];
  const std::size_t number = index * 7919 + member.round * 104729UL;
  return std::string_view(pool_).substr(number % (kPoolSize - kLongestMessage), 1 + number % kLongestMessage);
}

void Crowd::run() {
  for (std::size_t i = 0; i < members_.size(); ++i) begin_round(i);
  auto deadline = Clock::time_point::max();
  while (done_ < members_.size() && Clock::now() < deadline) {
    std::array<epoll_event, 64> events{};
    const int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(), 50);
    for (int i = 0; i < ready; ++i) on_readable(events.at(static_cast<std::size_t>(i)).data.u64);
    if (over_ && deadline == Clock::time_point::max()) deadline = Clock::now() + patience();
  }
  counts_.missing = members_.size() - done_;
  counts_.echoes = echoes_;
}

void Crowd::begin_round(std::size_t index) {
  auto& member = members_[index];
  if (over_) {
    member.is_done = true;
    ++done_;
    return;
  }
  ++member.round;
  member.received = 0;
  // It fits into the kernel's buffer, for nothing is under way. A connection that broke shows when it is
  // read.
  [[maybe_unused]] const auto sent = member.client.send_some(message(index));
}

void Crowd::on_readable(std::size_t index) {
  auto& member = members_[index];
  std::array<char, kLongestMessage + 1> buffer{};
  const auto size = ::recv(member.client.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return;
  if (size < 0) return drop(member, counts_.reset);
  if (size == 0) return drop(member, counts_.closed);
  const auto now = Clock::now();
  const auto silence = std::chrono::duration_cast<std::chrono::milliseconds>(now - member.last_byte);
  counts_.longest_silence = std::max(counts_.longest_silence, silence);
  member.last_byte = now;
  const std::string_view got(buffer.data(), static_cast<std::size_t>(size));
  const auto wanted = message(index).substr(std::min(member.received, message(index).size()));
  if (member.is_done || !wanted.starts_with(got)) return drop(member, counts_.wrong);
  member.received += got.size();
  if (member.received < message(index).size()) return;
  ++echoes_;
  begin_round(index);
}

void Crowd::drop(Member& member, std::size_t& count) {
  ++count;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, member.client.fd(), nullptr);
  member.client.close();
  if (!std::exchange(member.is_done, true)) ++done_;
}

}  // namespace tcp_echo::test
