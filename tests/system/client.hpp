// A client that knows exactly what it expects: blocking, with a deadline on every call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo::test {

/// Bytes that look random, the same for the same seed.
std::string random_bytes(std::size_t size, std::uint32_t seed = 1);

/// How reading ended.
enum class End { kOpen, kFin, kReset, kTimeout };

class Client {
 public:
  explicit Client(std::uint16_t port, const std::string& address = "127.0.0.1");
  explicit Client(const Endpoint& endpoint, std::optional<int> receive_buffer = {});
  /// Takes over a socket that is connected.
  explicit Client(UniqueFd connected);

  bool is_connected() const { return connected_; }
  int fd() const { return fd_.get(); }

  /// Sends all of it, waiting as long as it takes.
  bool send(std::string_view bytes) const;
  /// Sends what goes without waiting; how much that was.
  std::size_t send_some(std::string_view bytes) const;
  /// Sends until nothing more is taken for a second: the other side has stopped reading. How much that was.
  std::size_t send_until_stuck(std::string_view bytes) const;
  /// As many bytes as asked for, or fewer if the stream ends first.
  std::string receive(std::size_t size);
  /// Everything up to the end of the stream.
  std::string receive_all();
  std::string echo(std::string_view bytes);
  /// How the last receive ended.
  End end() const { return end_; }

  void half_close() const;
  void close() { fd_.reset(); }
  void reset();

 private:
  UniqueFd fd_;
  bool connected_ = false;
  End end_ = End::kOpen;
};

/// Connects that many, all of them open at once.
std::vector<Client> connect_many(std::uint16_t port, std::size_t count);

}  // namespace tcp_echo::test
