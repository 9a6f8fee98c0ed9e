// The environment of this process, environ(7). It is read by a thread while no other one changes it.
#pragma once

#include <cstdlib>
#include <string_view>

namespace tcp_echo {

/// Empty if there is no such variable. Good until the environment changes.
inline std::string_view environment_variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing changes it meanwhile
  return value == nullptr ? std::string_view() : value;
}

}  // namespace tcp_echo
