#include "tcp_echo/daemon/open_files.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

/// As many as a master or a worker holds anyhow, and some room.
constexpr std::size_t kOwnDescriptors = 32;

}  // namespace

Result<void> check_open_files_limit(unsigned workers, std::size_t listening_sockets) {
  const auto needed = kOwnDescriptors + workers + listening_sockets;
  const auto limit = static_cast<std::size_t>(open_files_limit());
  if (limit >= needed) return {};
  return failure(
      ExitCode::kOsError,
      fmt::format("at most {} files may be open (ulimit -n), and {} with {} need {} at least", limit,
                  counted(workers, "worker"), counted(listening_sockets, "listening socket"), needed));
}

void warn_of_few_descriptors(unsigned worker_connections) {
  const auto limit = static_cast<std::size_t>(open_files_limit());
  if (worker_connections + kOwnDescriptors <= limit) return;
  spdlog::warn("--worker-connections: {} connections need {} open files, and {} are allowed (ulimit -n)",
               worker_connections, worker_connections + kOwnDescriptors, limit);
}

}  // namespace tcp_echo
