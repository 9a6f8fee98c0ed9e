// Faults that workers of a test build suffer when they start: see worker/fault.hpp.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "system/daemon.hpp"

namespace tcp_echo::test {

class Faults {
 public:
  /// Lines "SLOT WORD".
  explicit Faults(const std::string& lines) { become(lines); }
  /// For workers that start from now on; at once, so that none reads a half.
  void become(const std::string& lines) const {
    std::ofstream(folder_ / "next") << lines;
    std::filesystem::rename(folder_ / "next", folder_ / "faults");
  }
  /// For the environment of a daemon.
  std::string variable() const { return "ECHO_TEST_FAULTS=" + (folder_ / "faults").string(); }
  Launch launch(std::vector<std::string> arguments) const {
    auto launch = Daemon::on_free_port(std::move(arguments));
    launch.environment = {variable()};
    return launch;
  }

 private:
  Folder folder_;
};

}  // namespace tcp_echo::test
