#include "tcp_echo/loop/descriptor_polls.hpp"

#include <cassert>
#include <new>
#include <utility>

namespace tcp_echo {

DescriptorPolls::Entry* DescriptorPolls::take(int fd, int& status) noexcept {
  try {
    auto& entry = entry_of(fd);
    status = entry.raw.loop == nullptr ? uv_poll_init(&loop_, &entry.raw, fd) : 0;
    return status == 0 ? &entry : nullptr;
  } catch (const std::bad_alloc&) {
    status = UV_ENOMEM;
    return nullptr;
  }
}

DescriptorPolls::Entry& DescriptorPolls::entry_of(int fd) {
  const auto number = static_cast<std::size_t>(fd);
  const auto index = number / kPerBlock;
  if (index >= blocks_.size()) blocks_.resize(index + 1);
  if (blocks_[index] == nullptr) blocks_[index] = std::make_unique<Block>();
  return (*blocks_[index])[number % kPerBlock];
}

void DescriptorPolls::close(Entry& entry, OnClosed on_closed) noexcept {
  uv_poll_stop(&entry.raw);
  entry.on_closed = on_closed;
  entry.next_closing = std::exchange(closing_, &entry);
  if (entry.next_closing != nullptr) return;  // libuv has been asked already
  uv_idle_init(&loop_, &end_of_turn_);
  end_of_turn_.data = this;
  uv_close(reinterpret_cast<uv_handle_t*>(&end_of_turn_),
           [](uv_handle_t* raw) noexcept { static_cast<DescriptorPolls*>(raw->data)->tell_closed(); });
}

void DescriptorPolls::tell_closed() noexcept {
  for (auto* entry = std::exchange(closing_, nullptr); entry != nullptr;) {
    // Whoever is told may close its descriptor, and have another one of that number before the next is told.
    auto& told = *std::exchange(entry, entry->next_closing);
    told.on_closed(told.raw.data);
  }
}

void DescriptorPolls::forget_all() noexcept {
  for (const auto& block : blocks_) {
    if (block == nullptr) continue;
    for (auto& entry : *block) {
      auto* const handle = reinterpret_cast<uv_handle_t*>(&entry.raw);
      if (entry.raw.loop == nullptr) continue;
      assert(uv_is_active(handle) == 0 && "a descriptor is still polled");
      uv_close(handle, nullptr);
    }
  }
}

}  // namespace tcp_echo
