#include "tcp_echo/load/stretch.hpp"

#include <algorithm>
#include <iterator>

namespace tcp_echo {
namespace {

void join_within_blocks(std::deque<Stretch>& stretches, std::uint64_t block) {
  auto kept = stretches.begin();
  for (auto next = std::next(kept); next != stretches.end(); ++next) {
    if (next->stage() == kept->stage() && next->last / block == kept->first / block)
      kept->add(*next);
    else if (++kept != next)
      *kept = std::move(*next);
  }
  stretches.erase(std::next(kept), stretches.end());
}

}  // namespace

bool Stretch::overlaps(const Stretch& other) const noexcept {
  return stage() == other.stage() && first <= other.last && other.first <= last;
}

void Stretch::add(const Stretch& other) noexcept {
  first = std::min(first, other.first);
  last = std::max(last, other.last);
  whole.begin = std::min(whole.begin, other.whole.begin);
  whole.end = std::max(whole.end, other.whole.end);
  whole.counts += other.whole.counts;
  whole.latency.add(other.whole.latency);
  opened += other.opened;
}

void shorten(std::deque<Stretch>& stretches, std::size_t most) {
  const auto reaches = [&](std::uint64_t number) {
    return std::any_of(stretches.begin(), stretches.end(),
                       [number](const Stretch& stretch) { return stretch.last >= number; });
  };
  for (std::uint64_t block = 2; stretches.size() > most && reaches(block / 2); block *= 2)
    join_within_blocks(stretches, block);
}

}  // namespace tcp_echo
