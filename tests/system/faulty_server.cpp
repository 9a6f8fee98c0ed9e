#include "system/faulty_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "system/daemon.hpp"
#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/net/listening_socket.hpp"
#include "tcp_echo/net/socket_options.hpp"

namespace tcp_echo::test {
namespace {

constexpr std::size_t kReadSize = 64UL * 1024;
constexpr std::size_t kBeginning = 4096;
/// With fewer bytes of its own around it, a client could not tell a stranger's from its own that are changed.
constexpr std::size_t kMidst = 32;

std::string other_bits(std::string bytes) {
  for (char& byte : bytes) byte = static_cast<char>(~static_cast<unsigned char>(byte));
  return bytes;
}

std::uint64_t differences(std::string_view one, std::string_view other) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (one[i] != other[i]) ++count;
  }
  return count;
}

/// Whether it happens at a place of a connection's stream.
bool is_of_a_connection(Fault fault) {
  return fault != Fault::kNone && fault != Fault::kKeepOpen && fault != Fault::kPause && fault != Fault::kDie;
}

std::string address_of(const sockaddr_storage& address, socklen_t size) {
  const auto text = Endpoint::from_sockaddr(address, size).text();
  return text.substr(0, text.rfind(':'));
}

}  // namespace

/// One connection. Its fault, if it has one, happens once.
class FaultyServer::Conversation {
 public:
  Conversation(FaultyServer& server, UniqueFd fd, std::uint64_t index)
      : server_(server),
        mistake_(server.mistake_),
        fd_(std::move(fd)),
        index_(index),
        is_due_(is_of_a_connection(mistake_.fault) &&
                (index == 0 || (!mistake_.first_connection_only && mistake_.fault != Fault::kMixUp))) {}

  void run() {
    std::string buffer(kReadSize, '\0');
    while (is_going_on_ && server_.wait_for(fd_.get(), POLLIN)) {
      server_.sit_out_pause();
      const auto got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) return bid_farewell(got == 0);
      take(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
    }
    if (server_.is_dead_) reset_on_close(fd_.get());
  }

 private:
  void bid_farewell(bool is_fin) const {
    if (!is_fin || mistake_.fault != Fault::kKeepOpen) return;
    server_.count([](Tally& tally) { ++tally.mistakes; });
    server_.is_stopped_within(std::chrono::milliseconds(-1));
  }

  void take(std::string_view bytes) {
    std::uint64_t in_all = 0;
    server_.count([&](Tally& tally) {
      in_all = tally.received + bytes.size();
      tally.speakers += position_ == 0 ? 1U : 0U;
      tally.received += bytes.size();
      if (index_ == 0)
        tally.beginning += bytes.substr(0, kBeginning - std::min(kBeginning, tally.beginning.size()));
    });
    server_.on_received(in_all);
    if (server_.is_dead_) return;
    const auto begin = position_;
    position_ += bytes.size();
    if (is_mute_) return;
    if (!is_due_ || position_ <= mistake_.position) return answer(std::string(bytes));
    if (begin < mistake_.position) {
      const auto before = static_cast<std::size_t>(mistake_.position - begin);
      answer(std::string(bytes.substr(0, before)));
      bytes.remove_prefix(before);
    }
    err(bytes);
  }

  /// The bytes begin where the mistake is, or are among those it is about.
  void err(std::string_view bytes) {
    const auto concerned = bytes.substr(0, concerned_bytes() - held_.size());
    held_ += concerned;
    bytes.remove_prefix(concerned.size());
    if (held_.size() < concerned_bytes()) return;
    is_due_ = false;
    server_.count([](Tally& tally) { ++tally.mistakes; });
    std::string reply = instead_of(held_);
    if (is_going_on_ && !is_mute_) answer(reply.append(bytes));
  }

  std::size_t concerned_bytes() const {
    switch (mistake_.fault) {
      case Fault::kCorrupt:
      case Fault::kDrop:
      case Fault::kDuplicate:
      case Fault::kRepeat:
      case Fault::kMixUp: return mistake_.size;
      case Fault::kSwap: return 2 * mistake_.size;
      case Fault::kNone:
      case Fault::kInsert:
      case Fault::kStall:
      case Fault::kHang:
      case Fault::kFin:
      case Fault::kReset:
      case Fault::kKeepOpen:
      case Fault::kPause:
      case Fault::kDie: break;
    }
    return 0;
  }

  /// The mistake itself. What is to be sent in place of the bytes it concerns.
  std::string instead_of(const std::string& bytes) {
    switch (mistake_.fault) {
      case Fault::kCorrupt: return changed(bytes, other_bits(bytes));
      case Fault::kSwap: return changed(bytes, bytes.substr(mistake_.size) + bytes.substr(0, mistake_.size));
      case Fault::kDuplicate: return bytes + added(bytes);
      case Fault::kInsert: return added(std::string(mistake_.size, '#'));
      case Fault::kRepeat:
        answer(bytes);
        server_.is_stopped_within(mistake_.time);
        return added(bytes);
      case Fault::kDrop: drop(bytes); break;
      case Fault::kMixUp:
        drop(bytes);
        server_.mix_up(bytes);
        break;
      case Fault::kStall: is_going_on_ = !server_.is_stopped_within(mistake_.time); break;
      case Fault::kHang:
        server_.is_stopped_within(std::chrono::milliseconds(-1));
        is_going_on_ = false;
        break;
      case Fault::kFin:
        ::shutdown(fd_.get(), SHUT_WR);
        is_mute_ = true;
        break;
      case Fault::kReset:
        reset_on_close(fd_.get());
        fd_.reset();
        is_going_on_ = false;
        break;
      case Fault::kNone:
      case Fault::kKeepOpen:
      case Fault::kPause:
      case Fault::kDie: break;
    }
    return {};
  }

  std::string changed(const std::string& from, std::string into) {
    server_.count([&](Tally& tally) { tally.changed += differences(from, into); });
    return into;
  }

  std::string added(std::string bytes) {
    server_.count([&](Tally& tally) { tally.added += bytes.size(); });
    return bytes;
  }

  void drop(const std::string& bytes) {
    server_.count([&](Tally& tally) { tally.dropped += bytes.size(); });
  }

  void answer(std::string bytes) {
    if (index_ == 1 && bytes.size() >= kMidst) {
      if (auto strange = server_.take_mixed_up()) bytes.insert(bytes.size() / 2, added(std::move(*strange)));
    }
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const auto sent = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) is_going_on_ = false;
      if (sent < 0 && (errno != EAGAIN || !server_.wait_for(fd_.get(), POLLOUT))) return;
      if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    server_.count([&](Tally& tally) { tally.sent += bytes.size(); });
  }

  FaultyServer& server_;
  const Mistake& mistake_;
  UniqueFd fd_;
  std::uint64_t index_;
  bool is_due_;
  bool is_going_on_ = true;
  bool is_mute_ = false;
  std::uint64_t position_ = 0;
  std::string held_;
};

FaultyServer::FaultyServer(const Mistake& mistake, int backlog)
    : mistake_(mistake),
      listener_(value_or_throw(open_listener(*Endpoint::parse("127.0.0.1:0"), {.backlog = backlog}))),
      port_(value_or_throw(local_endpoint(listener_.get())).port()),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      pause_end_(mistake.fault == Fault::kPause && mistake.position == 0 ? Clock::now() + mistake.time
                                                                         : Clock::time_point()),
      acceptor_([this] { accept_all(); }) {}

FaultyServer::~FaultyServer() {
  ::eventfd_write(stop_.get(), 1);
  acceptor_.join();
}

FaultyServer::Tally FaultyServer::tally() const {
  const std::lock_guard lock(mutex_);
  return tally_;
}

void FaultyServer::accept_all() {
  std::vector<std::thread> conversations;
  while (wait_for(listener_.get(), POLLIN)) {
    sit_out_pause();
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    UniqueFd fd(
        ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) continue;
    std::uint64_t index = 0;
    count([&](Tally& tally) {
      index = tally.connections++;
      tally.peers.insert(address_of(peer, size));
    });
    conversations.emplace_back(
        [this, index](UniqueFd connection) { Conversation(*this, std::move(connection), index).run(); },
        std::move(fd));
  }
  listener_.reset();
  for (auto& conversation : conversations) conversation.join();
}

void FaultyServer::on_received(std::uint64_t bytes_in_all) {
  if (bytes_in_all <= mistake_.position) return;
  if (mistake_.fault == Fault::kPause && pause_end_.load() == Clock::time_point())
    pause_end_ = Clock::now() + mistake_.time;
  if (mistake_.fault == Fault::kDie && !is_dead_.exchange(true)) ::eventfd_write(stop_.get(), 1);
  sit_out_pause();
}

void FaultyServer::sit_out_pause() const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(pause_end_.load() - Clock::now());
  if (left.count() > 0) is_stopped_within(left);
}

bool FaultyServer::wait_for(int fd, short event) const {
  std::array<pollfd, 2> descriptors = {pollfd{fd, event, 0}, pollfd{stop_.get(), POLLIN, 0}};
  while (::poll(descriptors.data(), descriptors.size(), -1) < 0 && errno == EINTR) {
  }
  return descriptors[1].revents == 0;
}

bool FaultyServer::is_stopped_within(std::chrono::milliseconds time) const {
  pollfd stop{stop_.get(), POLLIN, 0};
  if (time.count() < 0) return ::poll(&stop, 1, -1) == 1;
  const auto end = Clock::now() + time;
  for (auto left = time; left.count() >= 0;
       left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now())) {
    if (::poll(&stop, 1, static_cast<int>(left.count())) == 1) return true;
    if (Clock::now() >= end) break;
  }
  return false;
}

void FaultyServer::mix_up(std::string bytes) {
  const std::lock_guard lock(mutex_);
  mixed_up_ = std::move(bytes);
}

std::optional<std::string> FaultyServer::take_mixed_up() {
  const std::lock_guard lock(mutex_);
  return std::exchange(mixed_up_, std::nullopt);
}

}  // namespace tcp_echo::test
