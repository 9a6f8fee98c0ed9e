#include "tcp_echo/net/accept_queue.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fstream>
#include <sstream>
#include <string>

namespace tcp_echo {

AcceptQueue accept_queue_of(int listener) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return {info.tcpi_unacked, info.tcpi_sacked};  // of a listener: inet_diag has it so, too
}

/// Two lines for each group: "TcpExt: name name …", "TcpExt: number number …".
ListenCounters parse_listen_counters(std::istream& netstat) {
  ListenCounters counters;
  for (std::string names, values; std::getline(netstat, names) && std::getline(netstat, values);) {
    std::istringstream name_stream(names), value_stream(values);
    std::string name, value;
    name_stream >> name;
    value_stream >> value;
    if (name != "TcpExt:" || value != name) continue;
    std::uint64_t number = 0;
    while (name_stream >> name && value_stream >> number) {
      if (name == "ListenOverflows") counters.overflows = number;
      if (name == "ListenDrops") counters.drops = number;
    }
  }
  return counters;
}

ListenCounters read_listen_counters() {
  std::ifstream netstat("/proc/self/net/netstat");
  return parse_listen_counters(netstat);
}

}  // namespace tcp_echo
