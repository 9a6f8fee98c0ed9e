// Listeners on their way to being closed: their address is served no more, new handshakes are kept away, and
// some worker takes whoever still waits there. Closing one earlier would reset those clients.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tcp_echo/ipc/message.hpp"
#include "tcp_echo/listeners/listener_set.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

class Clearings {
 public:
  /// Tells a worker; gives its block of the scoreboard, or nothing if it cannot be told.
  using Tell = std::function<std::optional<std::size_t>(const ClearMessage&, std::span<const int>)>;

  struct Handlers {
    Tell tell_someone;  ///< that serves, another one each time
    std::function<void(std::size_t block, const GiveUpMessage&)> tell;
    std::function<void()> on_removed;  ///< there is one less
  };
  Clearings(Loop& loop, Handlers handlers);
  ~Clearings();
  Clearings(const Clearings&) = delete;
  Clearings& operator=(const Clearings&) = delete;

  /// Nobody can begin a handshake with these any more. What is not empty after `time` is closed all the same.
  void add(const std::vector<ListenerSet::Address>& addresses, std::chrono::milliseconds time);
  /// Finds a worker for those that have none: call it whenever one may have begun to serve.
  void settle() { entrust_to(handlers_.tell_someone); }
  /// The same for a worker that is started because nobody else can be told.
  void entrust_to(const Tell& tell);
  /// By the worker with that block.
  void on_cleared(std::size_t block, const ClearedMessage& message);
  /// The same worker: another one is tried soon.
  void on_refused(std::size_t block, const RefuseClearMessage& message);
  /// It may have left some unfinished: the next settle() gives them to another one.
  void on_worker_gone(std::size_t block);

  bool is_empty() const noexcept { return clearings_.empty(); }
  bool has_unassigned() const noexcept;

 private:
  struct Clearing;
  void on_overdue(std::uint32_t number, std::chrono::milliseconds time);
  Clearing* find(std::size_t block, std::uint32_t number);
  void remove(std::uint32_t number);

  Loop& loop_;
  Handlers handlers_;
  std::list<std::unique_ptr<Clearing>> clearings_;
  std::uint32_t next_number_ = 1;
  Timer retry_;
};

}  // namespace tcp_echo
