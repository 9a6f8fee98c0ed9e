#include "system/idle_memory.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "system/client.hpp"
#include "system/daemon.hpp"
#include "tcp_echo/base/limits.hpp"

namespace tcp_echo::test {
namespace {

double anonymous_memory(pid_t pid) { return std::stod(proc_status(pid, "RssAnon")) * 1024; }

void expect_echo(Client& client) {
  if (client.echo("idle") != "idle") throw std::runtime_error("a connection is not served");
}

}  // namespace

IdleMemory measure_idle_memory(std::size_t connections) {
  constexpr std::size_t kReserve = 200;
  raise_open_files_limit();
  connections = std::min(connections, static_cast<std::size_t>(open_files_limit()) - kReserve);
  Daemon daemon(Daemon::on_free_port({"--workers", "1"}));
  Client warm(daemon.port());
  expect_echo(warm);
  const auto worker = daemon.workers(1).front();
  const auto before = anonymous_memory(worker);
  auto clients = connect_many(daemon.port(), connections);
  for (auto& client : clients) expect_echo(client);
  return {connections, (anonymous_memory(worker) - before) / static_cast<double>(connections)};
}

}  // namespace tcp_echo::test
