#include "emptiers.hpp"

namespace tcp_echo {

void Emptiers::assign(std::size_t slot, std::size_t emptier) {
  if (const auto queue = queues_.find(slot); queue != queues_.end()) queue->second = emptier;
}

void Emptiers::release(std::size_t slot, std::size_t emptier) {
  const auto queue = queues_.find(slot);
  if (queue != queues_.end() && queue->second == emptier) queue->second.reset();
}

void Emptiers::on_emptied(std::size_t emptier) {
  std::erase_if(queues_, [emptier](const auto& queue) { return queue.second == emptier; });
}

void Emptiers::on_gone(std::size_t emptier) {
  for (auto& [slot, holder] : queues_) {
    if (holder == emptier) holder.reset();
  }
}

std::vector<std::size_t> Emptiers::unassigned() const {
  std::vector<std::size_t> slots;
  for (const auto& [slot, holder] : queues_) {
    if (!holder) slots.push_back(slot);
  }
  return slots;
}

}  // namespace tcp_echo
