#include "footprint.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "clients.hpp"
#include "process.hpp"
#include "tcp_echo/base/error.hpp"

namespace tcp_echo::bench {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kPatience{5000};
constexpr milliseconds kUnderValgrind{60'000};
constexpr unsigned kTracedRounds = 200;
constexpr unsigned kFewRounds = 20;
constexpr unsigned kManyRounds = 220;

double memory_of(const Server& server) {
  double sum = 0;
  for (const auto pid : server.serving()) {
    const auto bytes = private_memory(pid);
    if (!bytes)
      throw FatalError({ExitCode::kTemporary, "the memory of " + server.name() + " is not to be had"});
    sum += *bytes;
  }
  return sum;
}

bool is_traced(pid_t pid) {
  return read_file(fmt::format("/proc/{}/status", pid)).find("TracerPid:\t0\n") == std::string::npos;
}

/// The figure in a line like "100.00    0.051170           2     20416         3 total".
std::optional<double> total_calls(const std::string& table) {
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" total") == std::string::npos) continue;
    std::istringstream words(line);
    std::string percent;
    std::string seconds;
    std::string each;
    double calls = 0;
    if (words >> percent >> seconds >> each >> calls) return calls;
  }
  return std::nullopt;
}

/// Instructions that callgrind counted in a process, from "summary: 12345".
std::optional<double> total_instructions(const std::string& file) {
  const auto text = read_file(file);
  for (const std::string key : {"\nsummary: ", "\ntotals: "}) {
    if (const auto at = text.find(key); at != std::string::npos)
      return std::strtod(text.c_str() + at + key.size(), nullptr);
  }
  return std::nullopt;
}

std::optional<double> instructions_for(const Setting& setting, const Starter& start, unsigned connections,
                                       unsigned rounds) {
  const auto pattern = (setting.scratch / "callgrind.%p").string();
  // Without vgdb: no debugger connects, and its pipes would stay behind.
  const auto server = start({{"valgrind", "--tool=callgrind", "--trace-children=yes", "--vgdb=no", "--quiet",
                              "--callgrind-out-file=" + pattern},
                             kUnderValgrind});
  {
    Clients clients(server->port(), kUnderValgrind);
    clients.grow_to(connections);
    clients.echo(rounds);
  }  // a server may wait for its clients before it ends
  const auto pid = server->serving().front();
  server->stop();
  return total_instructions((setting.scratch / fmt::format("callgrind.{}", pid)).string());
}

}  // namespace

IdleMemory measure_idle_memory(const Setting& setting, Server& server) {
  IdleMemory memory;
  memory.many = setting.idle;
  memory.few = memory.many / 10;
  Clients clients(server.port(), kPatience);
  clients.grow_to(memory.few);
  const auto before = memory_of(server);
  clients.grow_to(memory.many);
  // A worker that was replaced has taken its connections with it, and its memory.
  if (!server.is_sound())
    throw FatalError({ExitCode::kTemporary, server.name() + " died, or a worker of it"});
  memory.bytes_each = (memory_of(server) - before) / static_cast<double>(memory.many - memory.few);
  return memory;
}

std::optional<double> system_calls_per_echo(const Setting& setting, Server& server, unsigned connections) {
  if (!is_installed("strace")) return std::nullopt;
  const auto pid = server.serving().front();
  const auto file = (setting.scratch / "strace").string();
  Clients clients(server.port(), kPatience);
  clients.grow_to(connections);
  Process strace({"strace", "-f", "-c", "-o", file, "-p", std::to_string(pid)}, setting.client_cpus);
  const auto deadline = Clock::now() + kPatience;
  while (!is_traced(pid)) {
    if (!strace.listen(milliseconds(5)) || Clock::now() > deadline) return std::nullopt;
  }
  clients.echo(kTracedRounds);
  strace.stop(SIGINT, kPatience);
  const auto calls = total_calls(read_file(file));
  if (!calls) return std::nullopt;
  return *calls / (static_cast<double>(connections) * kTracedRounds);
}

std::optional<double> instructions_per_echo(const Setting& setting, const Starter& start,
                                            unsigned connections) {
  if (!is_installed("valgrind")) return std::nullopt;
  // What starting, connecting and ending take is the same in both, and so not in the difference.
  const auto few = instructions_for(setting, start, connections, kFewRounds);
  const auto many = instructions_for(setting, start, connections, kManyRounds);
  if (!few || !many) return std::nullopt;
  return (*many - *few) / (static_cast<double>(connections) * (kManyRounds - kFewRounds));
}

}  // namespace tcp_echo::bench
