// Results as text: the table of a terminal, and Markdown.

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

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

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.0f} %", 100 * *share) : "-";
}

/// "15", or "13 of 15" where pairs were dropped.
std::string pairs_in_words(const Comparison& comparison) {
  const auto clean = comparison.clean_pairs();
  const auto all = comparison.pairs.size();
  return clean == all ? fmt::format("{}", all) : fmt::format("{} of {}", clean, all);
}

std::string confidence(const Estimate& estimate) {
  return estimate.count == 0 ? "-" : fmt::format("{:.1f} %", 100 * estimate.confidence);
}

std::string interval(const Estimate& estimate) {
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", estimate.median, estimate.low, estimate.high);
}

std::string ratio(const Comparison& comparison) {
  const auto estimate = comparison.ratio();
  return estimate.count == 0 ? "no clean pair" : interval(estimate);
}

/// n and confidence of the row are those of the ratio of rates; if this one has fewer pairs, it says so.
std::string efficiency(const Comparison& comparison) {
  const auto estimate = comparison.efficiency_ratio();
  if (estimate.count == 0) return "-";
  if (estimate.count == comparison.clean_pairs()) return interval(estimate);
  return fmt::format("{} ({}, {})", interval(estimate), counted(estimate.count, "pair"),
                     confidence(estimate));
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
  const auto rate = comparison.median_of(&Run::rate, side);
  return rate ? fmt::format("{} {}", grouped(*rate), mark(comparison.bound_of(side))) : "-";
}

std::string busy_shares(const Comparison& comparison) {
  return fmt::format("{}, {}", percent(comparison.busy_of(&Pair::ours)),
                     percent(comparison.busy_of(&Pair::theirs)));
}

std::string rate_with_unit(const Comparison& comparison, Run Pair::*side) {
  const auto rate = marked_rate(comparison, side);
  return rate == "-" ? rate : fmt::format("{} {}", rate, comparison.unit);
}

std::string bytes(double value) {
  return value < 10'000 ? fmt::format("{:.0f} B", value) : fmt::format("{:.1f} KiB", value / 1024);
}

std::string figure(const std::optional<double>& value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "not measured";
}

/// {1, 2, 3, 7} is "1-3, 7".
std::string ranges(const std::vector<std::size_t>& numbers) {
  std::string text;
  for (std::size_t begin = 0, end = 0; begin < numbers.size(); begin = end) {
    for (end = begin + 1; end < numbers.size() && numbers[end] == numbers[end - 1] + 1;) ++end;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", numbers[begin]);
    if (end > begin + 1) text += fmt::format("-{}", numbers[end - 1]);
  }
  return text;
}

/// How a complaint is quoted, which another program has written.
using Quote = std::string (*)(const std::string& complaint);

std::string for_terminal(const std::string& complaint) { return printable(complaint); }

/// As code, so that nothing in it is markup but the backtick, which would end it.
std::string for_markdown(const std::string& complaint) {
  auto text = printable(complaint);
  std::replace(text.begin(), text.end(), '`', '\'');
  return "`" + text + "`";
}

std::vector<std::string> dropped_lines(const Comparison& comparison, Quote quote) {
  constexpr std::size_t kMostComplaints = 8;
  std::vector<std::string> lines;
  std::size_t others = 0;
  for (const auto& dropped : comparison.dropped()) {
    const auto count = dropped.pairs.size();
    if (lines.size() == kMostComplaints) {
      others += count;
      continue;
    }
    lines.push_back(fmt::format("{}, {} {} ({}): {}", dropped.server, count == 1 ? "pair" : "pairs",
                                ranges(dropped.pairs), counted(count, "run"), quote(dropped.complaint)));
  }
  if (others > 0)
    lines.push_back(fmt::format("{} with other complaints: see the JSON", counted(others, "more run")));
  return lines;
}

/// What was not measured for the same reason is one line: a server that does not start fails in many cases.
std::vector<std::string> failure_lines(const Results& results, Quote quote) {
  std::vector<Failure> alike;
  for (const auto& failure : results.failures) {
    const auto same = std::find_if(alike.begin(), alike.end(), [&](const Failure& other) {
      return other.server == failure.server && other.complaint == failure.complaint;
    });
    if (same == alike.end())
      alike.push_back(failure);
    else
      same->title += "; " + failure.title;
  }
  std::vector<std::string> lines;
  lines.reserve(alike.size());
  for (const auto& failure : alike)
    lines.push_back(fmt::format("{}, {}: {}", failure.server, failure.title, quote(failure.complaint)));
  return lines;
}

std::string listed(std::string_view head, std::string_view bullet, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  auto text = fmt::format("{}\n\n", head);
  for (const auto& line : lines) text += fmt::format("{}{}\n", bullet, line);
  return text + "\n";
}

std::string dropped_runs(const Results& results, std::string_view bullet, Quote quote) {
  std::vector<std::string> lines;
  for (const auto& comparison : results.comparisons) {
    for (const auto& line : dropped_lines(comparison, quote))
      lines.push_back(fmt::format("{}, against {}: {}", comparison.title, comparison.peer, line));
  }
  return listed("Dropped because a run failed, each with the other run of its pair:", bullet, lines);
}

std::string not_measured(const Results& results, std::string_view bullet, Quote quote) {
  auto text = listed("Not measured:", bullet, failure_lines(results, quote));
  if (results.is_interrupted)
    text += "Interrupted: what was under way and what would have followed is missing.\n\n";
  return text;
}

std::string markdown_rates(const Results& results) {
  if (results.comparisons.empty()) return "";
  std::string text =
      "| case | against | n | tcp-echo | the other | ratio | confidence | echoes per CPU second, ratio | "
      "CPU busy |\n"
      "| --- | --- | ---: | ---: | ---: | --- | ---: | --- | --- |\n";
  for (const auto& row : results.comparisons) {
    text +=
        fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", row.title, row.peer,
                    pairs_in_words(row), rate_with_unit(row, &Pair::ours), rate_with_unit(row, &Pair::theirs),
                    ratio(row), confidence(row.ratio()), efficiency(row), busy_shares(row));
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
  return fmt::format("{:<45} {:<18} {:>8} {:>12} {:>12}  {:<22} {:>7}  {:<22} {:>11}\n", "case", "against",
                     "n", "ours /s", "theirs /s", "ratio", "conf.", "per CPU second", "CPU busy");
}

std::string table_row(const Comparison& comparison) {
  auto text =
      fmt::format("{:<45} {:<18} {:>8} {:>12} {:>12}  {:<22} {:>7}  {:<22} {:>11}\n", comparison.title,
                  comparison.peer, pairs_in_words(comparison), marked_rate(comparison, &Pair::ours),
                  marked_rate(comparison, &Pair::theirs), ratio(comparison), confidence(comparison.ratio()),
                  efficiency(comparison), busy_shares(comparison));
  for (const auto& line : dropped_lines(comparison, for_terminal))
    text += fmt::format("    dropped: {}\n", line);
  return text;
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

std::string table_row(const Failure& failure) {
  return fmt::format("{:<45} {:<18} not measured: {}\n", failure.title, failure.server,
                     for_terminal(failure.complaint));
}

std::string legend(const Results& results) {
  if (results.comparisons.empty()) return "";
  return "n is the pairs in which both runs went well; every figure is of those alone. Ratios are ours to\n"
         "theirs, above 1 means more echoes: the median, in brackets where the true one lies with that\n"
         "confidence. A rate without a mark is the server's own: its CPU was busy and the client's was not.\n"
         "b: both were busy, so the server could do this much or more. c: only the client's was, so the\n"
         "rate is the client's. w: neither was: each waits for the other, or for a CPU. ?: unknown.\n";
}

std::string faults(const Results& results) {
  return dropped_runs(results, "  ", for_terminal) + not_measured(results, "  ", for_terminal);
}

std::string markdown(const Results& results) {
  std::string text = markdown_rates(results) + dropped_runs(results, "- ", for_markdown) +
                     markdown_footprint(results) + not_measured(results, "- ", for_markdown);
  text += fmt::format("{}; ", results.date.substr(0, 10));
  for (const auto& [name, value] : results.machine) text += fmt::format("{}: {}; ", name, value);
  std::string versions;
  for (const auto& [server, version] : results.versions) {
    if (!version.empty()) versions += fmt::format("{}{}", versions.empty() ? "" : ", ", version);
  }
  return text.append(versions).append(".\n");
}

}  // namespace tcp_echo::bench
