// A kernel that has no room for one more polled descriptor: fs.epoll.max_user_watches is reached, epoll(7).
#pragma once

#include <atomic>

namespace tcp_echo::test {

/// What epoll_ctl of this program looks at, libuv's calls too: it is in tests/loop/poll_test.cpp.
inline std::atomic<bool> epoll_is_full = false;

/// While it lives, no descriptor can be added.
struct FullEpoll {
  FullEpoll() { epoll_is_full = true; }
  FullEpoll(const FullEpoll&) = delete;
  FullEpoll& operator=(const FullEpoll&) = delete;
  ~FullEpoll() { epoll_is_full = false; }
};

}  // namespace tcp_echo::test
