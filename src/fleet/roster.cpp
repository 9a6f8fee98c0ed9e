#include "roster.hpp"

#include <algorithm>

namespace tcp_echo {

std::size_t Roster::ready_count() const noexcept {
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(),
                                                [](const auto& slot) { return slot->serving() != nullptr; }));
}

std::optional<std::size_t> Roster::first_serving() const noexcept {
  const auto found =
      std::find_if(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->serving() != nullptr; });
  if (found == slots_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - slots_.begin());
}

Child* Roster::tell_a_serving_worker(const ToWorker& message, std::span<const int> descriptors) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto* const worker = slots_[++told_last_ % slots_.size()]->serving();
    if (worker != nullptr && worker->try_tell(message, descriptors)) return worker;
  }
  return nullptr;
}

}  // namespace tcp_echo
