// Prints what an idle connection costs a worker in user-space memory, at growing numbers of them:
//   build/test/bench-idle-memory

#include "system/idle_memory.hpp"

#include <cstdio>
#include <initializer_list>

int main() {
  std::printf("%12s  %20s\n", "connections", "bytes of memory each");
  for (const std::size_t wanted : {1'000UL, 5'000UL, 15'000UL}) {
    const auto [connections, bytes_each] = tcp_echo::test::measure_idle_memory(wanted);
    std::printf("%12zu  %20.0f\n", connections, bytes_each);
  }
}
