// What we are compared with, as a table.
#pragma once

#include <array>
#include <string_view>

namespace tcp_echo::bench {

struct Peer {
  std::string_view name;
  std::string_view title;
  std::string_view program;   ///< what must be installed; a path is below the build folder
  std::string_view argument;  ///< before the port; empty = none
  bool forks = false;         ///< for each connection, and says nothing when it is ready
};

inline constexpr std::array kPeers{
    Peer{"raw-epoll", "recv and send around epoll_wait, nothing else", "peers/raw-epoll", ""},
    Peer{"asio", "Asio, C++", "peers/asio-echo", ""},
    Peer{"libevent", "libevent's bufferevents, C", "peers/libevent-echo", ""},
    Peer{"go", "Go, a goroutine for each connection", "peers/go-echo", ""},
    Peer{"node", "Node.js, socket.pipe(socket)", "node", TCP_ECHO_BENCH_PEERS "/node_echo.js"},
    Peer{"socat", "socat, a process for each connection", "socat", "", true},
};

}  // namespace tcp_echo::bench
