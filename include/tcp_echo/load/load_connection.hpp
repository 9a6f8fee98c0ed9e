// One place for a connection of the load: it connects, sends messages and checks their echoes, closes, and,
// if that is what the run wants, connects again.
//
//   idle -> connecting -> open -> finishing -> closing -> idle
//
// open: messages go out and come back. finishing: none begins any more; what is under way is waited for, then
// comes our FIN (with --half-close it comes first), then the server's, until which every byte is compared.
// A failure leads from anywhere to closing.
//
// By the clock messages are due at this place whatever becomes of its connections. Each is booked once: as an
// echo, as lost, or as skipped. What is due when the run is over is still sent, in one last connection.
//
// Belongs to its LoadThread, which outlives it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/load/due_messages.hpp"
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

  /// Its messages are due from then on, if they go by the clock; the first such beginning counts.
  void begin_schedule(Time begin) noexcept;
  /// The run is over: what was due before `end` is the last that is sent.
  void finish(Time end, Time now) noexcept;
  /// How many messages were due since then, once the run is over.
  std::uint64_t due_since(Time begin) const noexcept { return due_messages_.due_since(begin); }
  /// Whether it has messages to send for which it has to be connected.
  bool owes_messages() const noexcept { return due_messages_.next() != Time::max(); }
  /// Closes whatever is under way; what has not come back counts as missing. From idle: it does not connect
  /// again.
  void give_up(Time now) noexcept;

  bool is_idle() const noexcept { return phase_ == Phase::kIdle; }
  bool is_speaker() const noexcept { return role_ == Role::kSpeaker; }
  bool was_tried() const noexcept { return was_tried_; }
  bool was_made() const noexcept { return was_made_; }
  /// What the last attempt to connect lacked.
  OwnLimit lack() const noexcept { return lack_; }

 private:
  friend EmbeddedPoll<LoadConnection>;
  enum class Phase : std::uint8_t { kIdle, kConnecting, kOpen, kFinishing, kClosing };

  void on_ready(bool failed) noexcept;
  void on_poll_closed() noexcept;
  void on_due(Time now) noexcept override;

  int open_socket() noexcept;
  void count_failed_connect(int error_number) noexcept;
  void on_connected(Time now) noexcept;

  void pump(Time now) noexcept;
  void begin_messages(Time now) noexcept;
  void begin_due_messages(Time now) noexcept;
  void begin_last_messages(Time now) noexcept;
  void begin_message(Time due);
  bool was_last_message() const noexcept;
  bool may_begin_message() const noexcept;
  void skip_before(Time time, Time now) noexcept;
  bool send_unsent(Time now) noexcept;
  void receive() noexcept;
  void receive_what_is_left() noexcept;
  void take(std::span<const std::byte> bytes, Time now) noexcept;
  void take_echoes(Time now) noexcept;
  void note_silence(Time now) noexcept;
  void report_faults() noexcept;

  bool is_open() const noexcept { return phase_ == Phase::kOpen || phase_ == Phase::kFinishing; }
  bool is_all_back() const noexcept;
  bool waits_for_fin_alone() const noexcept;
  void finish_if_all_is_sent(Time now) noexcept;
  void on_fin(Time now) noexcept;
  void on_broken(Time now) noexcept;
  void lose_the_rest(Time now) noexcept;
  void close(Time again) noexcept;
  void settle(Time now) noexcept;
  void watch() noexcept;
  void on_unwatched(int error_number) noexcept;
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
  DueMessages due_messages_;      ///< by the clock, over all connections that are made here
  std::uint64_t lost_bytes_ = 0;  ///< of those in check_, known to take_echoes()
  Time end_of_life_;              ///< or the end of time
  Time waiting_since_;            ///< for an echo, while one is under way
  Time may_read_again_{};         ///< slow reader: not before
  Time fin_awaited_until_{};      ///< the server's, once all is back and ours is sent
  Time connect_again_{};          ///< once it is idle
  Role role_;
  Phase phase_ = Phase::kIdle;
  int watched_ = 0;
  bool output_is_full_ = false;
  bool reading_pauses_ = false;
  bool sent_fin_ = false;
  bool was_tried_ = false;
  bool was_made_ = false;
  OwnLimit lack_ = OwnLimit::kNone;
};

}  // namespace tcp_echo
