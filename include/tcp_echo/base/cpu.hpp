// How many processors this process may really use: the affinity mask and the cgroup's quota both count,
// nproc-like figures know only the first (cgroups(7), sched_setaffinity(2)).
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

/// The CPU numbers in this process's affinity mask, ascending; at least one.
std::vector<int> usable_cpus();

/// Processors' worth of time from "max 100000" or "150000 100000" (cgroup v2's cpu.max); nothing where there
/// is no limit.
std::optional<double> parse_cpu_max(std::string_view text);

/// The tightest quota on the way from this process's cgroup up to the root, for cgroup v2 and v1.
/// The arguments are for tests: where proc(5) and the cgroup hierarchy are mounted.
std::optional<double> cpu_quota(const std::filesystem::path& proc_self_cgroup = "/proc/self/cgroup",
                                const std::filesystem::path& cgroup_root = "/sys/fs/cgroup");

/// What --workers auto means here: usable CPUs, cut to the quota, never below one.
unsigned worker_count_for(std::size_t cpus, std::optional<double> quota);

/// Binds the calling process to one CPU.
Result<void> pin_to_cpu(int cpu);

}  // namespace tcp_echo
