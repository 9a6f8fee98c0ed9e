#include "load.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo::bench {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTimeToClose{30'000};  // beyond its time: for the last echoes, and for closing
constexpr unsigned kThreadsMost = 4;
// Idle connections are made during the warm-up.
constexpr unsigned kIdleEachMillisecond = 8;

unsigned threads(const Setting& setting, const Load& load) {
  const auto processors = std::max<std::size_t>(setting.client_cpus.size(), 1);
  return std::min({static_cast<unsigned>(processors), kThreadsMost, load.connections});
}

milliseconds warmup_of(const Setting& setting, const Load& load) {
  return setting.options.warmup + milliseconds(load.idle / kIdleEachMillisecond);
}

/// Notes how much processor time the server used within the measured time. The edges are left out, because
/// when exactly it begins only the load generator knows.
class BusyMeter {
 public:
  BusyMeter(const Server& server, Clock::time_point begin, milliseconds duration)
      : server_(server), begin_(begin + duration / 10), end_(begin + duration - duration / 10) {}

  void look() {
    const auto now = Clock::now();
    if (now < begin_ || now > end_) return;
    const auto cpu = server_.cpu_seconds();
    if (!cpu) is_complete_ = false;
    const Sample sample{now, cpu.value_or(0)};
    if (!first_) first_ = sample;
    last_ = sample;
  }

  /// Nothing also if it looked for less than half of the time: of the rest that would say nothing.
  std::optional<double> busy() const {
    if (!is_complete_ || !first_ || last_->time - first_->time < (end_ - begin_) / 2) return std::nullopt;
    return (last_->cpu - first_->cpu) / std::chrono::duration<double>(last_->time - first_->time).count();
  }

 private:
  struct Sample {
    Clock::time_point time;
    double cpu;
  };
  const Server& server_;
  Clock::time_point begin_;
  Clock::time_point end_;
  bool is_complete_ = true;  ///< no look was in vain
  std::optional<Sample> first_;
  std::optional<Sample> last_;
};

}  // namespace

milliseconds length_of(const Setting& setting, const Load& load) {
  return setting.options.duration + warmup_of(setting, load);
}

Process::Command load_command(const Setting& setting, const Load& load, std::uint16_t port) {
  Process::Command command{setting.load};
  const auto add = [&](const char* flag, std::string value) {
    command.emplace_back(flag);
    command.push_back(std::move(value));
  };
  add("--connections", std::to_string(load.connections));
  add("--message-size", std::to_string(load.message_size));
  if (load.pipeline > 1) add("--pipeline", std::to_string(load.pipeline));
  if (load.messages > 0) add("--messages", std::to_string(load.messages));
  if (load.idle > 0) add("--idle", std::to_string(load.idle));
  // Each address has ports of its own: they are not used up by connections that were closed a moment ago.
  if (load.idle > 0 || load.messages > 0) add("--source-address", "127.0.0.2-127.0.0.30");
  add("--duration", format_duration(setting.options.duration));
  add("--warmup", format_duration(warmup_of(setting, load)));
  add("--threads", std::to_string(threads(setting, load)));
  command.push_back(fmt::format("127.0.0.1:{}", port));
  return command;
}

Run run_load(const Setting& setting, const Load& load, Server& server) {
  const auto file = setting.scratch / "load.json";
  std::filesystem::remove(file);
  auto command = load_command(setting, load, server.port());
  command.insert(command.end() - 1, {"--json", file.string()});
  BusyMeter meter(server, Clock::now() + warmup_of(setting, load), setting.options.duration);
  Process client(command, setting.client_cpus);
  LoadEnd end;
  end.exit_code = client.wait(length_of(setting, load) + kTimeToClose, [&] { meter.look(); });
  end.ending = client.ending();
  end.output = client.output();
  end.report = read_file(file);
  end.threads = threads(setting, load);
  auto run = read_run(end);
  run.server_busy = meter.busy();
  if (!server.is_sound()) {
    run.ok = false;
    run.complaint = server.name() + " died, or a worker of it";  // whatever else came of it
  }
  return run;
}

std::vector<Pair> run_pairs(const Setting& setting, const Side& ours, const Side& theirs) {
  std::vector<Pair> pairs(setting.options.pairs);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const bool ours_first = i % 2 == 0;
    if (ours_first) pairs[i].ours = run_load(setting, ours.load, ours.server);
    pairs[i].theirs = run_load(setting, theirs.load, theirs.server);
    if (!ours_first) pairs[i].ours = run_load(setting, ours.load, ours.server);
  }
  return pairs;
}

}  // namespace tcp_echo::bench
