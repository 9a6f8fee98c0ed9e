#include "tcp_echo/base/cpu.hpp"

#include <sched.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <memory>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

constexpr int kMostCpus = 8192;  // what the largest kernel configuration knows (NR_CPUS)

struct FreeCpuSet {
  void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
};

std::optional<std::string> first_line(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::string line;
  if (!std::getline(stream, line)) return std::nullopt;
  return line;
}

std::optional<double> quota_v2(const std::filesystem::path& folder) {
  const auto line = first_line(folder / "cpu.max");
  return line ? parse_cpu_max(*line) : std::nullopt;
}

std::optional<double> quota_v1(const std::filesystem::path& folder) {
  const auto quota = first_line(folder / "cpu.cfs_quota_us");
  const auto period = first_line(folder / "cpu.cfs_period_us");
  if (!quota || !period) return std::nullopt;
  return parse_cpu_max(*quota + " " + *period);  // v1 says -1 for "no limit", which is no number either
}

/// A child may be given more than its parent has; the tightest limit on the way up counts.
template <class ReadQuota>
std::optional<double> tightest(const std::filesystem::path& root, std::filesystem::path path,
                               ReadQuota read) {
  std::optional<double> found;
  for (path = path.relative_path();; path = path.parent_path()) {
    if (const auto quota = read(root / path)) found = std::min(found.value_or(*quota), *quota);
    if (path.empty()) return found;
  }
}

bool names_cpu_controller(std::string_view controllers) {
  const auto names = split(controllers, ',');
  return std::find(names.begin(), names.end(), "cpu") != names.end();
}

}  // namespace

std::vector<int> usable_cpus() {
  const std::unique_ptr<cpu_set_t, FreeCpuSet> mask(CPU_ALLOC(kMostCpus));
  const auto size = CPU_ALLOC_SIZE(kMostCpus);
  CPU_ZERO_S(size, mask.get());
  std::vector<int> cpus;
  if (::sched_getaffinity(0, size, mask.get()) == 0) {
    for (int cpu = 0; cpu < kMostCpus; ++cpu) {
      if (CPU_ISSET_S(static_cast<std::size_t>(cpu), size, mask.get())) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

std::optional<double> parse_cpu_max(std::string_view text) {
  const auto parts = split(text, ' ');
  if (parts.size() != 2) return std::nullopt;
  const auto quota = parse_number(parts[0]);
  const auto period = parse_number(parts[1]);
  if (!quota || !period || *period == 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<double> cpu_quota(const std::filesystem::path& proc_self_cgroup,
                                const std::filesystem::path& cgroup_root) {
  std::ifstream stream(proc_self_cgroup);
  std::optional<double> found;
  for (std::string line; std::getline(stream, line);) {  // "hierarchy:controllers:path", cgroups(7)
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto path = line.substr(second + 1);
    std::optional<double> quota;
    if (controllers.empty()) {
      quota = tightest(cgroup_root, path, quota_v2);
    } else if (names_cpu_controller(controllers)) {
      quota = tightest(cgroup_root / "cpu", path, quota_v1);
    }
    if (quota) found = std::min(found.value_or(*quota), *quota);
  }
  return found;
}

unsigned worker_count_for(std::size_t cpus, std::optional<double> quota) {
  auto count = static_cast<double>(cpus);
  if (quota) count = std::min(count, std::ceil(*quota));
  return static_cast<unsigned>(std::max(count, 1.0));
}

Result<void> pin_to_cpu(int cpu) {
  const std::unique_ptr<cpu_set_t, FreeCpuSet> mask(CPU_ALLOC(kMostCpus));
  const auto size = CPU_ALLOC_SIZE(kMostCpus);
  CPU_ZERO_S(size, mask.get());
  CPU_SET_S(static_cast<std::size_t>(cpu), size, mask.get());
  if (::sched_setaffinity(0, size, mask.get()) != 0)
    return system_failure(fmt::format("bind to CPU {}", cpu), errno);
  return {};
}

}  // namespace tcp_echo
