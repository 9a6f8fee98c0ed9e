#include "admin/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "support/document.hpp"

namespace tcp_echo::test {
namespace {

using Format = Exposition::Format;
using testing::AllOf;
using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Two workers and two listeners, and every figure another one.
ServiceStatus busy() {
  ServiceStatus status;
  status.version = "1.2.3";
  status.started_on = std::chrono::milliseconds(1'700'000'000'250);
  status.generation = 4;
  status.state = ServiceState::kServing;
  status.reloads = 5;
  status.failed_reloads = 6;
  status.admin_failures = 7;
  status.listen_overflows = 8;
  status.listen_drops = 9;
  status.listeners = {{"::", 8090, 10, 4096, 0.25}, {"127.0.0.1", 7, 11, 128, 0.5}};
  for (std::uint64_t number = 1; number <= 2; ++number) {
    auto& slot = status.slots.emplace_back();
    slot.slot = slot.served_by = static_cast<unsigned>(number);
    slot.state = number == 1 ? WorkerState::kServing : WorkerState::kRetired;
    slot.busy_ratio = 0.125 * static_cast<double>(number);
    slot.loop_lag = std::chrono::microseconds(250);
    slot.restarts[static_cast<std::size_t>(RestartReason::kCrash)] = number;
    auto& tally = slot.tally;
    tally.accepted = 100 * number;
    tally.handed_over_in = 20 * number;
    tally.handed_over_out = 10 * number;
    tally.received_bytes = 1000 * number;
    tally.sent_bytes = 999 * number;
    tally.accept_pauses = number;
    tally.busy_nanoseconds = 1'500'000'000;
    tally.closed[static_cast<std::size_t>(CloseReason::kIdle)] = 3 * number;
    tally.accept_errors[static_cast<std::size_t>(AcceptError::kMemory)] = number;
    tally.lifetimes.buckets[0] = tally.lifetimes.buckets[1] = tally.lifetimes.buckets.back() = 1;
    tally.lifetimes.sum = 1000;
    tally.sizes.buckets[11] = number;
    tally.sizes.sum = 1024;
    status.totals.add(tally);
  }
  return status;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> told(Format format = Format::kPrometheus) {
  return lines_of(metrics_text(busy(), format));
}

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  std::string value;
};

/// Fails for what is not well formed.
Sample sample_in(const std::string& line) {
  static const std::regex form(R"(([a-z_]+)(?:\{(.*)\})? ([-+.0-9einfINF]+))");
  static const std::regex label(R"re(([a-z]+)="((?:[^"\\]|\\.)*)"(?:,|$))re");
  std::smatch found;
  Sample sample;
  EXPECT_TRUE(std::regex_match(line, found, form)) << line;
  if (found.empty()) return sample;
  sample = {found[1], {}, found[3]};
  const std::string labels = found[2];
  std::size_t length = 0;
  for (std::sregex_iterator each(labels.begin(), labels.end(), label); each != std::sregex_iterator();
       ++each) {
    sample.labels.emplace((*each)[1], (*each)[2]);
    length += static_cast<std::size_t>(each->length());
  }
  EXPECT_EQ(length, labels.size()) << line;
  return sample;
}

std::set<std::string> words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::set<std::string> words;
  for (std::string word; stream >> word;) words.insert(word);
  return words;
}

TEST(Metrics, SayWhatIsSoInTheTextOfPrometheus) {
  const auto lines = told();
  for (const auto* const line :
       {"# HELP tcp_echo_build_info Always 1; the label has the version of the running program",
        "# TYPE tcp_echo_build_info gauge",
        R"(tcp_echo_build_info{version="1.2.3"} 1)",
        "# TYPE process_start_time_seconds gauge",
        "process_start_time_seconds 1700000000.25",
        "tcp_echo_ready 1",
        "tcp_echo_generation 4",
        R"(tcp_echo_reloads_total{result="success"} 5)",
        R"(tcp_echo_reloads_total{result="failure"} 6)",
        R"(tcp_echo_workers{state="serving"} 1)",
        R"(tcp_echo_workers{state="retired"} 1)",
        R"(tcp_echo_workers{state="hung"} 0)",
        "tcp_echo_admin_failures_total 7",
        "# TYPE tcp_echo_connections_accepted_total counter",
        "tcp_echo_connections_accepted_total 300",
        "tcp_echo_connections_active 321",
        R"(tcp_echo_connections_closed_total{reason="idle"} 9)",
        "tcp_echo_connections_handed_over_total 60",
        "tcp_echo_received_bytes_total 3000",
        "tcp_echo_sent_bytes_total 2997",
        R"(tcp_echo_accept_queue_length{listener="[::]:8090"} 10)",
        R"(tcp_echo_accept_queue_length{listener="127.0.0.1:7"} 11)",
        R"(tcp_echo_accept_queue_limit{listener="127.0.0.1:7"} 128)",
        R"(tcp_echo_accept_queue_fullest_ratio{listener="127.0.0.1:7"} 0.5)",
        R"(tcp_echo_accept_errors_total{reason="memory"} 3)",
        "tcp_echo_accept_pauses_total 3",
        "tcp_echo_listen_overflows_total 8",
        "tcp_echo_listen_drops_total 9",
        R"(tcp_echo_worker_restarts_total{worker="2",reason="crash"} 2)",
        R"(tcp_echo_worker_busy_ratio{worker="2"} 0.25)",
        R"(tcp_echo_worker_busy_seconds_total{worker="1"} 1.5)",
        R"(tcp_echo_worker_loop_lag_seconds{worker="1"} 0.00025)",
        R"(tcp_echo_worker_connections_active{worker="1"} 107)",
        R"(tcp_echo_worker_connections_handed_over_total{worker="2",direction="out"} 20)",
        R"(tcp_echo_worker_received_bytes_total{worker="2"} 2000)"})
    EXPECT_THAT(lines, Contains(line));
}

TEST(Metrics, HaveHistogramsWhoseBucketsContainTheSmallerOnes) {
  const auto lines = told();
  for (const auto* const line :
       {R"(tcp_echo_connection_duration_seconds_bucket{le="0.001"} 2)",
        R"(tcp_echo_connection_duration_seconds_bucket{le="0.002"} 4)",
        R"(tcp_echo_connection_duration_seconds_bucket{le="0.004"} 4)",
        R"(tcp_echo_connection_duration_seconds_bucket{le="+Inf"} 6)",
        "tcp_echo_connection_duration_seconds_sum 2", "tcp_echo_connection_duration_seconds_count 6",
        R"(tcp_echo_connection_received_bytes_bucket{le="1023.0"} 0)",
        R"(tcp_echo_connection_received_bytes_bucket{le="2047.0"} 3)",
        R"(tcp_echo_connection_received_bytes_bucket{le="+Inf"} 3)",
        "tcp_echo_connection_received_bytes_sum 2048", "tcp_echo_connection_received_bytes_count 3"})
    EXPECT_THAT(lines, Contains(line));
}

TEST(Metrics, AreAllWellFormedAndHaveTheLabelsOfTheirRow) {
  for (const auto format : {Format::kPrometheus, Format::kOpenMetrics}) {
    const auto table = metrics();
    std::size_t row = 0;
    std::set<std::string> seen;
    std::size_t samples = 0;
    for (const auto& line : told(format)) {
      if (line == "# EOF") continue;
      if (line.starts_with("# HELP ")) {
        ASSERT_LT(row, table.size());
        EXPECT_TRUE(row == 0 || samples > 0) << table[row - 1].name << " has no sample";
        samples = 0;
        ++row;
      }
      if (line.starts_with("#")) continue;
      ASSERT_GT(row, 0U);
      const auto& metric = table[row - 1];
      const auto sample = sample_in(line);
      ++samples;
      EXPECT_TRUE(seen.insert(line.substr(0, line.rfind(' '))).second) << "twice: " << line;
      std::set<std::string> labels;
      for (const auto& [name, value] : sample.labels) labels.insert(name);
      labels.erase("le");
      EXPECT_EQ(labels, words_of(metric.labels)) << line;
      EXPECT_THAT(sample.name, StartsWith(std::string(metric.name)));
    }
    EXPECT_EQ(row, table.size());
  }
}

TEST(Metrics, AreNamedAsIsUsual) {
  std::set<std::string_view> names;
  for (const auto& metric : metrics()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_TRUE(metric.name.starts_with("tcp_echo_") || metric.name == "process_start_time_seconds");
    EXPECT_EQ(metric.name.ends_with("_total"), metric.kind == MetricKind::kCounter) << metric.name;
    EXPECT_EQ(metric.name.ends_with("_info"), metric.kind == MetricKind::kInfo) << metric.name;
    EXPECT_FALSE(metric.help.empty());
    EXPECT_FALSE(metric.help.ends_with("."));
    EXPECT_EQ(metric.help.find_first_of("\n\\"), std::string_view::npos);
    for (const auto* const small : {"milli", "micro", "nano", "kilo", "percent"})
      EXPECT_EQ(metric.name.find(small), std::string_view::npos) << "base units";
  }
}

TEST(Metrics, InOpenMetricsAreFamiliesWithUnitsAndAnEnd) {
  const auto text = metrics_text(busy(), Format::kOpenMetrics);
  EXPECT_THAT(text, EndsWith("\n# EOF\n"));
  const auto lines = lines_of(text);
  for (const auto* const line :
       {"# TYPE tcp_echo_build info", R"(tcp_echo_build_info{version="1.2.3"} 1)",
        "# TYPE tcp_echo_received_bytes counter", "# UNIT tcp_echo_received_bytes bytes",
        "tcp_echo_received_bytes_total 3000", "# UNIT tcp_echo_connection_duration_seconds seconds",
        "# TYPE tcp_echo_connection_duration_seconds histogram", "# UNIT tcp_echo_worker_busy_ratio ratio",
        "# TYPE tcp_echo_connections_active gauge"})
    EXPECT_THAT(lines, Contains(line));
  EXPECT_THAT(text, Not(HasSubstr("# UNIT tcp_echo_connections_active")));
  EXPECT_THAT(metrics_text(busy(), Format::kPrometheus),
              AllOf(Not(HasSubstr("# EOF")), Not(HasSubstr("# UNIT"))));
}

TEST(Metrics, OfAServiceThatIsNotReadySaySo) {
  auto status = busy();
  status.slots[1].served_by = 0;
  EXPECT_THAT(metrics_text(status, Format::kPrometheus), HasSubstr("\ntcp_echo_ready 0\n"));
}

TEST(Metrics, DoNotTakeAnythingFromSharedMemoryForGranted) {
  auto status = busy();
  status.slots[0].state = static_cast<WorkerState>(200);
  status.version = "\"1\\\n";
  const auto text = metrics_text(status, Format::kPrometheus);
  EXPECT_THAT(text, HasSubstr(R"(tcp_echo_build_info{version="\"1\\\n"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(tcp_echo_workers{state="serving"} 0)"));
}

TEST(Metrics, AreToldInTheFormatThatIsAskedFor) {
  EXPECT_EQ(wanted_format(""), Format::kPrometheus);
  EXPECT_EQ(wanted_format("*/*"), Format::kPrometheus);
  EXPECT_EQ(wanted_format("text/plain;version=0.0.4;q=0.5,*/*;q=0.1"), Format::kPrometheus);
  EXPECT_EQ(wanted_format("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"),
            Format::kOpenMetrics);
}

TEST(Metrics, StandInTheirPage) {
  std::string table = "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n";
  for (const auto& metric : metrics()) {
    std::string labels;
    for (const auto& label : words_of(metric.labels)) labels += (labels.empty() ? "`" : ", `") + label + "`";
    table += fmt::format("| `{}` | {} | {} | {} |\n", metric.name, name_of(metric.kind), labels, metric.help);
  }
  expect_part_is(TCP_ECHO_SOURCE "/docs/metrics.md", "metrics", table);
}

}  // namespace
}  // namespace tcp_echo::test
