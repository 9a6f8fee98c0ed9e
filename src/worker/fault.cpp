#include "tcp_echo/worker/fault.hpp"

#ifdef TCP_ECHO_FAULTS
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>

namespace tcp_echo {
namespace {

std::string fault_of(unsigned slot) {
  const char* file = std::getenv("ECHO_TEST_FAULTS");
  if (file == nullptr) return {};
  std::ifstream stream(file);
  unsigned number = 0;
  for (std::string word; stream >> number >> word;) {
    if (number == slot) return word;
  }
  return {};
}

}  // namespace

void suffer_before_ready(unsigned slot) {
  const auto word = fault_of(slot);
  constexpr int kExitCode = 3;
  if (word == "abort") std::abort();
  if (word == "exit") ::_exit(kExitCode);
  while (word == "mute") ::pause();
}

void suffer_when_ready(unsigned slot) {
  std::atomic<bool> loops{fault_of(slot) == "spin"};
  while (loops) {
  }
}

}  // namespace tcp_echo
#endif
