#include "tcp_echo/load/due_messages.hpp"

namespace tcp_echo {

void DueMessages::begin(const Schedule& schedule) noexcept {
  if (schedule_) return;
  schedule_ = schedule;
  move_to(0);
}

void DueMessages::end(Time time) noexcept {
  if (!schedule_) return;
  end_ = std::max(schedule_->due_before(time), number_);
  move_to(number_);
}

std::uint64_t DueMessages::due_since(Time begin) const noexcept {
  if (!schedule_ || begin == Time::max()) return 0;
  return end_ - std::min(schedule_->due_before(begin), end_);
}

void DueMessages::move_to(std::uint64_t number) noexcept {
  number_ = number;
  next_ = number < end_ ? schedule_->time_of(number) : Time::max();
}

}  // namespace tcp_echo
