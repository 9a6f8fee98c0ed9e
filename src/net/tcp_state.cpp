#include "tcp_echo/net/tcp_state.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace tcp_echo {

std::size_t unacknowledged_bytes(int fd) noexcept {
  int bytes = 0;
  if (::ioctl(fd, SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<std::size_t>(bytes);
}

bool delivered_within(int fd, std::chrono::milliseconds period) noexcept {
  // The kernel's clock is coarser than ours: of a connection that is simply idle it may say a little less
  // than the whole period, and that must not look like a delivery.
  if (unacknowledged_bytes(fd) == 0) period /= 2;
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  return std::chrono::milliseconds(std::max(info.tcpi_last_data_sent, info.tcpi_last_ack_recv)) < period;
}

}  // namespace tcp_echo
