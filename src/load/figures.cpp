#include "figures.hpp"

#include <spdlog/fmt/fmt.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

struct Named {
  std::string_view name;
  std::uint64_t count;
};

/// The failures of connections, by the names that all reports give them.
std::array<Named, 5> failed_connections(const LoadCounts& counts) {
  return {Named{"refused", counts.refused}, Named{"reset", counts.reset},
          Named{"closed early", counts.closed_early}, Named{"unreachable", counts.unreachable},
          Named{"stuck", counts.stuck}};
}

std::array<Named, 3> faulty_bytes(const StreamFaults& faults) {
  return {Named{"wrong", faults.wrong}, Named{"missing", faults.missing}, Named{"extra", faults.extra}};
}

/// The value in the last of `units` that leaves it at 1 or more; each is 1000 times the one before.
template <std::size_t kCount>
std::string with_unit(double value, const std::array<std::string_view, kCount>& units) {
  std::size_t unit = 0;
  // 999.5 would be written as 1000.
  while (value >= 999.5 && unit + 1 < kCount) {
    value /= 1000;
    ++unit;
  }
  if (value < 9.995) return fmt::format("{:.2f} {}", value, units[unit]);
  return fmt::format("{:.{}f} {}", value, value < 99.95 ? 1 : 0, units[unit]);
}

void append(std::string& list, const std::string& item) {
  if (!list.empty()) list += ", ";
  list += item;
}

std::string connections_in_words(const LoadSummary& summary) {
  constexpr std::size_t kAlwaysShown = 3;  // refused, reset, closed early
  std::string words = fmt::format("{} made", summary.counts.connected);
  std::size_t shown = 0;
  for (const auto& failed : failed_connections(summary.counts)) {
    if (shown++ < kAlwaysShown || failed.count > 0) {
      append(words, fmt::format("{} {}", failed.count, failed.name));
    }
  }
  for (const auto& missed :
       {Named{"without FIN", summary.counts.without_fin}, Named{"never made", summary.never_made},
        Named{"held back", summary.held_back}, Named{"not tried", summary.own_limits_failed}}) {
    if (missed.count > 0) append(words, fmt::format("{} {}", missed.count, missed.name));
  }
  return words;
}

/// With --rate each message that was due is one of four.
std::string echoes_in_words(const LoadSummary& summary) {
  const auto& counts = summary.counts;
  if (!summary.due) return fmt::format("{}", counts.echoes);
  return fmt::format("{} of {} that were due; {} late, {} skipped, {} lost", counts.echoes, *summary.due,
                     counts.late, counts.skipped, counts.lost);
}

std::string faulty_bytes_in_words(const StreamFaults& faults) {
  std::string words;
  for (const auto& faulty : faulty_bytes(faults)) {
    append(words, fmt::format("{} {}", faulty.count, faulty.name));
  }
  return words;
}

std::string latency_in_words(const Histogram& latency) {
  if (latency.count() == 0) return "no echo came back in the measured time";
  return fmt::format("p50 {}, p90 {}, p99 {}, p99.9 {}, max {}", time_in_words(latency.percentile(50)),
                     time_in_words(latency.percentile(90)), time_in_words(latency.percentile(99)),
                     time_in_words(latency.percentile(99.9)), time_in_words(latency.max()));
}

/// What a run that is good does not vouch for, each behind a semicolon.
std::string reservations(const LoadSummary& summary) {
  std::string words;
  const auto add = [&words](std::uint64_t count, const char* what, std::string_view rest) {
    if (count > 0) words += fmt::format("; {} {}", counted(count, what), rest);
  };
  add(summary.counts.skipped, "message", "skipped, never sent");
  add(summary.counts.without_fin, "connection", "not checked beyond that, for the server's FIN did not come");
  add(summary.held_back, "connection", "not made yet, for --connect-rate");
  return words;
}

}  // namespace

double per_second(double amount, double seconds) {
  const double rate = amount / seconds;
  return seconds > 0 && std::isfinite(rate) ? rate : 0;
}

std::string time_in_words(double seconds) {
  constexpr std::array<std::string_view, 4> kUnits = {"ns", "µs", "ms", "s"};
  return seconds == 0 ? "0 s" : with_unit(seconds * 1e9, kUnits);
}

std::string time_in_words(std::chrono::nanoseconds time) {
  return time_in_words(std::chrono::duration<double>(time).count());
}

std::string bytes_in_words(double bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  return bytes < 1000 ? fmt::format("{:.0f} B", bytes) : with_unit(bytes, kUnits);
}

std::vector<Figure> figures(const LoadSummary& summary) {
  const auto& counts = summary.counts;
  const auto sent = static_cast<double>(counts.sent_bytes);
  const auto received = static_cast<double>(counts.received_bytes);
  const auto echoes = static_cast<double>(counts.echoes);
  std::vector<Figure> figures = {
      {"target", fmt::format("{} ({})", printable(summary.target), printable(summary.address))},
      {"started", printable(summary.started)},
      {"measured",
       fmt::format("{}, with {}{}", time_in_words(summary.seconds), counted(summary.threads, "thread"),
                   summary.interrupted ? ", interrupted" : "")},
      {"connections", connections_in_words(summary)},
      {"bytes", faulty_bytes_in_words(counts.faults)},
      {"echoes", echoes_in_words(summary)},
      {"rate", fmt::format("{:.0f} echoes/s, {}/s sent, {}/s received", per_second(echoes, summary.seconds),
                           bytes_in_words(per_second(sent, summary.seconds)),
                           bytes_in_words(per_second(received, summary.seconds)))},
      {"latency", latency_in_words(summary.latency)},
      {"longest silence", time_in_words(summary.longest_silence)},
      {"own processor", fmt::format("{}, {:.0f} echoes per second of it", time_in_words(summary.cpu_seconds),
                                    per_second(echoes, summary.cpu_seconds))},
  };
  return figures;
}

std::string failures_in_words(const LoadCounts& counts) {
  std::string words;
  for (const auto& failed : failed_connections(counts)) {
    if (failed.count > 0) append(words, fmt::format("{} {}", failed.count, failed.name));
  }
  for (const auto& faulty : faulty_bytes(counts.faults)) {
    if (faulty.count > 0) append(words, fmt::format("{} {}", counted(faulty.count, "byte"), faulty.name));
  }
  return words;
}

std::string verdict(const LoadSummary& summary) {
  if (summary.is_good()) return "ok: every byte came back" + reservations(summary);
  std::string words = failures_in_words(summary.counts);
  if (summary.own_limits_failed > 0) {
    append(words, counted(summary.own_limits_failed, "connection") + " not tried for a limit of our own");
  }
  if (summary.never_made > 0) append(words, counted(summary.never_made, "connection") + " never made");
  if (summary.is_silent()) append(words, "no message came back at all");
  return "FAILED: " + words;
}

}  // namespace tcp_echo
