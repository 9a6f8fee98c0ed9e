// The seam: what a connection does with the bytes of its client, chosen by the listener it came through.
//
// Today it turns bytes into bytes. What is to come (delays, faults, a banner, TLS) will widen it here, by a
// verdict beside the bytes and a place for state per connection; nothing outside `echo` knows of it.
#pragma once

#include <cstddef>
#include <span>

namespace tcp_echo {

/// One object serves all connections of a listener and outlives them; it keeps nothing between calls.
class Behaviour {
 public:
  Behaviour() = default;
  Behaviour(const Behaviour&) = delete;
  Behaviour& operator=(const Behaviour&) = delete;
  virtual ~Behaviour() = default;

  /// What goes back for the bytes that just came in. It may be written over `received`, and must be valid
  /// until the next call.
  virtual std::span<const std::byte> respond(std::span<std::byte> received) noexcept = 0;
};

/// RFC 862.
class EchoBehaviour final : public Behaviour {
 public:
  std::span<const std::byte> respond(std::span<std::byte> received) noexcept override { return received; }
};

}  // namespace tcp_echo
