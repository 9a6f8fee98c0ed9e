// Listeners on their way to being closed: their address is served no more, new handshakes are kept away, and
// a worker takes the clients that still wait there. Closing one earlier would reset those clients.
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
#include "tcp_echo/process/child.hpp"

namespace tcp_echo {

class Clearings {
 public:
  /// Sends the message to a worker, and returns that worker; null if none can be told.
  using Tell = std::function<Child*(const ClearMessage&, std::span<const int>)>;

  /// `tell_a_serving_worker` takes another one each time. `on_change` is called when a clearing has ended,
  /// and when one that no worker could take was offered again: the fleet may have to start a worker for it.
  Clearings(Timekeeper& clock, Tell tell_a_serving_worker, std::function<void()> on_change);
  ~Clearings();
  Clearings(const Clearings&) = delete;
  Clearings& operator=(const Clearings&) = delete;

  /// Clients can begin no handshake with these any more. Those that are not empty after `time` are closed all
  /// the same.
  void add(const std::vector<ListenerSet::Address>& addresses, std::chrono::milliseconds time);
  /// Finds a worker for clearings that have none, now or soon: call it whenever a worker may have begun to
  /// serve.
  void settle();
  /// The same, by telling a worker that was started because none that serves can be told.
  void entrust_to(const Tell& tell);
  /// By a worker that serves or leaves. The number of a clearing that is not its task is ignored, here and
  /// below.
  void on_cleared(const Child& worker, std::uint32_t number);
  /// Another worker is tried soon.
  void on_refused(const Child& worker, std::uint32_t number);
  /// The worker has ended: the next settle() gives what it has not cleared to another one.
  void on_worker_gone(const Child& worker);

  bool is_empty() const noexcept { return clearings_.empty(); }
  bool has_unassigned() const noexcept;

 private:
  struct Clearing;
  void on_overdue(std::uint32_t number, std::chrono::milliseconds time);
  Clearing* find(const Child& worker, std::uint32_t number);
  void remove(std::uint32_t number);

  Timekeeper& clock_;
  Tell tell_a_serving_worker_;
  std::function<void()> on_change_;
  std::list<std::unique_ptr<Clearing>> clearings_;
  std::uint32_t next_number_ = 1;
  Timer retry_;
};

}  // namespace tcp_echo
