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
  /// Tells a worker, and gives it; null if none can be told.
  using Tell = std::function<Child*(const ClearMessage&, std::span<const int>)>;

  /// `tell_someone` tells a worker that serves, another one each time. `on_change` is called when there is
  /// one less, and when one that nobody could take has been offered again: others may have to see to it.
  Clearings(Timekeeper& clock, Tell tell_someone, std::function<void()> on_change);
  ~Clearings();
  Clearings(const Clearings&) = delete;
  Clearings& operator=(const Clearings&) = delete;

  /// Nobody can begin a handshake with these any more. What is not empty after `time` is closed all the same.
  void add(const std::vector<ListenerSet::Address>& addresses, std::chrono::milliseconds time);
  /// Finds a worker for those that have none, now or soon: call it whenever one may have begun to serve.
  void settle();
  /// The same for a worker that is started because nobody else can be told.
  void entrust_to(const Tell& tell);
  /// By a worker that serves or leaves. One that is not its own is passed over, here and below.
  void on_cleared(const Child& worker, std::uint32_t number);
  /// Another worker is tried soon.
  void on_refused(const Child& worker, std::uint32_t number);
  /// It may have left some unfinished: the next settle() gives them to another one.
  void on_worker_gone(const Child& worker);

  bool is_empty() const noexcept { return clearings_.empty(); }
  bool has_unassigned() const noexcept;

 private:
  struct Clearing;
  void on_overdue(std::uint32_t number, std::chrono::milliseconds time);
  Clearing* find(const Child& worker, std::uint32_t number);
  void remove(std::uint32_t number);

  Timekeeper& clock_;
  Tell tell_someone_;
  std::function<void()> on_change_;
  std::list<std::unique_ptr<Clearing>> clearings_;
  std::uint32_t next_number_ = 1;
  Timer retry_;
};

}  // namespace tcp_echo
