// Results as text: the table of a terminal, and Markdown.

#include <spdlog/fmt/fmt.h>

#include "results.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo::bench {
namespace {

/// 12345.6 is "12,346".
std::string grouped(double value) {
  auto digits = fmt::format("{:.0f}", value);
  for (auto at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string percent(double share) { return share < 0 ? "-" : fmt::format("{:.0f} %", 100 * share); }

std::string interval(const Estimate& estimate) {
  if (estimate.median <= 0) return "-";
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", estimate.median, estimate.low, estimate.high);
}

/// A letter for whatever keeps a rate from saying something about its server's processor.
std::string_view mark(Bound bound) {
  switch (bound) {
    case Bound::kServer: return "";
    case Bound::kBoth: return "b";
    case Bound::kClient: return "c";
    case Bound::kWaiting: return "w";
    case Bound::kUnknown: return "?";
  }
  return "?";
}

std::string marked_rate(const Comparison& comparison, Run Pair::*side) {
  return fmt::format("{} {}", grouped(comparison.median_of(&Run::rate, side)),
                     mark(comparison.bound_of(side)));
}

std::string bytes(double value) {
  return value < 10'000 ? fmt::format("{:.0f} B", value) : fmt::format("{:.1f} KiB", value / 1024);
}

std::string figure(const std::optional<double>& value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "not measured";
}

std::string complaints(const Comparison& comparison) {
  std::string text;
  for (const auto side : {&Pair::ours, &Pair::theirs}) {
    if (const auto complaint = comparison.first_complaint(side); !complaint.empty())
      text += fmt::format("    {}: {}\n", side == &Pair::ours ? kOurs : comparison.peer, complaint);
  }
  return text;
}

std::string markdown_rates(const Results& results) {
  if (results.comparisons.empty()) return "";
  std::string text =
      "| case | against | tcp-echo | the other | ratio | echoes per CPU second, ratio | "
      "CPU busy |\n"
      "| --- | --- | ---: | ---: | --- | --- | --- |\n";
  for (const auto& row : results.comparisons) {
    text += fmt::format("| {} | {} | {} {} | {} {} | {} | {} | {}, {} |\n", row.title, row.peer,
                        marked_rate(row, &Pair::ours), row.unit, marked_rate(row, &Pair::theirs), row.unit,
                        interval(row.ratio()), interval(row.efficiency_ratio()),
                        percent(row.busy_of(&Pair::ours)), percent(row.busy_of(&Pair::theirs)));
  }
  return text.append("\n").append(legend(results)).append("\n");
}

std::string markdown_footprint(const Results& results) {
  std::string text;
  if (!results.memory.empty()) text += "| server | memory for an idle connection |\n| --- | ---: |\n";
  for (const auto& row : results.memory)
    text += fmt::format("| {} | {} |\n", row.server, bytes(row.memory.bytes_each));
  if (!results.counts.empty()) {
    text +=
        fmt::format("{}| server | system calls per echo | instructions per echo |\n| --- | ---: | ---: |\n",
                    text.empty() ? "" : "\n");
  }
  for (const auto& row : results.counts)
    text += fmt::format("| {} | {} | {} |\n", row.server, figure(row.system_calls, 3),
                        figure(row.instructions, 0));
  return text.append(text.empty() ? "" : "\n");
}

}  // namespace

std::string table_head() {
  return fmt::format("{:<45} {:<18} {:>12} {:>12}  {:<22} {:<22} {:>11}\n", "case", "against", "ours /s",
                     "theirs /s", "ratio", "per CPU second", "CPU busy");
}

std::string table_row(const Comparison& comparison) {
  const auto busy = fmt::format("{}, {}", percent(comparison.busy_of(&Pair::ours)),
                                percent(comparison.busy_of(&Pair::theirs)));
  return fmt::format("{:<45} {:<18} {:>12} {:>12}  {:<22} {:<22} {:>11}\n{}", comparison.title,
                     comparison.peer, marked_rate(comparison, &Pair::ours),
                     marked_rate(comparison, &Pair::theirs), interval(comparison.ratio()),
                     interval(comparison.efficiency_ratio()), busy, complaints(comparison));
}

std::string table_row(const MemoryRow& row) {
  return fmt::format("{:<45} {:<18} {:>12}  from {} to {} connections\n", "memory for an idle connection",
                     row.server, bytes(row.memory.bytes_each), row.memory.few, row.memory.many);
}

std::string table_row(const CountsRow& row) {
  return fmt::format("{:<45} {:<18} system calls: {}; instructions in user space: {}\n",
                     "an echo at 50 connections, 64 B", row.server, figure(row.system_calls, 3),
                     figure(row.instructions, 0));
}

std::string legend(const Results& results) {
  if (results.comparisons.empty()) return "";
  const auto& first = results.comparisons.front();
  return fmt::format(
      "Ratios are ours to theirs, above 1 means more echoes: the median of {}, in brackets where the true "
      "one lies\n"
      "with {:.1f} % confidence. A rate without a mark is the server's own: its CPU was busy and the "
      "client's was not.\n"
      "b: both were busy, so the server could do this much or more. c: only the client's was, so the rate is "
      "the\n"
      "client's. w: neither was: each waits for the other, or for a CPU. ?: unknown.\n",
      counted(first.pairs.size(), "pair"), 100 * first.ratio().confidence);
}

std::string markdown(const Results& results) {
  std::string text = markdown_rates(results) + markdown_footprint(results);
  text += fmt::format("{}; ", results.date.substr(0, 10));
  for (const auto& [name, value] : results.machine) text += fmt::format("{}: {}; ", name, value);
  std::string versions;
  for (const auto& [server, version] : results.versions) {
    if (!version.empty()) versions += fmt::format("{}{}", versions.empty() ? "" : ", ", version);
  }
  return text.append(versions).append(".\n");
}

}  // namespace tcp_echo::bench
