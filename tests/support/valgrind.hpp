// Whether this process runs under Valgrind, which has its own allocator and its own limit on open files.
#pragma once

#include <cstdlib>
#include <string_view>

namespace tcp_echo::test {

inline bool runs_under_valgrind() {
  const char* const preloaded = std::getenv("LD_PRELOAD");
  return preloaded != nullptr && std::string_view(preloaded).find("vgpreload") != std::string_view::npos;
}

}  // namespace tcp_echo::test
