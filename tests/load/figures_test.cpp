#include "load/figures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

std::string value_of(const LoadSummary& summary, const std::string& name) {
  for (const auto& figure : figures(summary)) {
    if (figure.name == name) return figure.value;
  }
  return "no figure " + name;
}

TEST(TimeInWords, TakesTheUnitThatFits) {
  EXPECT_EQ(time_in_words(0ns), "0 s");
  EXPECT_EQ(time_in_words(7ns), "7.00 ns");
  EXPECT_EQ(time_in_words(412us), "412 µs");
  EXPECT_EQ(time_in_words(4123us), "4.12 ms");
  EXPECT_EQ(time_in_words(41'230us), "41.2 ms");
  EXPECT_EQ(time_in_words(1200ms), "1.20 s");
  EXPECT_EQ(time_in_words(2h), "7200 s");
  EXPECT_EQ(time_in_words(0.5), "500 ms");
}

TEST(TimeInWords, HasThreeDigitsAtTheEdges) {
  EXPECT_EQ(time_in_words(9'994us), "9.99 ms");
  EXPECT_EQ(time_in_words(9'996us), "10.0 ms");
  EXPECT_EQ(time_in_words(99'960us), "100 ms");
  EXPECT_EQ(time_in_words(999'600us), "1.00 s");
}

TEST(BytesInWords, CountInThousands) {
  EXPECT_EQ(bytes_in_words(0), "0 B");
  EXPECT_EQ(bytes_in_words(999), "999 B");
  EXPECT_EQ(bytes_in_words(1000), "1.00 kB");
  EXPECT_EQ(bytes_in_words(23'200'000), "23.2 MB");
  EXPECT_EQ(bytes_in_words(5e15), "5000 TB");
}

TEST(PerSecond, IsZeroInNoTime) {
  EXPECT_EQ(per_second(10, 4), 2.5);
  EXPECT_EQ(per_second(10, 0), 0);
  EXPECT_EQ(per_second(0, 0), 0);
  EXPECT_EQ(per_second(10, -1), 0);
  EXPECT_EQ(per_second(10, 1e-320), 0);
}

TEST(Figures, NameTheRarerFailuresOnlyWhenTheyHappened) {
  LoadSummary summary;
  summary.counts.connected = 50;
  EXPECT_EQ(value_of(summary, "connections"), "50 made, 0 refused, 0 reset, 0 closed early");
  summary.counts.unreachable = 2;
  summary.counts.stuck = 3;
  summary.own_limits_failed = 4;
  summary.counts.without_fin = 5;
  summary.never_made = 6;
  summary.held_back = 7;
  EXPECT_EQ(
      value_of(summary, "connections"),
      "50 made, 0 refused, 0 reset, 0 closed early, 2 unreachable, 3 stuck, 5 without FIN, 6 never made, "
      "7 held back, 4 not tried");
}

TEST(Figures, CountWrongMissingAndExtraBytes) {
  LoadSummary summary;
  summary.counts.faults = {1, 2, 3};
  EXPECT_EQ(value_of(summary, "bytes"), "1 wrong, 2 missing, 3 extra");
}

TEST(Figures, GiveRatesOfTheMeasuredTime) {
  LoadSummary summary;
  summary.seconds = 10;
  summary.cpu_seconds = 2;
  summary.counts.echoes = 1'000'000;
  summary.counts.sent_bytes = 128'000'000;
  summary.counts.received_bytes = 127'000'000;
  EXPECT_EQ(value_of(summary, "rate"), "100000 echoes/s, 12.8 MB/s sent, 12.7 MB/s received");
  EXPECT_EQ(value_of(summary, "own processor"), "2.00 s, 500000 echoes per second of it");
}

TEST(Figures, TellWhatBecameOfTheMessagesThatWereDue) {
  LoadSummary summary;
  summary.counts.echoes = 10;
  EXPECT_EQ(value_of(summary, "echoes"), "10");
  summary.counts.late = 3;
  summary.counts.skipped = 4;
  summary.counts.lost = 5;
  summary.due = 22;
  EXPECT_EQ(value_of(summary, "echoes"), "10 of 22 that were due; 3 late, 4 skipped, 5 lost");
}

TEST(Figures, GiveThePercentilesOfTheLatency) {
  LoadSummary summary;
  EXPECT_EQ(value_of(summary, "latency"), "no echo came back in the measured time");
  for (int i = 1; i <= 1000; ++i) summary.latency.record(std::chrono::nanoseconds(i));
  EXPECT_EQ(value_of(summary, "latency"), "p50 500 ns, p90 900 ns, p99 990 ns, p99.9 999 ns, max 1.00 µs");
}

TEST(Figures, TellThatTheRunWasInterrupted) {
  LoadSummary summary;
  summary.seconds = 3;
  EXPECT_EQ(value_of(summary, "measured"), "3.00 s, with 1 thread");
  summary.interrupted = true;
  summary.threads = 2;
  EXPECT_EQ(value_of(summary, "measured"), "3.00 s, with 2 threads, interrupted");
}

TEST(Figures, ArePrintable) {
  LoadSummary summary;
  summary.target = "a\n\xff";
  summary.address = "\x1b[1m";
  EXPECT_EQ(value_of(summary, "target"), "a\\n\\xff (\\x1b[1m)");
}

TEST(Verdict, IsOkWhenEveryByteCameBack) {
  LoadSummary summary;
  summary.has_echoed = true;
  EXPECT_EQ(verdict(summary), "ok: every byte came back");
}

TEST(Verdict, DoesNotVouchForWhatWasNotTried) {
  LoadSummary summary;
  summary.has_echoed = true;
  summary.counts.skipped = 1;
  summary.counts.without_fin = 2;
  summary.held_back = 3;
  EXPECT_EQ(
      verdict(summary),
      "ok: every byte came back; 1 message skipped, never sent; 2 connections not checked beyond that, for "
      "the server's FIN did not come; 3 connections not made yet, for --connect-rate");
}

TEST(Verdict, NamesEverythingThatFailed) {
  LoadSummary summary;
  summary.counts.refused = 3;
  summary.counts.faults.wrong = 1;
  summary.counts.faults.missing = 12;
  summary.own_limits_failed = 2;
  summary.never_made = 1;
  EXPECT_EQ(
      verdict(summary),
      "FAILED: 3 refused, 1 byte wrong, 12 bytes missing, 2 connections not tried for a limit of our own, "
      "1 connection never made, no message came back at all");
}

TEST(Failures, AreEmptyWhenThereAreNone) { EXPECT_EQ(failures_in_words(LoadCounts()), ""); }

}  // namespace
}  // namespace tcp_echo
