#include "tcp_echo/loop/descriptor_polls.hpp"

#include <sys/epoll.h>

#include <cassert>
#include <cerrno>
#include <new>
#include <utility>

namespace tcp_echo {

int start_poll(uv_poll_t& poll, int events, uv_poll_cb on_ready) noexcept {
  uv_os_fd_t fd = -1;
  uv_fileno(reinterpret_cast<const uv_handle_t*>(&poll), &fd);
  if (const int status = uv_poll_start(&poll, events, on_ready); status != 0) return status;
  epoll_event nothing{};
  nothing.data.fd = fd;
  if (::epoll_ctl(uv_backend_fd(poll.loop), EPOLL_CTL_ADD, fd, &nothing) != 0 && errno != EEXIST) {
    const int status = -errno;
    uv_poll_stop(&poll);
    return status;
  }
  // libuv is to change what is registered when its turn comes, and not to find out by an EEXIST that it has
  // to: that would be one more system call for each connection. It does so where this field is not 0; these
  // two are what the kernel tells in any case.
  poll.io_watcher.events = EPOLLERR | EPOLLHUP;
  return 0;
}

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
    // An owner that is told may close its descriptor, and get another one of that number before the next
    // owner is told.
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
