// What a Keeper leaves to the program that takes its master's place. Plain values.
#pragma once

#include <optional>
#include <vector>

#include "tcp_echo/process/child_record.hpp"

namespace tcp_echo {

struct KeeperRecord {
  std::optional<ChildRecord> child = {};
  std::vector<ChildRecord> leavers = {};  ///< that were told to leave
  bool operator==(const KeeperRecord&) const = default;
};

}  // namespace tcp_echo
