#include "vitals.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tcp_echo {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr std::int64_t kPermille = 1000;

/// Those errors for which accepting pauses.
constexpr std::array kPauses = {AcceptError::kOther, AcceptError::kMemory, AcceptError::kDescriptors,
                                AcceptError::kConnections};

std::uint64_t figure(std::int64_t value) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
}

}  // namespace

Vitals::Vitals(WorkerCounters& counters, nanoseconds now)
    : counters_(counters), measured_at_(now), busy_before_(busy_time()) {}

void Vitals::look(nanoseconds now, nanoseconds due) noexcept {
  counters_.lag_microseconds.set(figure(std::chrono::duration_cast<microseconds>(now - due).count()));
  if (now - measured_at_ < kShortest) return;
  const auto so_far = busy_time();
  measure(now - measured_at_, so_far - busy_before_);
  measured_at_ = now;
  busy_before_ = so_far;
}

nanoseconds Vitals::busy_time() const noexcept {
  const auto time = processor_.read();
  return time.used + time.waited;
}

std::optional<LimitMessage> Vitals::limit_to_tell(nanoseconds now) noexcept {
  if (told_at_ && now - *told_at_ < kTellAtMostEvery) return std::nullopt;
  std::optional<LimitMessage> limit;
  for (const auto error : kPauses) {
    const auto index = static_cast<std::size_t>(error);
    const auto pauses = counters_.errors_for(error).get();
    if (pauses != std::exchange(pauses_told_.at(index), pauses))
      limit = LimitMessage{static_cast<std::uint8_t>(error), counters_.active()};
  }
  if (limit) told_at_ = now;
  return limit;
}

/// The scheduler's figures lag behind the clock by a tick at most, so that more may seem to be done than
/// there was time for.
void Vitals::measure(nanoseconds elapsed, nanoseconds busy) noexcept {
  busy = std::clamp(busy, nanoseconds(0), elapsed);
  counters_.watched_nanoseconds.add(figure(elapsed.count()));
  counters_.busy_nanoseconds.add(figure(busy.count()));
  counters_.busy_permille.set(figure(kPermille * busy.count() / elapsed.count()));
}

}  // namespace tcp_echo
