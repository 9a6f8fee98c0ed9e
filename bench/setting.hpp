// Where a comparison takes place: programs, processors, and how many connections can be had.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "options.hpp"

namespace tcp_echo::bench {

struct Setting {
  Options options;
  std::filesystem::path programs;    ///< the build folder, that of this program
  std::string load;                  ///< path of the load generator
  std::vector<int> server_cpus;      ///< one; empty where there is only one at all
  std::vector<int> client_cpus;      ///< the others
  unsigned idle = 0;                 ///< how many idle connections the limit on open files allows
  std::vector<std::string> notices;  ///< what differs from what was meant, a line each
  std::filesystem::path scratch;     ///< a folder for what strace and callgrind write
};

/// Throws FatalError where a program is missing.
Setting look_around(const Options& options);

/// What the figures depend on, name and value.
std::vector<std::pair<std::string, std::string>> machine();

}  // namespace tcp_echo::bench
