#include "tcp_echo/load/stream_check.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <string_view>

#include "support/valgrind.hpp"

namespace tcp_echo {
namespace {

constexpr std::uint64_t kStart = 1'000'000;

/// A stream of random bytes, sent as a whole; what comes back is the test's.
class StreamOf {
 public:
  explicit StreamOf(std::size_t size, const Pattern& pattern = random_pattern()) : check_(pattern, kStart) {
    check_.sent(size);
    const auto bytes = pattern.at(kStart, size);
    text_.reserve(size);
    for (const auto byte : bytes) text_ += static_cast<char>(byte);
  }

  const std::string& text() const { return text_; }
  StreamCheck& check() { return check_; }

  void receive(std::string_view bytes) { check_.received(std::as_bytes(std::span(bytes))); }

  /// What is found wrong with this answer, in whatever pieces it comes.
  StreamFaults faults_of(std::string_view answer, std::size_t piece = std::string::npos) {
    for (; !answer.empty(); answer.remove_prefix(std::min(piece, answer.size())))
      receive(answer.substr(0, piece));
    check_.finish();
    return check_.faults();
  }

 private:
  static const Pattern& random_pattern() {
    static const Pattern pattern;
    return pattern;
  }

  StreamCheck check_;
  std::string text_;
};

/// Pieces that what comes back may arrive in.
class StreamCheckOf : public testing::TestWithParam<std::size_t> {
 protected:
  static StreamFaults faults_of(StreamOf stream, const std::string& answer) {
    return stream.faults_of(answer, GetParam());
  }
};

INSTANTIATE_TEST_SUITE_P(Pieces, StreamCheckOf, testing::Values(1, 7, 64, 1000, 100'000));

TEST_P(StreamCheckOf, FindsNothingInATrueEcho) {
  const StreamOf stream(5000);
  EXPECT_EQ(faults_of(stream, stream.text()), (StreamFaults{}));
}

TEST_P(StreamCheckOf, CountsAChangedByte) {
  for (const std::size_t at : {0U, 1U, 2500U, 4984U, 4998U, 4999U}) {
    const StreamOf stream(5000);
    auto answer = stream.text();
    answer[at] = static_cast<char>(answer[at] ^ 1);
    EXPECT_EQ(faults_of(stream, answer), (StreamFaults{.wrong = 1})) << at;
  }
}

TEST_P(StreamCheckOf, CountsEachOfManyChangedBytes) {
  const StreamOf stream(5000);
  auto answer = stream.text();
  for (std::size_t at = 100; at < 4900; at += 50) answer[at] = static_cast<char>(answer[at] ^ 0x80);
  EXPECT_EQ(faults_of(stream, answer), (StreamFaults{.wrong = 96}));
}

TEST_P(StreamCheckOf, CountsAZeroedStretch) {
  const StreamOf stream(5000);
  auto answer = stream.text();
  std::uint64_t changed = 0;
  for (std::size_t at = 1000; at < 3000; ++at) {
    if (answer[at] != 0) ++changed;
    answer[at] = 0;
  }
  EXPECT_EQ(faults_of(stream, answer), (StreamFaults{.wrong = changed}));
}

TEST_P(StreamCheckOf, CountsBytesLeftOut) {
  for (const std::size_t at : {0U, 2500U, 4900U}) {
    for (const std::size_t size : {1U, 64U}) {
      const StreamOf stream(5000);
      auto answer = stream.text();
      answer.erase(at, size);
      EXPECT_EQ(faults_of(stream, answer), (StreamFaults{.missing = size})) << at << ", " << size;
    }
  }
}

TEST_P(StreamCheckOf, CountsBytesPutIn) {
  for (const std::size_t at : {0U, 2500U, 4900U}) {
    const StreamOf stream(5000);
    auto answer = stream.text();
    answer.insert(at, "xyz");
    EXPECT_EQ(faults_of(stream, answer), (StreamFaults{.extra = 3})) << at;
  }
}

TEST_P(StreamCheckOf, CountsBytesPutInBehindTheLast) {
  const StreamOf stream(5000);
  EXPECT_EQ(faults_of(stream, stream.text() + "xyz"), (StreamFaults{.extra = 3}));
}

TEST_P(StreamCheckOf, CountsARepeatedMessage) {
  for (const std::size_t at : {64U, 2048U, 5000U}) {
    const StreamOf stream(5000);
    auto answer = stream.text();
    answer.insert(at, answer.substr(at - 64, 64));
    EXPECT_EQ(faults_of(stream, answer), (StreamFaults{.extra = 64})) << at;
  }
}

TEST_P(StreamCheckOf, CountsWhatNeverCame) {
  const StreamOf stream(5000);
  EXPECT_EQ(faults_of(stream, stream.text().substr(0, 4000)), (StreamFaults{.missing = 1000}));
}

TEST_P(StreamCheckOf, FindsTheWayBackAfterSeveralFaults) {
  const StreamOf stream(5000);
  auto answer = stream.text();
  answer.erase(4000, 10);
  answer[3000] = static_cast<char>(answer[3000] ^ 1);
  answer.insert(2000, answer.substr(1900, 100));
  answer.insert(1000, "?");
  EXPECT_EQ(faults_of(stream, answer), (StreamFaults{.wrong = 1, .missing = 10, .extra = 101}));
}

TEST_P(StreamCheckOf, CountsBytesOfAnotherStreamAsWrong) {
  const StreamOf stream(5000);
  const Pattern other("another connection's bytes, which are not ours. ");
  const auto strange = StreamOf(200, other).text();
  auto answer = stream.text();
  answer.replace(1000, strange.size(), strange);
  auto faults = faults_of(stream, answer);
  EXPECT_GT(faults.wrong, 190U) << "but those that are equal by chance";
  EXPECT_EQ(faults.missing + faults.extra, 0U);
}

TEST_P(StreamCheckOf, CountsInARepeatedText) {
  const Pattern pattern("hello\n");
  const StreamOf stream(600, pattern);
  auto changed = stream.text();
  changed[300] = '?';
  EXPECT_EQ(faults_of(stream, changed), (StreamFaults{.wrong = 1}));
  auto cut = stream.text();
  cut.erase(300, 2);
  EXPECT_EQ(faults_of(stream, cut), (StreamFaults{.missing = 2}));
  EXPECT_EQ(faults_of(stream, stream.text() + "hello\n"), (StreamFaults{.extra = 6}));
}

TEST(StreamCheck, TellsHowMuchIsUnderWay) {
  StreamOf stream(100);
  EXPECT_EQ(stream.check().outstanding(), 100U);
  stream.receive(stream.text().substr(0, 30));
  EXPECT_EQ(stream.check().outstanding(), 70U);
  EXPECT_EQ(stream.check().settled_bytes(), 30U);
  EXPECT_EQ(stream.check().sent_bytes(), 100U);
}

/// A client that waits for the echo of a short message must not wait for more bytes to compare.
TEST(StreamCheck, SettlesAChangedShortMessageAtOnce) {
  StreamOf stream(3);
  stream.receive("\x01\x02\x03");
  EXPECT_EQ(stream.check().outstanding(), 0U);
  EXPECT_EQ(stream.check().faults(), (StreamFaults{.wrong = 3}));
}

TEST(StreamCheck, BoundsWhatItKeepsOfNoise) {
  Pattern pattern;
  StreamCheck check(pattern, 0);
  const std::string noise(4096, 'x');
  constexpr std::size_t kTimes = 100;
  check.sent(2 * kTimes * noise.size());
  for (std::size_t i = 0; i < kTimes; ++i) check.received(std::as_bytes(std::span(noise)));
  EXPECT_GT(check.settled_bytes(), (kTimes - 17) * noise.size()) << "the rest may still be in doubt";
  check.finish();
  EXPECT_EQ(check.faults().missing, kTimes * noise.size());
  EXPECT_GT(check.faults().wrong, kTimes * noise.size() * 98 / 100) << "but those that are equal by chance";
}

double processor_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Far more than it takes, and far less than a search through everything for each byte.
const double kFewSeconds = test::runs_under_valgrind() ? 60 : 3;

/// 64 KB a time, as a connection reads them.
void receive(StreamCheck& check, std::string_view answer, std::size_t message) {
  check.sent(message);
  check.received(std::as_bytes(std::span(answer)));
}

/// Otherwise neither --duration nor a second Ctrl-C would be heard in time.
TEST(StreamCheck, TakesNoTimeOverAnAnswerInWhichNothingIsRight) {
  const Pattern pattern("hello, world\n");
  StreamCheck check(pattern, 0);
  const std::string noise(pattern.period() * 5000, '?');
  const auto begin = processor_seconds();
  for (int i = 0; i < 5; ++i) receive(check, noise, noise.size());
  EXPECT_LT(processor_seconds() - begin, kFewSeconds);
  EXPECT_EQ(check.faults(), (StreamFaults{.wrong = 5 * noise.size()}));
}

TEST(StreamCheck, TakesNoTimeOverALongTextInWhichEverythingIsInMostPlaces) {
  const std::string text = std::string(100'000, 'a') + 'b';
  const Pattern pattern(text);
  StreamCheck check(pattern, 0);
  auto answer = text;
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i + 1 < answer.size(); i += 20, ++wrong) answer[i] = '?';
  const auto begin = processor_seconds();
  receive(check, answer, text.size());
  check.finish();
  EXPECT_LT(processor_seconds() - begin, kFewSeconds);
  EXPECT_EQ(check.faults(), (StreamFaults{.wrong = wrong}));
}

TEST(StreamCheck, TakesNoTimeOverShortMessagesOfWhichNoneIsRight) {
  constexpr std::size_t kTimes = 10'000;
  const Pattern pattern;
  StreamCheck check(pattern, 0);
  const std::string noise(64, '\0');
  const auto begin = processor_seconds();
  for (std::size_t i = 0; i < kTimes; ++i) receive(check, noise, noise.size());
  EXPECT_LT(processor_seconds() - begin, kFewSeconds);
  EXPECT_GT(check.faults().wrong, kTimes * noise.size() * 98 / 100);
}

}  // namespace
}  // namespace tcp_echo
