#include "tcp_echo/load/histogram.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

Histogram histogram_of(std::initializer_list<nanoseconds> values) {
  Histogram histogram;
  for (const auto value : values) histogram.record(value);
  return histogram;
}

/// 1 to `count` microseconds, one of each.
Histogram one_of_each(int count) {
  Histogram histogram;
  for (int i = 1; i <= count; ++i) histogram.record(std::chrono::microseconds(i));
  return histogram;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(Histogram, IsZeroInEveryRespectWhileItIsEmpty) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0U);
  EXPECT_EQ(empty.min(), 0ns);
  EXPECT_EQ(empty.max(), 0ns);
  EXPECT_EQ(empty.mean(), 0);
  EXPECT_EQ(empty.deviation(), 0);
  EXPECT_EQ(empty.percentile(50), 0ns);
  EXPECT_EQ(empty.percentile(100), 0ns);
  EXPECT_TRUE(empty.steps().empty());
}

TEST(Histogram, TellsNanosecondsApartUpTo2047) {
  const auto histogram = histogram_of({0ns, 1ns, 2046ns, 2047ns});
  EXPECT_EQ(histogram.percentile(25), 0ns);
  EXPECT_EQ(histogram.percentile(50), 1ns);
  EXPECT_EQ(histogram.percentile(75), 2046ns);
  EXPECT_EQ(histogram.percentile(100), 2047ns);
}

TEST(Histogram, IsNeverMoreThanA1024thTooHigh) {
  // Around every power of two, where the counters become wider.
  for (int bit = 0; bit < 42; ++bit) {
    for (const std::int64_t beside : {-1, 0, 1}) {
      const nanoseconds value{(std::int64_t{1} << bit) + beside};
      Histogram histogram;
      histogram.record(value, 3);
      histogram.record(Histogram::longest());
      const auto found = histogram.percentile(50);
      EXPECT_GE(found, value);
      EXPECT_LE(found, value + value / 1024);
    }
  }
}

TEST(Histogram, KeepsTheOrderOfValues) {
  for (nanoseconds value = 1ns; value < Histogram::longest(); value += value / 3 + 1ns) {
    Histogram histogram;
    histogram.record(value);
    histogram.record(value + value / 500 + 1ns);
    EXPECT_LT(histogram.percentile(50), histogram.percentile(100)) << value.count();
  }
}

TEST(Histogram, TakesNegativeValuesForZero) {
  const auto histogram = histogram_of({-5ns, nanoseconds::min()});
  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_EQ(histogram.min(), 0ns);
  EXPECT_EQ(histogram.max(), 0ns);
}

TEST(Histogram, TakesWhatIsTooLongForTheLongest) {
  const auto histogram = histogram_of({nanoseconds::max()});
  EXPECT_EQ(histogram.max(), Histogram::longest());
  EXPECT_EQ(histogram.percentile(50), Histogram::longest());
}

TEST(Histogram, ReachesBeyondAnHour) {
  EXPECT_GT(Histogram::longest(), 73min);
  EXPECT_LT(Histogram::longest(), 74min);
}

TEST(Histogram, KnowsItsSmallestAndLargestValueExactly) {
  const auto histogram = histogram_of({1'234'567'891ns, 7'654'321ns, 500'000'001ns});
  EXPECT_EQ(histogram.min(), 7'654'321ns);
  EXPECT_EQ(histogram.max(), 1'234'567'891ns);
  EXPECT_EQ(histogram.percentile(100), 1'234'567'891ns);
}

TEST(Histogram, GivesNoPercentileAboveItsLargestValue) {
  const auto histogram = histogram_of({1'000'000'000ns});
  EXPECT_EQ(histogram.percentile(50), 1'000'000'000ns);
}

TEST(Histogram, CountsTheValuesThatDoNotExceedAPercentile) {
  Histogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.record(nanoseconds(i));
  EXPECT_EQ(histogram.percentile(0), 1ns);
  EXPECT_EQ(histogram.percentile(50), 500ns);
  EXPECT_EQ(histogram.percentile(90), 900ns);
  EXPECT_EQ(histogram.percentile(99), 990ns);
  EXPECT_EQ(histogram.percentile(99.9), 999ns);
  EXPECT_EQ(histogram.percentile(99.91), 1000ns);
}

TEST(Histogram, TakesPercentilesOutOfRangeForTheNearest) {
  const auto histogram = histogram_of({1ns, 2ns});
  EXPECT_EQ(histogram.percentile(-1), 1ns);
  EXPECT_EQ(histogram.percentile(101), 2ns);
}

TEST(Histogram, CountsAValueAsOftenAsItIsTold) {
  Histogram histogram;
  histogram.record(5ns, 99);
  histogram.record(9ns, 1);
  EXPECT_EQ(histogram.count(), 100U);
  EXPECT_EQ(histogram.percentile(99), 5ns);
  EXPECT_DOUBLE_EQ(histogram.mean(), 5.04);
}

TEST(Histogram, IsNotChangedByAValueThatCameZeroTimes) {
  auto histogram = histogram_of({5ns});
  histogram.record(1ns, 0);
  histogram.record(9ns, 0);
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_EQ(histogram.min(), 5ns);
  EXPECT_EQ(histogram.max(), 5ns);
}

TEST(Histogram, HasMeanAndDeviationOfAllValues) {
  const auto histogram = histogram_of({2ns, 4ns, 4ns, 4ns, 5ns, 5ns, 7ns, 9ns});
  EXPECT_DOUBLE_EQ(histogram.mean(), 5);
  EXPECT_DOUBLE_EQ(histogram.deviation(), 2);
}

TEST(Histogram, HasNoDeviationWithOneValue) {
  const auto histogram = histogram_of({1'234'567'891ns, 1'234'567'891ns});
  EXPECT_DOUBLE_EQ(histogram.mean(), 1'234'567'891);
  EXPECT_EQ(histogram.deviation(), 0);
}

TEST(Histogram, AddsAnotherAsIfItsValuesHadBeenRecordedHere) {
  auto sum = histogram_of({10ns, 20ns});
  sum.add(histogram_of({5ns, 3s}));
  const auto whole = histogram_of({10ns, 20ns, 5ns, 3s});
  EXPECT_EQ(sum.count(), 4U);
  EXPECT_EQ(sum.min(), 5ns);
  EXPECT_EQ(sum.max(), 3s);
  EXPECT_EQ(sum.text(), whole.text());
}

TEST(Histogram, KeepsItsSmallestValueWhenAnEmptyOneIsAdded) {
  auto histogram = histogram_of({10ns});
  histogram.add(Histogram());
  EXPECT_EQ(histogram.min(), 10ns);
  EXPECT_EQ(histogram.count(), 1U);
}

TEST(HistogramSteps, HalveTheDistanceInSoManySteps) {
  std::vector<double> levels;
  for (const auto& step : one_of_each(1000).steps(2)) {
    if (levels.size() < 7) levels.push_back(step.percent);
  }
  EXPECT_THAT(levels, ElementsAre(0, 25, 50, 62.5, 75, 81.25, 87.5));
}

TEST(HistogramSteps, EndAtAHundredWithAllValues) {
  const auto steps = one_of_each(1000).steps();
  EXPECT_EQ(steps.back().percent, 100);
  EXPECT_EQ(steps.back().value, 1ms);
  EXPECT_EQ(steps.back().total, 1000U);
}

TEST(HistogramSteps, NeverFall) {
  const auto steps = one_of_each(5000).steps();
  for (std::size_t i = 1; i < steps.size(); ++i) {
    EXPECT_GT(steps[i].percent, steps[i - 1].percent);
    EXPECT_GE(steps[i].value, steps[i - 1].value);
    EXPECT_GE(steps[i].total, steps[i - 1].total);
  }
}

TEST(HistogramSteps, AreTwoForOneValue) {
  const auto steps = histogram_of({7ns}).steps();
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].percent, 0);
  EXPECT_EQ(steps[1].percent, 100);
}

TEST(HistogramSteps, ComeToAnEndWithMoreValuesThanADoubleCanTell) {
  Histogram histogram;
  histogram.record(1ns, std::uint64_t{1} << 62U);
  histogram.record(2ns);
  const auto steps = histogram.steps();
  EXPECT_LT(steps.size(), 300U);
  EXPECT_EQ(steps.back().percent, 100);
}

TEST(HistogramText, IsWhatHdrHistogramPrints) {
  EXPECT_EQ(histogram_of({1ms, 1ms, 1ms, 2ms}).text(),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "    1.000447 0.000000000000          3           1.00\n"
            "    1.000447 0.100000000000          3           1.11\n"
            "    1.000447 0.200000000000          3           1.25\n"
            "    1.000447 0.300000000000          3           1.43\n"
            "    1.000447 0.400000000000          3           1.67\n"
            "    1.000447 0.500000000000          3           2.00\n"
            "    1.000447 0.550000000000          3           2.22\n"
            "    1.000447 0.600000000000          3           2.50\n"
            "    1.000447 0.650000000000          3           2.86\n"
            "    1.000447 0.700000000000          3           3.33\n"
            "    1.000447 0.750000000000          3           4.00\n"
            "    2.000000 0.775000000000          4           4.44\n"
            "    2.000000 1.000000000000          4\n"
            "#[Mean    =        1.250, StdDeviation   =        0.433]\n"
            "#[Max     =        2.000, Total count    =            4]\n"
            "#[Buckets =           32, SubBuckets     =         2048]\n");
}

TEST(HistogramText, HasHeaderAndFooterWithoutValues) {
  const auto lines = lines_of(Histogram().text());
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_THAT(lines[0], StartsWith("       Value     Percentile"));
  EXPECT_THAT(lines[3], HasSubstr("Total count    =            0]"));
}

TEST(HistogramText, LeavesOutTheLastColumnAtAHundredPercent) {
  const auto lines = lines_of(one_of_each(100'000).text());
  EXPECT_THAT(lines[lines.size() - 4], EndsWith(" 1.000000000000     100000"));
}

TEST(Histogram, CopyOfAnEmptyOneWorksAsAnyOther) {
  const Histogram empty;
  Histogram copy(empty);
  EXPECT_EQ(copy.count(), 0U);
  EXPECT_EQ(copy.percentile(99).count(), 0);
  EXPECT_EQ(copy.mean(), 0);
  EXPECT_EQ(copy.text(), empty.text());
  copy.record(std::chrono::nanoseconds(5));
  Histogram sum = empty;
  sum.add(copy);
  EXPECT_EQ(Histogram(sum).count(), 1U);
  EXPECT_EQ(Histogram(sum).max().count(), 5);
}

}  // namespace
}  // namespace tcp_echo
