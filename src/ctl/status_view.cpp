#include "status_view.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "endpoint_text.hpp"
#include "tcp_echo/base/text.hpp"
#include "text_table.hpp"
#include "time_text.hpp"

namespace tcp_echo {
namespace {

using Json = nlohmann::ordered_json;
using Align = TextTable::Align;

/// Of an accept queue: from here on clients may soon get no answer.
constexpr double kNearlyFull = 0.8;

std::string percent(double ratio) { return fmt::format("{:.0f} %", 100 * ratio); }

std::string milliseconds(double seconds) { return fmt::format("{:.1f} ms", 1000 * seconds); }

std::string number(const Json& value) { return std::to_string(value.get<std::uint64_t>()); }

/// Nobody misses a worker that was scaled away.
bool is_wanted(const Json& worker) { return worker.at("state") != "retired"; }
bool serves(const Json& worker) { return worker.at("state") == "serving"; }

std::size_t wanted_workers_of(const Json& status) {
  const auto& workers = status.at("workers");
  return static_cast<std::size_t>(std::count_if(workers.begin(), workers.end(), is_wanted));
}

std::string headline(const Json& status) {
  return fmt::format("tcp-echo-master {} (pid {}): {}, {}, up for {}, generation {}\n",
                     status.at("version").get<std::string>(), status.at("pid").get<int>(),
                     status.at("state").get<std::string>(), counted(wanted_workers_of(status), "worker"),
                     age_text(status.at("uptime_seconds").get<double>()),
                     status.at("generation").get<unsigned>());
}

struct Verdict {
  Tone tone = Tone::kGood;
  std::string text;
};

/// What an operator should know first: the worst that there is.
Verdict verdict_on(const Json& status) {
  if (!status.at("ready").get<bool>())
    return {Tone::kBad, "Not ready: " + status.at("not_ready_because").get<std::string>()};
  for (const auto& worker : status.at("workers")) {
    if (!is_wanted(worker) || serves(worker)) continue;
    return {Tone::kWarning,
            fmt::format("All clients are served, but worker {} is {}; worker {} accepts for it",
                        worker.at("slot").get<unsigned>(), worker.at("state").get<std::string>(),
                        worker.at("served_by").get<unsigned>())};
  }
  for (const auto& listener : status.at("listeners")) {
    const auto fullest = listener.at("accept_queue_fullest").get<double>();
    if (fullest >= kNearlyFull)
      return {Tone::kWarning,
              fmt::format("All workers serve, but an accept queue is {} full", percent(fullest))};
  }
  return {Tone::kGood, "All is well: every worker serves, and all clients are accepted"};
}

std::string listeners_of(const Json& status, Style style) {
  TextTable table({{"LISTENER", Align::kLeft}, {"WAITING"}, {"ROOM"}, {"FULLEST"}}, style);
  for (const auto& listener : status.at("listeners")) {
    const auto fullest = listener.at("accept_queue_fullest").get<double>();
    table.add({endpoint_text(listener), number(listener.at("accept_queue")),
               number(listener.at("accept_queue_limit")), percent(fullest)},
              fullest >= kNearlyFull ? Tone::kWarning : Tone::kPlain);
  }
  return table.take_text();
}

/// The cells that a worker and the total have in common.
std::vector<std::string> counter_cells(const Json& counted) {
  const auto& connections = counted.at("connections");
  const auto& bytes = counted.at("bytes");
  return {number(connections.at("active")),
          number(connections.at("accepted")),
          number(connections.at("closed")),
          number(connections.at("handed_over_in")),
          number(connections.at("handed_over_out")),
          format_bytes(bytes.at("received").get<std::uint64_t>()),
          format_bytes(bytes.at("sent").get<std::uint64_t>())};
}

std::string workers_of(const Json& status, Style style) {
  TextTable table({{"WORKER", Align::kLeft},
                   {"STATE", Align::kLeft},
                   {"PID"},
                   {"UP"},
                   {"BUSY"},
                   {"LAG"},
                   {"RESTARTS"},
                   {"OPEN"},
                   {"ACCEPTED"},
                   {"CLOSED"},
                   {"MOVED IN"},
                   {"MOVED OUT"},
                   {"RECEIVED"},
                   {"SENT"}},
                  style);
  const auto add = [&table](std::vector<std::string> cells, const Json& counters, Tone tone) {
    const auto more = counter_cells(counters);
    cells.insert(cells.end(), more.begin(), more.end());
    table.add(std::move(cells), tone);
  };
  for (const auto& worker : status.at("workers")) {
    const bool has_process = worker.at("pid").get<int>() != 0;
    add({number(worker.at("slot")), worker.at("state").get<std::string>(),
         has_process ? std::to_string(worker.at("pid").get<int>()) : "-",
         has_process ? age_text(worker.at("uptime_seconds").get<double>()) : "-",
         has_process ? percent(worker.at("busy_ratio").get<double>()) : "-",
         has_process ? milliseconds(worker.at("loop_lag_seconds").get<double>()) : "-",
         number(worker.at("restarts"))},
        worker,
        !is_wanted(worker) ? Tone::kFaint
        : serves(worker)   ? Tone::kPlain
                           : Tone::kWarning);
  }
  const auto& totals = status.at("totals");
  add({"all", "", "", "", "", "", number(totals.at("worker_restarts"))}, totals, Tone::kPlain);
  return table.take_text();
}

std::string counted_events(const Json& status) {
  const auto& totals = status.at("totals");
  auto text = fmt::format("{}, {} failed", counted(totals.at("reloads").get<std::uint64_t>(), "reload"),
                          totals.at("failed_reloads").get<std::uint64_t>());
  const auto& kernel = status.at("kernel");
  if (const auto overflows = kernel.at("listen_overflows").get<std::uint64_t>(); overflows > 0)
    text += fmt::format("; since this network namespace was made, {} found an accept queue full",
                        counted(overflows, "handshake"));
  return text + '\n';
}

/// Where the same is told over HTTP; nothing where it is not.
std::string admin_of(const Json& status) {
  const auto& admin = status.at("admin");
  if (admin.at("address").is_null()) return {};
  auto text = "HTTP on " + admin.at("address").get<std::string>();
  if (const auto failures = admin.at("failures").get<std::uint64_t>(); failures > 0)
    text += fmt::format("; its process has ended by itself {}",
                        failures == 1 ? "once" : fmt::format("{} times", failures));
  return text + '\n';
}

}  // namespace

Result<std::string> status_view(std::string_view json, Style style) {
  try {
    const auto status = Json::parse(json);
    const auto verdict = verdict_on(status);
    return headline(status) + style.in(verdict.tone, verdict.text) + "\n\n" + listeners_of(status, style) +
           '\n' + workers_of(status, style) + '\n' + counted_events(status) + admin_of(status);
  } catch (const Json::exception& error) {
    return failure(ExitCode::kSoftware, fmt::format("the status makes no sense: {}", error.what()));
  }
}

}  // namespace tcp_echo
