// A connection as a worker describes it in answer to LIST: one record after the other in a file that both
// processes have. Plain values, no pointers.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

namespace tcp_echo {

struct ConnectionRecord {
  std::array<char, 64> peer{};      ///< "192.0.2.1:5000", ends with a zero; empty if the connection has broken
  std::array<char, 64> listener{};  ///< the address that the client connected to, likewise
  std::uint64_t age_milliseconds = 0;
  std::uint64_t idle_milliseconds = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t unsent_bytes = 0;  ///< received, and not yet taken by the kernel for sending
  std::uint64_t is_lingering = 0;  ///< 1: our FIN is out, and the client's is awaited
};
static_assert(std::is_trivially_copyable_v<ConnectionRecord>);
static_assert(sizeof(ConnectionRecord) == 176, "no padding: every byte of it is written");

}  // namespace tcp_echo
