// Figures that do not drift: memory for a connection, system calls and instructions for an echo.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "server.hpp"
#include "setting.hpp"

namespace tcp_echo::bench {

/// What an idle connection costs each server's processes in memory of their own: the growth between two
/// numbers of connections, each of which has had an echo. In bytes.
struct IdleMemory {
  std::size_t few = 0;
  std::size_t many = 0;
  double bytes_each = 0;
};
inline constexpr unsigned kFewestIdle = 10;  ///< in Setting::idle: with fewer both numbers would be the same
/// Throws FatalError if the server does not echo, dies, or has memory that cannot be read.
IdleMemory measure_idle_memory(const Setting& setting, Server& server);

/// How a server is started under a wrapper, for it is ours or a peer.
using Starter = std::function<std::unique_ptr<Server>(const Wrapper&)>;

/// For one echo at that many busy connections; nothing where strace is missing or may not attach.
std::optional<double> system_calls_per_echo(const Setting& setting, Server& server, unsigned connections);

/// Instructions in user space, likewise; nothing where Valgrind is missing.
std::optional<double> instructions_per_echo(const Setting& setting, const Starter& start,
                                            unsigned connections);

}  // namespace tcp_echo::bench
