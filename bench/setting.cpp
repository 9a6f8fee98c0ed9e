#include "setting.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "process.hpp"
#include "tcp_echo/base/cpu.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/limits.hpp"

namespace tcp_echo::bench {
namespace {

constexpr unsigned kOtherDescriptors = 600;  // of busy connections, and what a program holds besides

std::string value_of(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, key.size(), key) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string compiler() {
#ifdef __clang__
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

void choose_cpus(Setting& setting) {
  auto cpus = usable_cpus();
  if (cpus.size() < 2) {
    setting.notices.emplace_back(
        "one usable CPU: server and client share it, nothing is pinned, and no figure is the server's alone");
    return;
  }
  setting.server_cpus = {cpus.front()};
  setting.client_cpus.assign(cpus.begin() + 1, cpus.end());
}

void choose_idle(Setting& setting) {
  raise_open_files_limit();
  const auto limit = static_cast<unsigned>(open_files_limit());
  const auto possible = limit > kOtherDescriptors ? limit - kOtherDescriptors : 0;
  setting.idle = std::min(setting.options.most_idle, possible);
  if (setting.idle < setting.options.most_idle) {
    setting.notices.push_back(fmt::format("{} idle connections instead of {}: the limit on open files is {}",
                                          setting.idle, setting.options.most_idle, limit));
  }
}

}  // namespace

Setting look_around(const Options& options) {
  Setting setting;
  setting.options = options;
  setting.programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  setting.load = options.load.empty() ? (setting.programs / "tcp-echo-load").string() : options.load;
  for (const auto& program : {(setting.programs / "tcp-echo-master").string(), setting.load}) {
    if (!is_installed(program)) throw FatalError({ExitCode::kOsError, program + " is missing or no program"});
  }
  choose_cpus(setting);
  choose_idle(setting);
  auto scratch = (std::filesystem::temp_directory_path() / "tcp-echo-bench.XXXXXX").string();
  if (::mkdtemp(scratch.data()) == nullptr) throw FatalError(system_error("mkdtemp " + scratch, errno));
  setting.scratch = scratch;
  return setting;
}

std::vector<std::pair<std::string, std::string>> machine() {
  utsname system{};
  ::uname(&system);
  auto congestion = read_file("/proc/sys/net/ipv4/tcp_congestion_control");
  congestion.erase(congestion.find_last_not_of('\n') + 1);
  return {{"cpu", value_of(read_file("/proc/cpuinfo"), "model name")},
          {"cpus", std::to_string(usable_cpus().size())},
          {"kernel", std::string(system.sysname) + " " + system.release + " " + system.machine},
          {"congestion control", congestion},
          {"compiler", compiler()}};
}

}  // namespace tcp_echo::bench
