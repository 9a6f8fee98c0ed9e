// One thread of the load: a loop with its share of the connections. It connects them at the pace that the
// plan wants, keeps the time (warm-up, measuring, the wait for the last echoes), and counts.
//
// The thread that made it may call stop(), abort() and the destructor; everything else happens in its own.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <span>
#include <thread>
#include <vector>

#include "tcp_echo/load/due_queue.hpp"
#include "tcp_echo/load/load_connection.hpp"
#include "tcp_echo/load/mailbox.hpp"
#include "tcp_echo/load/pattern.hpp"
#include "tcp_echo/load/plan.hpp"
#include "tcp_echo/loop/timer.hpp"
#include "tcp_echo/loop/waker.hpp"

namespace tcp_echo {

/// What all threads of a run have in common; outlives them.
struct LoadTask {
  LoadPlan plan;
  Endpoint target;
  Pattern pattern;
  Due::Time begin;
};

class LoadThread {
 public:
  using Time = Due::Time;

  /// Handshakes under way: a burst of more would overrun a server's accept queue, whose answer is silence,
  /// and a repeated SYN a second later.
  static constexpr std::size_t kMostConnecting = 128;

  /// Starts it. It is the thread `index` of those the plan wants.
  LoadThread(const LoadTask& task, unsigned index, Mailbox& mailbox);
  /// Aborts it, if it has not ended, and waits for that.
  ~LoadThread();
  LoadThread(const LoadThread&) = delete;
  LoadThread& operator=(const LoadThread&) = delete;

  /// Ends the run now, as if its time were over.
  void stop() noexcept;
  /// Ends it without waiting for echoes.
  void abort() noexcept;

  // For its connections.
  const LoadPlan& plan() const noexcept { return task_.plan; }
  const LoadTask& task() const noexcept { return task_; }
  std::uint64_t most_under_way() const noexcept { return most_under_way_; }
  Loop& loop() noexcept { return loop_; }
  DueQueue& due_queue() noexcept { return due_queue_; }
  std::span<std::byte> buffer() noexcept { return buffer_; }
  LoadCounts& counts() noexcept { return current_.counts; }
  bool is_over() const noexcept { return current_.stage == LoadStage::kWaiting; }
  /// From when on messages that are due belong to the measured time; the end of time in the warm-up.
  Time measuring_since() const noexcept { return measuring_since_; }
  void count_echo(Time due, Time now) noexcept;
  /// A message that was sent, or begun, and will not come back: its latency is this at least.
  void count_lost(Time due, Time now) noexcept;
  /// Messages that were due and will not be sent: the same.
  void count_skipped(Time due, Time now, std::uint64_t messages) noexcept;
  void note_silence(std::chrono::nanoseconds silence) noexcept;
  const Endpoint* next_source() noexcept;

  /// It connects as soon as its turn comes.
  void want_connection(LoadConnection& connection) noexcept;
  /// The connection stands; or it does not, and is closing or idle.
  void on_connected() noexcept;
  void on_not_connected() noexcept;
  void on_lack(OwnLimit limit) noexcept { ++own_limit(limit).times; }
  /// An open connection is closing.
  void on_closing() noexcept { --open_; }
  /// The connection is idle again. It is connected anew at `again`, unless that is the end of time or the run
  /// is over.
  void on_idle(LoadConnection& connection, Time again) noexcept;

 private:
  /// Lets connections begin at the pace of --connect-rate.
  class Pacer final : public Due {
   public:
    explicit Pacer(LoadThread& thread) noexcept : thread_(thread) {}
    void on_due(Time /*now*/) noexcept override { thread_.connect_some(); }

   private:
    LoadThread& thread_;
  };

  /// Calls a member at a time.
  class Bell final : public Due {
   public:
    Bell(LoadThread& thread, void (LoadThread::*ring)(Time)) noexcept : thread_(thread), ring_(ring) {}
    void on_due(Time now) noexcept override { (thread_.*ring_)(now); }

   private:
    LoadThread& thread_;
    void (LoadThread::*ring_)(Time);
  };

  /// A connection whose turn to connect has not come yet.
  struct Wanted {
    LoadConnection* connection = nullptr;
    Time since;
  };

  OwnLimitCount& own_limit(OwnLimit limit) noexcept {
    return result_.own_limits[static_cast<std::size_t>(limit)];
  }
  void run();
  void make_connections();
  void connect_some() noexcept;
  void note_held_up(Time now) noexcept;
  void let_connect(Time now) noexcept;
  void begin_schedules_of_untried(Time now);
  bool is_measured(Time due) const noexcept;
  bool is_counted(Time due) const noexcept;
  void on_stage_over(Time now);
  void on_interval_over(Time now);
  void on_wake();
  void begin_measuring(Time begin, Time now);
  void begin_waiting(Time now);
  void give_up(Time now);
  void end_if_finished(Time now);
  void end_intervals(Time until);
  void end_interval(Time end);
  void enter(LoadStage stage) noexcept;
  void end_stage_at(Time time);
  double seconds_since_begin(Time time) const noexcept;

  const LoadTask& task_;
  const std::uint64_t most_under_way_;  ///< the plan's
  unsigned index_;
  Mailbox& mailbox_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> abort_{false};

  Loop loop_;
  DueQueue due_queue_;
  Waker waker_;
  Pacer pacer_;
  Bell stage_bell_;
  Bell interval_bell_;
  std::vector<std::byte> buffer_;
  std::deque<LoadConnection> connections_;
  std::deque<Wanted> wanted_;
  std::size_t connecting_ = 0;
  std::uint64_t open_ = 0;
  std::uint64_t unfinished_ = 0;  ///< connections that are not idle, or owe messages, once the run is over
  Time held_up_since_ = Time::max();    ///< by handshakes that are not answered, while others wait for them
  std::chrono::nanoseconds held_up_{};  ///< in all
  Time next_connect_;
  std::size_t next_source_ = 0;

  bool is_done_ = false;
  Time stage_begin_;
  Time stage_end_ = Time::max();
  Time next_interval_;                 ///< when one is to end
  std::uint64_t interval_number_ = 0;  ///< within the stage
  std::uint64_t told_open_ = 0;        ///< connections, at the end of the interval before
  Time measuring_since_ = Time::max();
  ProcessorTime processor_before_;
  LoadInterval current_;  ///< its stage is that of the run
  LoadThreadResult result_;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace tcp_echo
