#include "tcp_echo/load/mailbox.hpp"

namespace tcp_echo {

void Mailbox::post(LoadMessage message) {
  auto& box = boxes_[message.thread];
  {
    const std::lock_guard lock(box.mutex);
    box.stretches.push_back(std::move(message.stretch));
    box.result = std::move(message.result);
    shorten(box.stretches, kMostWaiting);
  }
  waker_.wake();
}

void Mailbox::deliver() {
  for (unsigned thread = 0; thread < boxes_.size(); ++thread) {
    std::deque<Stretch> stretches;
    std::optional<LoadThreadResult> result;
    {
      auto& box = boxes_[thread];
      const std::lock_guard lock(box.mutex);
      stretches.swap(box.stretches);
      result.swap(box.result);
    }
    for (; !stretches.empty(); stretches.pop_front()) {
      const bool is_last = stretches.size() == 1;
      on_message_({thread, std::move(stretches.front()),
                   is_last ? std::exchange(result, std::nullopt) : std::nullopt});
    }
  }
}

}  // namespace tcp_echo
