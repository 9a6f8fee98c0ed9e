#include "tcp_echo/worker/fault.hpp"

#ifdef TCP_ECHO_FAULTS
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tcp_echo/base/error.hpp"

namespace tcp_echo {
namespace {

unsigned own_slot = 0;

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
  own_slot = slot;
  const auto word = fault_of(slot);
  constexpr int kExitCode = 3;
  constexpr unsigned kSlowMicroseconds = 500'000;
  if (word == "abort") std::abort();
  if (word == "exit") ::_exit(kExitCode);
  while (word == "mute") ::pause();
  if (word == "slow") ::usleep(kSlowMicroseconds);
}

void suffer_when_ready(unsigned slot) {
  std::atomic<bool> loops{fault_of(slot) == "spin"};
  while (loops) {
  }
}

void suffer_when(const char* moment) {
  if (own_slot != 0 && fault_of(own_slot) == moment) ::kill(::getpid(), SIGKILL);
}

void suffer_in_take_over() {
  if (fault_of(0) == "refuse") throw FatalError({ExitCode::kSoftware, "a fault was asked for"});
}

}  // namespace tcp_echo
#endif
