#include "sample.hpp"

#include <algorithm>
#include <cmath>

namespace tcp_echo {

Sample sample_of(const ServiceStatus& status, std::chrono::milliseconds now) {
  constexpr double kPermille = 1000;
  const auto& totals = status.totals;
  Sample sample{.at = now.count(),
                .received_bytes = totals.received_bytes,
                .sent_bytes = totals.sent_bytes,
                .accepted = totals.accepted,
                .active = totals.active()};
  const auto busiest =
      std::max_element(status.slots.begin(), status.slots.end(),
                       [](const auto& one, const auto& other) { return one.busy_ratio < other.busy_ratio; });
  if (busiest != status.slots.end()) {
    sample.busiest_permille =
        static_cast<std::uint32_t>(std::lround(std::min(busiest->busy_ratio, 1.0) * kPermille));
    sample.busiest_slot = busiest->slot;
  }
  return sample;
}

}  // namespace tcp_echo
