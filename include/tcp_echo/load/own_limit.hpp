// What the load generator itself may lack to make a connection.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tcp_echo {

enum class OwnLimit : std::uint8_t {
  kNone,
  kDescriptors,  ///< of this process, or of the system
  kPorts,        ///< no source port is free
  kMemory,       ///< of the kernel, for a socket
};
inline constexpr std::size_t kOwnLimits = 4;

/// How often one was met.
struct OwnLimitCount {
  std::uint64_t times = 0;
  std::uint64_t connections = 0;  ///< that were not made for it, up to the end
};

}  // namespace tcp_echo
