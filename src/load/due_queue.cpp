#include "tcp_echo/load/due_queue.hpp"

#include <utility>

namespace tcp_echo {

DueQueue::DueQueue(Loop& loop) : alarm_(loop, [this] { on_alarm(); }) {}

void DueQueue::schedule(Due& entry, Time time) {
  if (entry.is_scheduled() && entry.due_ == time) return;
  cancel(entry);
  entry.due_ = time;
  heap_.push_back(&entry);
  settle(heap_.size() - 1);
  if (!is_running_) arm();
}

void DueQueue::cancel(Due& entry) noexcept {
  if (!entry.is_scheduled()) return;
  const auto place = std::exchange(entry.place_, Due::kNowhere);
  if ((place & Due::kInTurn) != 0)
    in_turn_[place & ~Due::kInTurn] = nullptr;
  else
    take_from_heap(place);
}

void DueQueue::take_from_heap(std::size_t place) noexcept {
  auto* const last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) return;
  put(place, last);
  settle(place);
}

/// The entries which are due now, and each of them once: one that is late again gets another turn after the
/// loop has seen to its descriptors.
void DueQueue::on_alarm() {
  armed_ = Time::max();
  is_running_ = true;
  const auto now = std::chrono::steady_clock::now();
  while (!heap_.empty() && heap_.front()->due_ <= now) {
    auto* const entry = heap_.front();
    take_from_heap(0);
    entry->place_ = in_turn_.size() | Due::kInTurn;
    in_turn_.push_back(entry);
  }
  for (auto* const entry : in_turn_) {
    if (entry == nullptr) continue;
    entry->place_ = Due::kNowhere;
    entry->on_due(now);
  }
  in_turn_.clear();
  is_running_ = false;
  arm();
}

/// Never later than the first is due. It may ring for one that was cancelled: that costs one turn of the
/// loop.
void DueQueue::arm() noexcept {
  if (heap_.empty() || heap_.front()->due_ >= armed_) return;
  armed_ = heap_.front()->due_;
  alarm_.set(armed_);
}

void DueQueue::put(std::size_t place, Due* entry) noexcept {
  heap_[place] = entry;
  entry->place_ = place;
}

/// Moves the entry up or down to where it belongs.
void DueQueue::settle(std::size_t place) noexcept {
  auto* const entry = heap_[place];
  while (place > 0 && entry->due_ < heap_[(place - 1) / 2]->due_) {
    put(place, heap_[(place - 1) / 2]);
    place = (place - 1) / 2;
  }
  for (;;) {
    auto child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->due_ < heap_[child]->due_) ++child;
    if (heap_[child]->due_ >= entry->due_) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, entry);
}

}  // namespace tcp_echo
