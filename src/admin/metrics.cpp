#include "metrics.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "tcp_echo/base/counters.hpp"
#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/tally.hpp"

namespace tcp_echo {
namespace {

using enum MetricKind;

constexpr double kNano = 1e-9;
constexpr double kMilli = 1e-3;

/// As the exposition takes it.
template <class Value>
auto figure_of(Value value) {
  if constexpr (std::is_floating_point_v<Value>)
    return double{value};
  else
    return std::uint64_t{value};
}

// `Figure` is a member, or a function, of what it is asked of.

template <auto Figure>
void service(const ServiceStatus& status, Exposition& out) {
  out.add(figure_of(std::invoke(Figure, status)));
}

template <auto Figure>
void total(const ServiceStatus& status, Exposition& out) {
  out.add(figure_of(std::invoke(Figure, status.totals)));
}

template <auto Figure>
void by_listener(const ServiceStatus& status, Exposition& out) {
  for (const auto& listener : status.listeners)
    out.add({{"listener", endpoint_text(listener.address, listener.port)}},
            figure_of(std::invoke(Figure, listener)));
}

template <auto Figure>
void by_slot(const ServiceStatus& status, Exposition& out) {
  for (const auto& slot : status.slots)
    out.add({{"worker", std::to_string(slot.slot)}}, figure_of(std::invoke(Figure, slot)));
}

template <auto Figure>
void by_worker(const ServiceStatus& status, Exposition& out) {
  for (const auto& slot : status.slots)
    out.add({{"worker", std::to_string(slot.slot)}}, figure_of(std::invoke(Figure, slot.tally)));
}

template <class Reason, std::size_t Count, class Add>
void for_each_reason(const std::array<std::uint64_t, Count>& figures, Add add) {
  for (std::size_t i = 0; i < Count; ++i) add(name_of(static_cast<Reason>(i)), figures.at(i));
}

template <class Reason, auto Figures>
void total_by_reason(const ServiceStatus& status, Exposition& out) {
  for_each_reason<Reason>(status.totals.*Figures, [&out](std::string_view reason, std::uint64_t count) {
    out.add({{"reason", reason}}, count);
  });
}

template <class Reason, std::size_t Count>
void add_by_reason(const SlotStatus& slot, const std::array<std::uint64_t, Count>& figures, Exposition& out) {
  for_each_reason<Reason>(figures, [&](std::string_view reason, std::uint64_t count) {
    out.add({{"worker", std::to_string(slot.slot)}, {"reason", reason}}, count);
  });
}

template <class Reason, auto Figures>
void by_worker_and_reason(const ServiceStatus& status, Exposition& out) {
  for (const auto& slot : status.slots) add_by_reason<Reason>(slot, slot.tally.*Figures, out);
}

/// Of a value that has `bits` binary digits at most.
constexpr double largest_of(std::size_t bits) { return static_cast<double>((std::uint64_t{1} << bits) - 1); }

/// `unit` is what one stands for.
template <std::size_t Buckets>
void add_histogram(const HistogramTally<Buckets>& tally, double unit, bool is_cut_off, Exposition& out) {
  std::array<Exposition::Bucket, Buckets - 1> buckets{};
  for (std::size_t bits = 0; bits < buckets.size(); ++bits)
    buckets.at(bits) = {unit * (largest_of(bits) + (is_cut_off ? 1 : 0)), tally.buckets.at(bits)};
  out.add_histogram(buckets, tally.buckets.back(), unit * static_cast<double>(tally.sum));
}

void build(const ServiceStatus& status, Exposition& out) {
  out.add({{"version", status.version}}, std::uint64_t{1});
}

double started_on(const ServiceStatus& status) {
  return kMilli * static_cast<double>(status.started_on.count());
}

unsigned is_ready(const ServiceStatus& status) { return status.why_not_ready() ? 0 : 1; }

void reloads(const ServiceStatus& status, Exposition& out) {
  out.add({{"result", "success"}}, status.reloads);
  out.add({{"result", "failure"}}, status.failed_reloads);
}

/// As many as there are words for.
void workers(const ServiceStatus& status, Exposition& out) {
  std::array<std::uint64_t, static_cast<std::size_t>(WorkerState::kRetired) + 1> counts{};
  for (const auto& slot : status.slots) {
    const auto state = static_cast<std::size_t>(slot.state);
    if (state < counts.size()) ++counts.at(state);
  }
  for (std::size_t i = 0; i < counts.size(); ++i)
    out.add({{"state", name_of(static_cast<WorkerState>(i))}}, counts.at(i));
}

void durations(const ServiceStatus& status, Exposition& out) {
  add_histogram(status.totals.lifetimes, kMilli, true, out);  // 1.9 ms were counted as 1
}

void sizes(const ServiceStatus& status, Exposition& out) {
  add_histogram(status.totals.sizes, 1, false, out);
}

void restarts(const ServiceStatus& status, Exposition& out) {
  for (const auto& slot : status.slots) add_by_reason<RestartReason>(slot, slot.restarts, out);
}

void handed_over(const ServiceStatus& status, Exposition& out) {
  for (const auto& slot : status.slots) {
    const auto worker = std::to_string(slot.slot);
    out.add({{"worker", worker}, {"direction", "in"}}, slot.tally.handed_over_in);
    out.add({{"worker", worker}, {"direction", "out"}}, slot.tally.handed_over_out);
  }
}

double busy_seconds(const Tally& tally) { return kNano * static_cast<double>(tally.busy_nanoseconds); }

double lag(const SlotStatus& slot) { return std::chrono::duration<double>(slot.loop_lag).count(); }

struct Row {
  Metric metric;
  void (*tell)(const ServiceStatus&, Exposition&) = nullptr;
};

// Totals have names of their own beside those of the workers, so that no sum counts anything twice.
const std::array kRows = {
    Row{{"tcp_echo_build_info", kInfo, "version",
         "Always 1; the label has the version of the running program"},
        build},
    Row{{"process_start_time_seconds", kGauge, "",
         "When the service was started, since the epoch; an upgrade does not change it"},
        service<started_on>},
    Row{{"tcp_echo_ready", kGauge, "",
         "1 while every listener has a worker that accepts, otherwise 0, as /readyz"},
        service<is_ready>},
    Row{{"tcp_echo_generation", kGauge, "",
         "Which configuration is served: every reload and upgrade makes the next one"},
        service<&ServiceStatus::generation>},
    Row{{"tcp_echo_reloads_total", kCounter, "result",
         "Reloads and upgrades that were done (success), or changed nothing (failure)"},
        reloads},
    Row{{"tcp_echo_workers", kGauge, "state", "Places of workers, by what state they are in"}, workers},
    Row{{"tcp_echo_admin_failures_total", kCounter, "",
         "Times that the process which answers HTTP has ended by itself"},
        service<&ServiceStatus::admin_failures>},

    Row{{"tcp_echo_connections_accepted_total", kCounter, "", "Connections accepted"},
        total<&Tally::accepted>},
    Row{{"tcp_echo_connections_active", kGauge, "", "Connections that are open"}, total<&Tally::active>},
    Row{{"tcp_echo_connections_closed_total", kCounter, "reason", "Connections closed, by why"},
        total_by_reason<CloseReason, &Tally::closed>},
    Row{{"tcp_echo_connections_handed_over_total", kCounter, "",
         "Connections that have moved from one worker to another"},
        total<&Tally::handed_over_in>},
    Row{{"tcp_echo_received_bytes_total", kCounter, "", "Bytes received from clients"},
        total<&Tally::received_bytes>},
    Row{{"tcp_echo_sent_bytes_total", kCounter, "", "Bytes sent to clients"}, total<&Tally::sent_bytes>},
    Row{{"tcp_echo_connection_duration_seconds", kHistogram, "",
         "How long connections lived that have been closed, but for those of workers that died"},
        durations},
    Row{{"tcp_echo_connection_received_bytes", kHistogram, "",
         "How many bytes each connection has received that has been closed, but for those of workers that "
         "died"},
        sizes},

    Row{{"tcp_echo_accept_queue_length", kGauge, "listener",
         "Clients that the kernel has connected and no worker has accepted yet"},
        by_listener<&ListenerStatus::waiting>},
    Row{{"tcp_echo_accept_queue_limit", kGauge, "listener",
         "For how many clients the accept queues have room"},
        by_listener<&ListenerStatus::room>},
    Row{{"tcp_echo_accept_queue_fullest_ratio", kGauge, "listener",
         "How full the fullest accept queue is, from 0 to 1: each worker has one of its own"},
        by_listener<&ListenerStatus::fullest>},
    Row{{"tcp_echo_accept_errors_total", kCounter, "reason",
         "Clients gone before they were accepted (aborted), and pauses in accepting, by what has run out"},
        total_by_reason<AcceptError, &Tally::accept_errors>},
    Row{{"tcp_echo_accept_pauses_total", kCounter, "", "Times that a worker has paused accepting"},
        total<&Tally::accept_pauses>},
    Row{{"tcp_echo_listen_overflows_total", kCounter, "",
         "Handshakes that found an accept queue full, of all programs in this network namespace"},
        service<&ServiceStatus::listen_overflows>},
    Row{{"tcp_echo_listen_drops_total", kCounter, "",
         "Handshakes dropped for this or another reason, of all programs in this network namespace"},
        service<&ServiceStatus::listen_drops>},

    Row{{"tcp_echo_worker_restarts_total", kCounter, "worker reason",
         "Workers that took the place of one that had ended, or wanted a successor, by why"},
        restarts},
    Row{{"tcp_echo_worker_busy_ratio", kGauge, "worker",
         "Share of the last second in which the worker's loop was at work, or waited for a processor"},
        by_slot<&SlotStatus::busy_ratio>},
    Row{{"tcp_echo_worker_busy_seconds_total", kCounter, "worker",
         "Time in which the worker's loop was at work, or waited for a processor"},
        by_worker<busy_seconds>},
    Row{{"tcp_echo_worker_loop_lag_seconds", kGauge, "worker",
         "By how much the worker's loop was late when it last looked"},
        by_slot<lag>},
    Row{{"tcp_echo_worker_connections_accepted_total", kCounter, "worker", "Connections accepted, by worker"},
        by_worker<&Tally::accepted>},
    Row{{"tcp_echo_worker_connections_active", kGauge, "worker", "Connections that are open, by worker"},
        by_worker<&Tally::active>},
    Row{{"tcp_echo_worker_connections_closed_total", kCounter, "worker reason",
         "Connections closed, by worker and why"},
        by_worker_and_reason<CloseReason, &Tally::closed>},
    Row{{"tcp_echo_worker_connections_handed_over_total", kCounter, "worker direction",
         "Connections taken over from another worker (in), or by another one (out)"},
        handed_over},
    Row{{"tcp_echo_worker_received_bytes_total", kCounter, "worker",
         "Bytes received from clients, by worker"},
        by_worker<&Tally::received_bytes>},
    Row{{"tcp_echo_worker_sent_bytes_total", kCounter, "worker", "Bytes sent to clients, by worker"},
        by_worker<&Tally::sent_bytes>},
    Row{{"tcp_echo_worker_accept_errors_total", kCounter, "worker reason",
         "As tcp_echo_accept_errors_total, by worker"},
        by_worker_and_reason<AcceptError, &Tally::accept_errors>},
};

}  // namespace

std::vector<Metric> metrics() {
  std::vector<Metric> all;
  all.reserve(kRows.size());
  for (const auto& row : kRows) all.push_back(row.metric);
  return all;
}

std::string metrics_text(const ServiceStatus& status, Exposition::Format format) {
  Exposition out(format);
  for (const auto& row : kRows) {
    out.begin(row.metric);
    row.tell(status, out);
  }
  return std::move(out).finish();
}

}  // namespace tcp_echo
