// What a random walk does to the service and when: drawn from the seed alone, before anything begins, so that
// the same seed always means the same changes.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tcp_echo::test {

struct WalkOptions {
  std::chrono::milliseconds duration{};
  std::uint64_t seed = 1;
  double changes_per_minute = 100;
  std::vector<std::string> without;  ///< names of changes that are left out

  /// From ECHO_WALK_SECONDS, ECHO_TEST_SEED, ECHO_WALK_CHANGES and ECHO_WALK_WITHOUT.
  static WalkOptions from_environment();
};

enum class ChangeKind : std::uint8_t {
  kReload,
  kBrokenReload,
  kAddresses,
  kUpgrade,
  kBrokenUpgrade,
  kUpgradeThatGoesBack,
  kForeignUpgrade,
  kOneMore,
  kOneFewer,
  kTermWorker,
  kKillWorker,
  kStopWorkerBriefly,
  kStopWorkerForLong,
  kFreezeAll,
  kFreezeMaster,
  kRotateLog,
  kStatistics,
  kFaults,
  kRestart,
  kHurriedRestart,
};

struct ChangeRow {
  ChangeKind kind;
  std::string_view name;
  unsigned weight;  ///< of 200 changes about so many are of this kind
};

inline constexpr std::array kChanges = {
    ChangeRow{ChangeKind::kReload, "reload", 28},
    ChangeRow{ChangeKind::kBrokenReload, "broken-reload", 14},
    ChangeRow{ChangeKind::kAddresses, "addresses", 10},
    ChangeRow{ChangeKind::kUpgrade, "upgrade", 12},
    ChangeRow{ChangeKind::kBrokenUpgrade, "broken-upgrade", 12},
    ChangeRow{ChangeKind::kUpgradeThatGoesBack, "upgrade-goes-back", 4},
    ChangeRow{ChangeKind::kForeignUpgrade, "foreign-upgrade", 2},
    ChangeRow{ChangeKind::kOneMore, "one-more", 14},
    ChangeRow{ChangeKind::kOneFewer, "one-fewer", 16},
    ChangeRow{ChangeKind::kTermWorker, "term-worker", 18},
    ChangeRow{ChangeKind::kKillWorker, "kill-worker", 18},
    ChangeRow{ChangeKind::kStopWorkerBriefly, "stop-worker", 16},
    ChangeRow{ChangeKind::kStopWorkerForLong, "stop-worker-for-long", 6},
    ChangeRow{ChangeKind::kFreezeAll, "freeze-all", 6},
    ChangeRow{ChangeKind::kFreezeMaster, "freeze-master", 6},
    ChangeRow{ChangeKind::kRotateLog, "rotate-log", 8},
    ChangeRow{ChangeKind::kStatistics, "statistics", 4},
    ChangeRow{ChangeKind::kFaults, "faults", 3},
    ChangeRow{ChangeKind::kRestart, "restart", 2},
    ChangeRow{ChangeKind::kHurriedRestart, "hurried-restart", 1},
};

std::string_view name_of(ChangeKind kind);

struct Change {
  std::chrono::milliseconds at{};
  ChangeKind kind{};
  std::uint64_t dice = 0;  ///< the seed of whatever else chance decides about it
};

std::vector<Change> draw_plan(const WalkOptions& options);

}  // namespace tcp_echo::test
