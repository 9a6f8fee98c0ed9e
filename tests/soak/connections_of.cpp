#include "soak/connections_of.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo::test {
namespace {

namespace fs = std::filesystem;

std::set<std::uint32_t> sockets_of(pid_t pid) {
  std::set<std::uint32_t> inodes;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone)) {
    const auto target = fs::read_symlink(entry.path(), gone).string();
    constexpr std::string_view kPrefix = "socket:[";
    if (!target.starts_with(kPrefix)) continue;
    std::uint32_t inode = 0;
    std::from_chars(target.data() + kPrefix.size(), target.data() + target.size(), inode);
    inodes.insert(inode);
  }
  return inodes;
}

/// sock_diag(7): all TCP sockets of that family but those that only wait for their time to be over.
struct DiagRequest {
  explicit DiagRequest(std::uint8_t family) {
    header.nlmsg_len = sizeof(DiagRequest);
    header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    body.sdiag_family = family;
    body.sdiag_protocol = IPPROTO_TCP;
    body.idiag_states = ~(1U << TCP_TIME_WAIT | 1U << TCP_LISTEN);
  }

  nlmsghdr header{};
  inet_diag_req_v2 body{};
};

/// Calls back for each socket in the answer; whether more of it is to come.
template <class Callback>
bool read_answer(const UniqueFd& netlink, Callback on_socket) {
  std::array<char, 32UL * 1024> buffer{};
  const auto size = ::recv(netlink.get(), buffer.data(), buffer.size(), 0);
  if (size <= 0) throw std::runtime_error("sock_diag does not answer");
  nlmsghdr header{};
  for (std::size_t at = 0; at < static_cast<std::size_t>(size); at += NLMSG_ALIGN(header.nlmsg_len)) {
    std::memcpy(&header, &buffer.at(at), sizeof header);
    if (header.nlmsg_type == NLMSG_DONE) return false;
    if (header.nlmsg_type == NLMSG_ERROR) throw std::runtime_error("sock_diag refuses");
    inet_diag_msg message{};
    std::memcpy(&message, &buffer.at(at + NLMSG_HDRLEN), sizeof message);
    on_socket(message);
  }
  return true;
}

}  // namespace

std::set<PortPair> connections_of(pid_t pid) {
  const auto inodes = sockets_of(pid);
  const UniqueFd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  std::set<PortPair> connections;
  const auto add_if_of_process = [&](const inet_diag_msg& socket) {
    if (inodes.contains(socket.idiag_inode))
      connections.emplace(ntohs(socket.id.idiag_dport), ntohs(socket.id.idiag_sport));
  };
  for (const auto family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    const DiagRequest request(family);
    if (::send(netlink.get(), &request, sizeof request, 0) != sizeof request)
      throw std::runtime_error("sock_diag cannot be asked");
    while (read_answer(netlink, add_if_of_process)) {
    }
  }
  return connections;
}

}  // namespace tcp_echo::test
