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
    const Sample sample{now, server_.cpu_seconds()};
    if (!first_) first_ = sample;
    last_ = sample;
  }

  std::optional<double> busy() const {
    if (!first_ || !last_ || first_->cpu < 0 || last_->time == first_->time) return std::nullopt;
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
  std::optional<Sample> first_;
  std::optional<Sample> last_;
};

std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "it says nothing";
  const auto before = text.rfind('\n', end);
  const auto begin = before == std::string::npos ? 0 : before + 1;
  return printable(text.substr(begin, end + 1 - begin));
}

/// Fills the figures in; says what is wrong with them, or nothing.
std::string read_report(const std::string& text, unsigned threads, Run& run) {
  const auto report = nlohmann::json::parse(text, nullptr, false);
  if (report.is_discarded()) return "the load generator wrote no report";
  try {
    run.seconds = report.at("seconds");
    run.echoes = report.at("echoes");
    run.client_busy = report.at("cpu_seconds").get<double>() / std::max(run.seconds, 1e-9) / threads;
    const auto& latency = report.at("latency_seconds");
    run.p50 = latency.at("p50").is_number() ? latency.at("p50").get<double>() : 0;
    run.p99 = latency.at("p99").is_number() ? latency.at("p99").get<double>() : 0;
    const auto& bytes = report.at("bytes");
    for (const auto* fault : {"wrong", "missing", "extra"}) {
      if (bytes.at(fault).get<double>() > 0) return fmt::format("{} bytes {}", bytes.at(fault).dump(), fault);
    }
  } catch (const nlohmann::json::exception& error) {
    return fmt::format("the report of the load generator is not understood: {}", error.what());
  }
  run.rate = run.seconds > 0 ? run.echoes / run.seconds : 0;
  return run.echoes > 0 ? "" : "not one echo";
}

}  // namespace

std::optional<double> Run::efficiency() const {
  if (!server_busy || *server_busy <= 0) return std::nullopt;
  return rate / *server_busy;
}

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
  const auto code = client.wait(length_of(setting, load) + kTimeToClose, [&] { meter.look(); });
  Run run;
  run.server_busy = meter.busy();
  run.complaint = read_report(read_file(file), threads(setting, load), run);
  if (run.complaint.empty() && code != 0) run.complaint = last_line(client.output());
  if (!server.is_sound()) run.complaint = server.name() + " died, or a worker of it";
  run.ok = run.complaint.empty();
  return run;
}

nlohmann::json to_json(const Run& run) {
  nlohmann::json json{{"ok", run.ok},
                      {"seconds", run.seconds},
                      {"echoes", run.echoes},
                      {"echoes_per_second", run.rate},
                      {"client_busy", run.client_busy},
                      {"latency_seconds", {{"p50", run.p50}, {"p99", run.p99}}}};
  json["server_busy"] = run.server_busy ? nlohmann::json(*run.server_busy) : nlohmann::json();
  if (!run.ok) json["complaint"] = run.complaint;
  return json;
}

}  // namespace tcp_echo::bench
