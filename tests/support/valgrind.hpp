// Whether this process runs under Valgrind, which has its own allocator and its own limit on open files.
#pragma once

#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace tcp_echo::test {

inline bool runs_under_valgrind() {
  const char* const preloaded = std::getenv("LD_PRELOAD");
  return preloaded != nullptr && std::string_view(preloaded).find("vgpreload") != std::string_view::npos;
}

/// For a thread that looks at what another one does, again and again. Valgrind lets one run at a time, and
/// one that only yields goes on itself most of the time.
inline void let_others_run() {
  if (runs_under_valgrind())
    std::this_thread::sleep_for(std::chrono::microseconds(10));
  else
    std::this_thread::yield();
}

}  // namespace tcp_echo::test
