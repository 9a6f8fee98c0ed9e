// The polls of descriptors that come and go in great numbers: http://docs.libuv.org/en/v1.x/poll.html
//
// A uv_poll_t belongs to the number of a descriptor. It stays, stopped, when that descriptor is closed, and
// serves the next one of the same number. A new one would cost three system calls: libuv has the kernel try
// whether the descriptor can be polled, and makes it non-blocking.
//
// Part of a Loop, and used through EmbeddedPoll.
#pragma once

#include <uv.h>

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace tcp_echo {

/// uv_poll_start(), at once. libuv by itself registers the descriptor in its next turn, and aborts the
/// process if the kernel has no room then (ENOSPC, ENOMEM; epoll_ctl(2)). Returns its error number; the poll
/// has stopped if it is not 0.
int start_poll(uv_poll_t& poll, int events, uv_poll_cb on_ready) noexcept;

class DescriptorPolls {
 public:
  using OnClosed = void (*)(void* owner) noexcept;

  struct Entry {
    uv_poll_t raw{};  ///< its `data` is the owner; its `loop` is null until libuv knows it
    Entry* next_closing = nullptr;
    OnClosed on_closed = nullptr;
  };

  explicit DescriptorPolls(uv_loop_t& loop) noexcept : loop_(loop) {}
  DescriptorPolls(const DescriptorPolls&) = delete;
  DescriptorPolls& operator=(const DescriptorPolls&) = delete;

  /// The poll of this descriptor, which must have no other one: a socket that does not block. nullptr if the
  /// kernel or libuv refuses, and `status` is libuv's error number.
  Entry* take(int fd, int& status) noexcept;

  /// No more events; the owner is told at the end of this turn of the loop, and may close the descriptor
  /// then.
  void close(Entry& entry, OnClosed on_closed) noexcept;

  /// For the end of the loop: libuv forgets all of them in its next turn. Each must have been closed.
  void forget_all() noexcept;

 private:
  static constexpr std::size_t kPerBlock = 64;
  using Block = std::array<Entry, kPerBlock>;

  Entry& entry_of(int fd);
  void tell_closed() noexcept;

  uv_loop_t& loop_;
  std::vector<std::unique_ptr<Block>> blocks_;  ///< by descriptor; null where there has been none yet
  Entry* closing_ = nullptr;                    ///< a list
  uv_idle_t end_of_turn_{};                     ///< never runs: libuv calls back when it has closed
};

}  // namespace tcp_echo
