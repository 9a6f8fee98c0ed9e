// One place for a connection of the load: it connects, sends messages and checks their echoes, closes, and,
// if that is what the run wants, connects again.
//
//   idle -> connecting -> open -> finishing -> closing -> idle
//
// open: messages go out and come back. finishing: none goes out any more; what is under way is waited for.
// A failure leads from anywhere to closing. Belongs to its LoadThread, which outlives it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/load/due_queue.hpp"
#include "tcp_echo/load/own_limit.hpp"
#include "tcp_echo/load/ring.hpp"
#include "tcp_echo/load/stream_check.hpp"
#include "tcp_echo/loop/poll.hpp"

namespace tcp_echo {

class LoadThread;

class LoadConnection final : private Due {
 public:
  using Time = Due::Time;

  enum class Role : std::uint8_t { kSpeaker, kIdler };

  /// `number` counts the connections of the whole run from 0.
  LoadConnection(LoadThread& thread, std::uint64_t number, Role role) noexcept;

  /// From idle. Whatever becomes of it, the thread hears of it: see LoadThread's on_... functions.
  void connect(Time now) noexcept;
  /// From idle: asks the thread for its turn to connect once it is that time.
  void connect_later(Time time);
  /// No message begins any more but those that were due before `end`; the thread hears of the end of the
  /// connection as always.
  void finish(Time end, Time now) noexcept;
  /// Closes whatever is under way; what has not come back counts as missing. From idle: it does not connect
  /// again.
  void give_up(Time now) noexcept;

  bool is_idle() const noexcept { return phase_ == Phase::kIdle; }
  /// What the last attempt to connect lacked.
  OwnLimit lack() const noexcept { return lack_; }

 private:
  friend EmbeddedPoll<LoadConnection>;
  enum class Phase : std::uint8_t { kIdle, kConnecting, kOpen, kFinishing, kClosing };

  void on_ready(bool failed) noexcept;
  void on_poll_closed() noexcept;
  void on_due(Time now) noexcept override;

  /// 0, or why there is no connection under way.
  int begin_to_connect() noexcept;
  void on_connect_failed(int error_number, Time now) noexcept;
  void on_connected(Time now) noexcept;

  void pump(Time now) noexcept;
  void begin_messages(Time now) noexcept;
  void begin_message(Time due);
  void schedule_message(std::uint64_t number) noexcept;
  void skip_until(Time latest, Time now) noexcept;
  bool send_unsent(Time now) noexcept;
  void receive() noexcept;
  void receive_what_is_left() noexcept;
  void take(std::span<const std::byte> bytes, Time now) noexcept;
  void take_echoes(Time now) noexcept;
  void note_silence(Time now) noexcept;
  void report_faults() noexcept;

  bool is_open() const noexcept { return phase_ == Phase::kOpen || phase_ == Phase::kFinishing; }
  bool is_done() const noexcept;
  void on_fin(Time now) noexcept;
  void on_broken(Time now) noexcept;
  void lose_the_rest(Time now) noexcept;
  void close(Time again) noexcept;
  void settle(Time now) noexcept;
  void watch() noexcept;
  void schedule_next();

  LoadThread& thread_;
  std::uint64_t number_;
  UniqueFd fd_;
  EmbeddedPoll<LoadConnection> poll_;
  StreamCheck check_;
  StreamFaults reported_;     ///< of those in check_
  Ring<Time> under_way_;      ///< when each message that is not back yet was due
  std::uint64_t unsent_ = 0;  ///< bytes of messages that have begun
  std::uint64_t begun_ = 0;   ///< messages, on this connection
  std::uint64_t echoed_ = 0;
  Time schedule_begin_;              ///< by the clock: when the first message of all was due
  std::uint64_t next_number_ = 0;    ///< by the clock: of the next one, over all lives of this
  Time next_message_ = Time::max();  ///< and when that is due
  std::uint64_t lost_bytes_ = 0;     ///< of those in check_, known to take_echoes()
  Time end_of_life_;                 ///< or the end of time
  Time waiting_since_;               ///< for an echo, while one is under way
  Time may_read_again_{};            ///< slow reader: not before
  Time connect_again_{};             ///< once it is idle
  Role role_;
  Phase phase_ = Phase::kIdle;
  int watched_ = 0;
  bool output_is_full_ = false;
  bool reading_pauses_ = false;
  bool sent_fin_ = false;
  OwnLimit lack_ = OwnLimit::kNone;
};

}  // namespace tcp_echo
