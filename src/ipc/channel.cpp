#include "tcp_echo/ipc/channel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace tcp_echo {
namespace {

/// What of a socket's send buffer a message cannot have: sock_alloc_send_pskb() of the kernel.
constexpr std::size_t kKernelsShare = 32;

/// In bytes, as the kernel counts; setting it sets twice as much.
std::size_t send_buffer(int fd) noexcept {
  int size = 0;
  socklen_t length = sizeof size;
  ::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &length);
  return static_cast<std::size_t>(std::max(size, 0));
}

void make_room_for_largest_frame(int fd) noexcept {
  if (send_buffer(fd) >= 2 * kLargestFrame) return;
  const int size = static_cast<int>(kLargestFrame);
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)  // needs CAP_NET_ADMIN
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

struct Received {
  std::vector<std::byte> frame;
  std::vector<UniqueFd> descriptors;
  bool was_cut = false;                ///< longer, or with more descriptors, than a message can be
  bool descriptors_were_lost = false;  ///< this process has no room for them
};

std::vector<UniqueFd> descriptors_of(msghdr& header) {
  std::vector<UniqueFd> descriptors;
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  return descriptors;
}

/// The error is an errno. An empty frame means that the peer is gone: SOCK_SEQPACKET cannot say it in another
/// way, and ours are never empty.
tl::expected<Received, int> receive(int fd) {
  Received received;
  received.frame.resize(kLargestFrame);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostDescriptors * sizeof(int))> control{};
  iovec vector{.iov_base = received.frame.data(), .iov_len = received.frame.size()};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const auto size = ::recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0) return tl::unexpected(errno);
  received.descriptors = descriptors_of(header);
  const bool too_long = (header.msg_flags & MSG_TRUNC) != 0;
  const bool some_are_missing = (header.msg_flags & MSG_CTRUNC) != 0;
  const bool too_many = some_are_missing && received.descriptors.size() == kMostDescriptors;
  received.was_cut = too_long || too_many;
  received.descriptors_were_lost = some_are_missing && !too_many;
  if (some_are_missing) received.descriptors.clear();
  received.frame.resize(static_cast<std::size_t>(size));
  return received;
}

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> make_channel_pair() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()) != 0)
    return system_failure("socketpair", errno);
  for (const int fd : fds) make_room_for_largest_frame(fd);
  return std::pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

bool is_channel_end(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

Channel::Channel(Loop& loop, UniqueFd fd, Handlers handlers)
    : fd_(std::move(fd)), handlers_(std::move(handlers)), poll_(loop, fd_.get(), [this] { receive_one(); }) {
  value_or_throw(poll_.watch(Readiness::kReadable));
}

Result<void> Channel::send(const Message& message, std::span<const int> descriptors) {
  auto frame = encode(message, descriptors.size());
  if (frame.size() > kLargestFrame || descriptors.size() > kMostDescriptors) {
    return failure(ExitCode::kSoftware, "send on the control channel: the message is too large");
  }
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostDescriptors * sizeof(int))> control{};
  iovec vector{.iov_base = frame.data(), .iov_len = frame.size()};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  if (::sendmsg(fd_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    return system_failure("send on the control channel", errno);
  return {};
}

std::size_t Channel::largest_frame() const noexcept {
  const auto buffer = send_buffer(fd_.get());
  return std::min(kLargestFrame, buffer - std::min(buffer, kKernelsShare));
}

bool Channel::is_peer_gone() const {
  pollfd hangup{fd_.get(), 0, 0};
  return ::poll(&hangup, 1, 0) == 1 && (hangup.revents & POLLHUP) != 0;
}

// One message a call; epoll is level-triggered and brings the next. Each handler is called last: it may
// destroy this object.
bool Channel::receive_one() {
  auto received = receive(fd_.get());
  if (!received && (received.error() == EAGAIN || received.error() == EINTR)) return false;
  // A peer that closed with something of ours unread: the kernel says this once, before the messages that the
  // peer sent earlier and that still wait (measured). libuv stopped polling when it saw the error.
  const bool goes_on =
      !received && received.error() == ECONNRESET && poll_.watch(Readiness::kReadable).has_value();
  if (goes_on) return true;
  if (!received || received->frame.empty()) {
    poll_.stop();
    const auto on_closed = handlers_.on_closed;
    on_closed();
    return false;
  }
  const auto descriptors =
      received->descriptors_were_lost ? std::nullopt : std::optional(received->descriptors.size());
  auto message = decode(received->frame, descriptors);
  if (received->was_cut)
    message = tl::unexpected(DecodeError{DecodeError::Kind::kNonsense, "a message that was cut on its way"});
  if (!message) {
    poll_.stop();
    const auto on_nonsense = handlers_.on_nonsense;
    on_nonsense(message.error());
    return false;
  }
  const auto on_message = handlers_.on_message;
  on_message(std::move(*message), std::move(received->descriptors));
  return true;
}

}  // namespace tcp_echo
