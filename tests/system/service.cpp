#include "system/service.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <regex>
#include <utility>

namespace tcp_echo::test {
namespace {

namespace fs = std::filesystem;

bool none_is_left_of(const std::vector<pid_t>& pids) {
  return std::none_of(pids.begin(), pids.end(), is_alive);
}

}  // namespace

Service::Service(std::vector<std::string> arguments, const std::string& configuration, Launch launch) {
  configure(configuration);
  const auto listens = [](const std::string& argument) { return argument.starts_with("--listen"); };
  if (std::none_of(arguments.begin(), arguments.end(), listens) &&
      ("\n" + configuration).find("\nlisten") == std::string::npos)
    arguments.insert(arguments.end(), {"--listen", "127.0.0.1:0"});
  arguments.insert(arguments.begin(), {"--ready-timeout", with_patience("5s", "1m")});
  arguments.insert(arguments.end(), {"--config", file("echo.toml")});
  launch.arguments = std::move(arguments);
  if (launch.program.empty()) {
    install(Daemon::program());
    launch.program = file("tcp-echo-master");
  }
  daemon_.emplace(std::move(launch));
}

void Service::configure(const std::string& text) const {
  std::ofstream(folder_ / "next") << text;
  fs::rename(folder_ / "next", folder_ / "echo.toml");
}

void Service::install(const std::string& program) const {
  fs::copy_file(program, folder_ / "next");
  fs::rename(folder_ / "next", folder_ / "tcp-echo-master");
}

void Service::install_script(const std::string& text) const {
  std::ofstream(folder_ / "next") << text;
  fs::permissions(folder_ / "next", fs::perms(0755));
  fs::rename(folder_ / "next", folder_ / "tcp-echo-master");
}

bool Service::is_announced(int signal, const std::string& line) {
  const auto before = count_of(daemon_->log(), line);
  daemon_->signal(signal);
  return eventually([&] { return count_of(daemon_->log(), line) > before; });
}

bool Service::change_by(int signal, const std::string& line, const std::function<bool()>& is_settled) {
  if (!is_announced(signal, line)) return false;
  const auto begin = Clock::now();
  const bool settled = eventually(is_settled);
  longest_farewell_ = std::max(longest_farewell_, since(begin));
  return settled;
}

bool Service::renew(int signal) {
  const auto former = daemon_->running_workers();
  return change_by(signal, "reloaded: generation ", [&former] { return none_is_left_of(former); });
}

bool Service::reload() { return renew(SIGHUP); }

bool Service::upgrade() { return renew(SIGUSR2); }

bool Service::fails_to_reload() { return is_announced(SIGHUP, "reload failed: "); }

bool Service::fails_to_upgrade() { return is_announced(SIGUSR2, "upgrade failed"); }

bool Service::grow() {
  const auto wanted = daemon_->running_workers().size() + 1;
  return change_by(SIGTTIN, "scaled to ", [&] { return daemon_->running_workers().size() == wanted; });
}

bool Service::shrink() {
  const auto wanted = daemon_->running_workers().size() - 1;
  return change_by(SIGTTOU, "scaled to ", [&] { return daemon_->running_workers().size() == wanted; });
}

void Service::expect_to_stop_soon() {
  const auto begin = Clock::now();
  EXPECT_EQ(daemon_->stop().exit_code, 0);
  EXPECT_LT(since(begin), patience() / 2);
  EXPECT_TRUE(eventually([&] { return daemon_->survivors().empty(); }));
}

std::vector<Ledger> Service::ledgers() {
  const auto start = daemon_->log().size();
  // The last of the lines is about the service.
  EXPECT_TRUE(is_announced(SIGUSR1, "up for ")) << daemon_->log();
  const auto log = daemon_->log().substr(start);
  static const std::regex line(
      "worker \\d+ is [^:]*: (\\d+) connections? open, (\\d+) accepted, (\\d+) closed, (\\d+) handed over to "
      "it, "
      "(\\d+) by it");
  std::vector<Ledger> ledgers;
  for (auto match = std::sregex_iterator(log.begin(), log.end(), line); match != std::sregex_iterator();
       ++match) {
    const auto field = [&match](std::size_t index) { return std::stoul((*match)[index]); };
    ledgers.push_back({.active = field(1),
                       .accepted = field(2),
                       .closed = field(3),
                       .handed_over_in = field(4),
                       .handed_over_out = field(5)});
  }
  return ledgers;
}

Ledger Service::ledger() {
  Ledger sum;
  for (const auto& worker : ledgers()) {
    sum.active += worker.active;
    sum.accepted += worker.accepted;
    sum.closed += worker.closed;
    sum.handed_over_in += worker.handed_over_in;
    sum.handed_over_out += worker.handed_over_out;
  }
  return sum;
}

Ledger Service::ledger_with(std::size_t active) {
  Ledger last;
  EXPECT_TRUE(eventually([&] {
    last = ledger();
    return last.active == active;
  })) << last.active;
  return last;
}

std::string Service::news() {
  const auto log = daemon_->log();
  return log.substr(std::exchange(read_, log.size()));
}

std::string next_program() { return Daemon::program() + "-next"; }

std::string foreign_program() { return Daemon::program() + "-foreign"; }

}  // namespace tcp_echo::test
