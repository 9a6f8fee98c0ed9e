#include "tcp_echo/load/interval_gatherer.hpp"

#include <algorithm>

namespace tcp_echo {

void IntervalGatherer::add(unsigned thread, Stretch stretch) {
  heard_[thread] = Place(stretch.stage(), stretch.last);
  put(std::move(stretch));
  while (!waiting_.empty() && is_complete(waiting_.front())) {
    auto& next = waiting_.front();
    open_ += next.opened;
    next.whole.open = static_cast<std::uint64_t>(open_);
    on_complete_(next.whole);
    waiting_.pop_front();
  }
  shorten(waiting_, kMostWaiting);
}

/// Where it belongs, together with all that it overlaps.
void IntervalGatherer::put(Stretch stretch) {
  const auto is_before = [&stretch](const Stretch& waiting) {
    return Place(waiting.stage(), waiting.last) < Place(stretch.stage(), stretch.first);
  };
  auto place = std::find_if_not(waiting_.begin(), waiting_.end(), is_before);
  if (place == waiting_.end() || !place->overlaps(stretch)) {
    waiting_.insert(place, std::move(stretch));
    return;
  }
  place->add(stretch);
  auto next = place + 1;
  for (; next != waiting_.end() && next->overlaps(*place); ++next) place->add(*next);
  waiting_.erase(place + 1, next);
}

bool IntervalGatherer::is_complete(const Stretch& stretch) const {
  return std::all_of(heard_.begin(), heard_.end(), [&](const auto& heard) {
    return heard && *heard >= Place(stretch.stage(), stretch.last);
  });
}

}  // namespace tcp_echo
