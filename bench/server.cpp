#include "server.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <csignal>
#include <sstream>

#include "clients.hpp"
#include "peers.hpp"
#include "run.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo::bench {
namespace {

constexpr std::chrono::milliseconds kGrace{10'000};

std::string program_of(const Peer& peer, const Setting& setting) {
  const std::string program(peer.program);
  return program.find('/') == std::string::npos ? program : (setting.programs / program).string();
}

Process::Command command_of(const Peer& peer, const Setting& setting, std::uint16_t port) {
  const auto program = program_of(peer, setting);
  if (peer.forks) {
    return {program, "-T", "600",
            fmt::format("TCP-LISTEN:{},fork,reuseaddr,backlog=4096,nodelay,bind=127.0.0.1", port), "PIPE"};
  }
  Process::Command command{program};
  if (!peer.argument.empty()) command.emplace_back(peer.argument);
  command.push_back(std::to_string(port));
  return command;
}

Process::Command wrapped(const Process::Command& command, const Wrapper& wrapper) {
  auto words = wrapper.command;
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

std::string first_line_of(const Process::Command& command) {
  const auto output = output_of(command).value_or("");
  return output.substr(0, output.find('\n'));
}

/// The worker processes: children of the master that are not its admin process.
std::vector<pid_t> workers_of(pid_t master) {
  auto children = children_of(master);
  children.erase(std::remove_if(children.begin(), children.end(),
                                [](pid_t child) {
                                  const auto title = read_file("/proc/" + std::to_string(child) + "/comm");
                                  return title.find("[admin") != std::string::npos;
                                }),
                 children.end());
  return children;
}

/// "socat version 1.7.4.4 on ..." is its second line.
std::string socat_version() {
  std::istringstream words(output_of({"socat", "-V"}).value_or(""));
  for (std::string word; words >> word;) {
    if (word == "version" && words >> word) return "socat " + word;
  }
  return "socat";
}

}  // namespace

bool is_there(const Peer& peer, const Setting& setting) { return is_installed(program_of(peer, setting)); }

std::unique_ptr<Server> Server::start_ours(const Setting& setting, unsigned workers,
                                           const std::vector<int>& cpus, const Wrapper& wrapper) {
  const auto program = (setting.programs / "tcp-echo-master").string();
  const auto port = free_port();
  Process::Command command{program, "--listen", fmt::format("127.0.0.1:{}", port)};
  for (const auto* word :
       {"--idle-timeout", "0", "--log-level", "error", "--control-socket", "off", "--workers"})
    command.emplace_back(word);
  command.push_back(std::to_string(workers));
  if (!wrapper.command.empty()) {  // all is slow then
    for (const auto* word : {"--watchdog", "0", "--ready-timeout", "60s"}) command.emplace_back(word);
  }
  auto server = std::unique_ptr<Server>(new Server(std::string(kOurs), port, command, cpus, wrapper, true));
  const auto deadline = Clock::now() + server->patience_;
  while (workers_of(server->process_.pid()).size() < workers && Clock::now() < deadline)
    pause_for(std::chrono::milliseconds(5));
  server->serving_ = workers_of(server->process_.pid());
  server->wait_until_it_answers();
  if (server->serving_.size() != workers)
    throw FatalError(
        {ExitCode::kTemporary, fmt::format("{} has {} instead of {}", server->name_,
                                           counted(server->serving_.size(), "worker"), workers)});
  server->version_ = first_line_of({program, "--version"});
  return server;
}

std::unique_ptr<Server> Server::start_peer(const Setting& setting, const Peer& peer, const Wrapper& wrapper) {
  const auto port = free_port();
  auto server = std::unique_ptr<Server>(new Server(
      std::string(peer.name), port, command_of(peer, setting, port), setting.server_cpus, wrapper, false));
  server->serving_ = {server->process_.pid()};
  server->forks_ = peer.forks;
  if (peer.forks) {
    server->version_ = socat_version();
  } else {
    const auto line = server->process_.first_line(server->patience_).value_or("");
    const auto ready = line.find("ready");  // Valgrind may have said something before
    if (ready != std::string::npos && line.size() > ready + 6) server->version_ = line.substr(ready + 6);
  }
  server->wait_until_it_answers();
  return server;
}

Server::Server(std::string name, std::uint16_t port, const Process::Command& command,
               const std::vector<int>& cpus, const Wrapper& wrapper, bool is_ours)
    : name_(std::move(name)),
      port_(port),
      is_ours_(is_ours),
      patience_(wrapper.patience),
      process_(wrapped(command, wrapper), cpus) {}

void Server::wait_until_it_answers() {
  const auto deadline = Clock::now() + patience_;
  while (!answers(port_, patience_)) {
    if (!process_.listen(std::chrono::milliseconds(5)) || Clock::now() > deadline)
      throw FatalError(
          {ExitCode::kTemporary, fmt::format("{} does not serve: {}", name_, excerpt(process_.output()))});
  }
}

void Server::stop() { process_.stop(SIGTERM, kGrace); }

bool Server::is_sound() {
  if (!process_.listen(std::chrono::milliseconds(0))) return false;
  return !is_ours_ || workers_of(process_.pid()) == serving_;
}

std::optional<double> Server::cpu_seconds() const {
  if (forks_) return std::nullopt;
  double sum = 0;
  for (const auto pid : serving_) {
    const auto seconds = bench::cpu_seconds(pid);
    if (!seconds) return std::nullopt;
    sum += *seconds;
  }
  return sum;
}

}  // namespace tcp_echo::bench
