#include "tcp_echo/status/history.hpp"

#include <chrono>

#include "sample.hpp"

namespace tcp_echo {
namespace {

constexpr std::chrono::milliseconds kSampleEvery{1000};

}  // namespace

void History::begin() {
  if (!next_sample_.is_running()) next_sample_.start(std::chrono::milliseconds::zero());
}

void History::go_on() { next_sample_.start(kSampleEvery); }

void History::take_sample() {
  const auto now = clock_.now();
  scoreboard_.master().samples.push(sample_of(read_status(scoreboard_, now), now));
  next_sample_.start(kSampleEvery);
}

}  // namespace tcp_echo
