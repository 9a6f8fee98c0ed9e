// Connections that stay and never pause: each sends its next message as soon as the last one has come back.
// Every byte is checked, and every silence is timed.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "system/client.hpp"
#include "system/daemon.hpp"

namespace tcp_echo::test {

class Crowd {
 public:
  /// `addresses` are used in turn; "127.0.0.1:PORT".
  Crowd(const std::vector<std::string>& addresses, std::size_t size);
  Crowd(std::uint16_t port, std::size_t size);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  /// What must not happen, and the longest that a connection waited for its next byte.
  struct Counts {
    std::size_t echoes = 0;
    std::size_t closed = 0;   ///< by the server
    std::size_t reset = 0;    ///< by the server
    std::size_t wrong = 0;    ///< other bytes came back
    std::size_t missing = 0;  ///< the last message did not come back at all
    std::chrono::milliseconds longest_silence{};

    std::size_t broken() const { return closed + reset + wrong + missing; }
    std::string text() const;
  };

  std::size_t echoes() const { return echoes_; }
  /// Nobody sends any more, and all connections stay open.
  Counts pause();
  /// pause(), if that was not asked for yet, and closes them all.
  Counts finish();

 private:
  struct Member {
    Client client;
    std::uint32_t round = 0;
    std::size_t received = 0;
    Clock::time_point last_byte;
    bool is_done = false;
  };

  void run();
  void begin_round(std::size_t index);
  void on_readable(std::size_t index);
  std::string_view message(std::size_t index) const;
  void drop(Member& member, std::size_t& count);

  std::string pool_;  ///< messages are parts of it
  std::vector<Member> members_;
  UniqueFd epoll_;
  std::atomic<bool> over_{false};
  std::atomic<std::size_t> echoes_{0};
  std::size_t done_ = 0;
  Counts counts_;
  std::thread thread_;
};

}  // namespace tcp_echo::test
