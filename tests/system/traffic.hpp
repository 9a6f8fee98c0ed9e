// Clients that keep coming while a test does harm to the daemon; every byte of theirs is checked.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "system/client.hpp"
#include "system/daemon.hpp"

namespace tcp_echo::test {

/// What became of a stream's connections. What is not served and not lost was never connected.
struct StreamCounts {
  std::size_t served = 0;                    ///< every byte came back
  std::size_t refused = 0;                   ///< no connection: nobody listens
  std::size_t unanswered = 0;                ///< no connection when the stream ended
  std::size_t lost = 0;                      ///< connected, but the stream ended early
  std::size_t wrong = 0;                     ///< other bytes came back
  std::chrono::milliseconds longest_wait{};  ///< of a served one, from its connect to its last byte
};

/// Several clients, each of which connects, has a message echoed, closes and begins again.
class Stream {
 public:
  Stream(std::uint16_t port, std::size_t clients);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  std::size_t served() const { return served_; }
  /// Ends it: connections that are open get their bytes first, those that are not yet are given up.
  StreamCounts finish();

 private:
  void run(std::uint32_t seed);
  void connect_and_echo(const std::string& message);

  std::uint16_t port_;
  std::atomic<bool> over_{false};
  std::atomic<std::size_t> served_{0};
  std::mutex mutex_;
  StreamCounts counts_;
  std::vector<std::thread> threads_;
};

/// Connections that stay, each of which has one message after the other echoed.
class Chatter {
 public:
  /// `clients` are connected.
  explicit Chatter(std::vector<Client> clients);
  ~Chatter();
  Chatter(const Chatter&) = delete;
  Chatter& operator=(const Chatter&) = delete;

  std::size_t echoes() const { return echoes_; }
  /// Closes them all. Returns how many had broken, or had got back something else than they had sent.
  std::size_t finish();
  /// Of all echoes, once finished; ascending.
  const std::vector<double>& milliseconds() const { return milliseconds_; }

 private:
  void run(Client& client, std::uint32_t seed);

  std::vector<Client> clients_;
  std::atomic<bool> over_{false};
  std::atomic<std::size_t> echoes_{0};
  std::atomic<std::size_t> broken_{0};
  std::mutex mutex_;
  std::vector<double> milliseconds_;
  std::vector<std::thread> threads_;
};

/// Clients of the first of two workers: the other one is stopped for a moment, and whoever is answered is not
/// its.
std::vector<Client> clients_of_first_worker(Daemon& daemon, std::size_t count);

/// Of an ascending list, which may not be empty.
double percentile(const std::vector<double>& sorted, double percent);

}  // namespace tcp_echo::test
