#include "soak/site.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>

#include "support/ipv6.hpp"
#include "support/sockets.hpp"

namespace tcp_echo::test {
namespace {

namespace fs = std::filesystem;

// Below the ports that the kernel gives to clients: one of ours would not be free for the next start.
constexpr std::uint16_t kFirstPort = 20'000;
constexpr std::uint16_t kPorts = 12'000;

// Rotated logs that are kept.
constexpr unsigned kMostLogs = 6;

std::string free_address(const std::string& host) {
  const auto begin = static_cast<std::uint16_t>(::getpid() % kPorts);
  for (std::uint16_t i = 0; i < kPorts; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirstPort + (begin + i * 7) % kPorts);
    auto address = host + ":" + std::to_string(port);
    if (open_listener(*Endpoint::parse(address), {.backlog = 1})) return address;
  }
  throw std::runtime_error("no port is free");
}

}  // namespace

UniqueFd open_pid(pid_t pid) { return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

void signal_pid(const UniqueFd& pidfd, int number) {
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0);
}

Site::Site() {
  for (const auto* const host : {"127.0.0.1", "127.0.0.2"}) addresses_.push_back(free_address(host));
  if (has_ipv6_loopback()) addresses_.push_back(free_address("[::1]"));
  install(Daemon::program());
}

void Site::configure(const std::string& text) const {
  std::ofstream(folder_ / "next.toml") << text;
  fs::rename(folder_ / "next.toml", folder_ / "echo.toml");
}

void Site::install(const std::string& program) const {
  fs::copy_file(program, folder_ / "next");
  fs::rename(folder_ / "next", folder_ / "tcp-echo-master");
}

void Site::install_text(const std::string& text) const {
  std::ofstream(folder_ / "next") << text;
  fs::permissions(folder_ / "next", fs::perms(0755));
  fs::rename(folder_ / "next", folder_ / "tcp-echo-master");
}

void Site::remove_program() const { fs::remove(folder_ / "tcp-echo-master"); }

void Site::start() {
  Launch launch;
  launch.arguments = {"--config", file("echo.toml"), "--log-file", file("log"), "--pid-file", file("pid")};
  launch.environment = {faults_.variable()};
  launch.program = file("tcp-echo-master");
  daemon_.emplace(std::move(launch));
}

std::string Site::finish() {
  const auto outcome = daemon_->wait();
  std::string wrong;
  if (outcome.exit_code != 0)
    wrong = "the daemon ended with " + std::to_string(outcome.exit_code) + "\n" + outcome.log;
  if (!eventually([this] { return daemon_->survivors().empty(); }))
    wrong += "processes of it are still running\n";
  wrong += left_behind();
  daemon_.reset();
  return wrong;
}

/// Files that only a daemon that runs may have.
std::string Site::left_behind() { return fs::exists(folder_ / "pid") ? "the pid file is still there\n" : ""; }

void Site::rename_log() {
  std::error_code none;
  const auto numbered = [this](unsigned number) { return folder_ / ("log." + std::to_string(number)); };
  fs::rename(folder_ / "log", numbered(++renamed_), none);
  if (renamed_ > kMostLogs) fs::remove(numbered(renamed_ - kMostLogs), none);
}

std::vector<std::string> Site::logs() const {
  std::vector<std::string> files;
  for (unsigned number = renamed_ < kMostLogs ? 1 : renamed_ - kMostLogs + 1; number <= renamed_; ++number)
    files.push_back(file("log." + std::to_string(number)));
  files.push_back(file("log"));
  return files;
}

/// Without the lines of which most logs consist.
std::string Site::log_tail(std::size_t lines) const {
  std::deque<std::string> last;
  for (const auto& name : logs()) {
    std::ifstream stream(name);
    for (std::string line; std::getline(stream, line);) {
      if (line.find("connection on descriptor") == std::string::npos) last.push_back(line);
      if (last.size() > lines) last.pop_front();
    }
  }
  std::string text;
  for (const auto& line : last) text += line + "\n";
  return text;
}

std::string Site::keep_logs(const std::string& name) const {
  const auto kept = fs::temp_directory_path() / name;
  fs::remove_all(kept);
  fs::create_directories(kept);
  for (const auto& log : logs()) {
    std::error_code none;
    fs::copy_file(log, kept / fs::path(log).filename(), none);
  }
  return kept.string();
}

}  // namespace tcp_echo::test
