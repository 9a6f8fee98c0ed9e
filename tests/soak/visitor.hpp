// One client of a walk: it connects, sends, checks every byte that comes back, and ends in the manner of its
// kind. However it ends, there is a verdict.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "soak/chronicle.hpp"
#include "support/dice.hpp"
#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/load/pattern.hpp"
#include "tcp_echo/load/stream_check.hpp"

namespace tcp_echo::test {

enum class Ending : std::uint8_t {
  kClose,      ///< when all has come back
  kHalfClose,  ///< FIN when all is sent, and then the rest of the echoes and the server's FIN
  kReset,      ///< vanishes in the middle, with RST
  kAbandon,    ///< closes in the middle, with bytes that it has not read
};

using std::chrono_literals::operator""ms;

/// What clients of one kind do.
struct Habit {
  std::string_view name;
  std::size_t population;  ///< so many at a time
  std::size_t least_messages, most_messages;
  std::size_t least_bytes, most_bytes;        ///< of a message
  std::chrono::milliseconds longest_pause{};  ///< before the next message
  bool waits = true;                          ///< for each echo, before it sends the next message
  Ending ending = Ending::kClose;
  std::size_t reads_a_second = 0;                ///< bytes; 0: as they come
  std::chrono::milliseconds longest_gap = 30ms;  ///< between one's end and the next one's arrival
  bool is_urgent = false;                        ///< the last byte of each message is sent with MSG_OOB
};

inline constexpr std::array kHabits = {
    Habit{.name = "bulk",
          .population = 2,
          .least_messages = 32,
          .most_messages = 200,
          .least_bytes = 60'000,
          .most_bytes = 70'000,
          .waits = false,
          .ending = Ending::kHalfClose,
          .reads_a_second = 10'000'000,
          .longest_gap = 500ms},
    Habit{.name = "slow reader",
          .population = 8,
          .least_messages = 4,
          .most_messages = 12,
          .least_bytes = 60'000,
          .most_bytes = 70'000,
          .waits = false,
          .ending = Ending::kHalfClose,
          .reads_a_second = 100'000,
          .longest_gap = 500ms},
    Habit{.name = "half-closed",
          .population = 5,
          .least_messages = 1,
          .most_messages = 8,
          .least_bytes = 1000,
          .most_bytes = 70'000,
          .waits = false,
          .ending = Ending::kHalfClose,
          .longest_gap = 100ms},
    Habit{.name = "urgent",
          .population = 5,
          .least_messages = 20,
          .most_messages = 200,
          .least_bytes = 1,
          .most_bytes = 300,
          .longest_pause = 60ms,
          .ending = Ending::kHalfClose,
          .is_urgent = true},
    Habit{.name = "short",
          .population = 8,
          .least_messages = 1,
          .most_messages = 1,
          .least_bytes = 1,
          .most_bytes = 2000,
          .ending = Ending::kClose},
    Habit{.name = "chat",
          .population = 40,
          .least_messages = 20,
          .most_messages = 200,
          .least_bytes = 1,
          .most_bytes = 1000,
          .longest_pause = 200ms,
          .ending = Ending::kHalfClose},
    Habit{.name = "quiet",
          .population = 40,
          .least_messages = 5,
          .most_messages = 20,
          .least_bytes = 1,
          .most_bytes = 100,
          .longest_pause = 1200ms,
          .ending = Ending::kClose},
    Habit{.name = "sleepy",
          .population = 10,
          .least_messages = 2,
          .most_messages = 5,
          .least_bytes = 1,
          .most_bytes = 100,
          .longest_pause = 8000ms,
          .ending = Ending::kClose},
    Habit{.name = "vanishing",
          .population = 4,
          .least_messages = 1,
          .most_messages = 10,
          .least_bytes = 1,
          .most_bytes = 70'000,
          .waits = false,
          .ending = Ending::kReset,
          .longest_gap = 100ms},
    Habit{.name = "careless",
          .population = 4,
          .least_messages = 1,
          .most_messages = 10,
          .least_bytes = 1,
          .most_bytes = 70'000,
          .waits = false,
          .ending = Ending::kAbandon,
          .longest_gap = 100ms},
};

enum class Verdict : std::uint8_t {
  kServed,          ///< every byte came back
  kVanished,        ///< it went away by itself, and what had come until then was right
  kClosedIdle,      ///< by the server, after it had been quiet for long enough
  kDrained,         ///< by the server, as it fell quiet in a drain
  kCutAtDeadline,   ///< by the server, at the end of a drain
  kLostWithWorker,  ///< reset, because its worker was killed
  kRefused,         ///< nobody listened, and that may have been so
  kUnanswered,      ///< given up: no answer came, and that may have been so
  kFailed,          ///< there is no excuse
};
inline constexpr std::array<std::string_view, 9> kVerdictNames = {
    "served", "vanished", "idle", "drained", "cut", "lost", "refused", "unanswered", "FAILED"};

class Visitor {
 public:
  Visitor(const Habit& habit, std::uint64_t number, std::uint64_t seed, const Pattern& pattern,
          const Chronicle& chronicle, const std::string& address, std::chrono::milliseconds awake);
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;

  int fd() const { return fd_.get(); }
  const Habit& habit() const { return *habit_; }

  /// `awake` is a clock that stands still while the service does.
  void on_ready(std::uint32_t events, std::chrono::milliseconds awake);
  /// Now and then: what is due by the clock.
  void on_time(std::chrono::milliseconds awake);
  /// It sends no more, and ends as soon as it has its bytes.
  void hurry();

  /// What it wants to hear of, as epoll_ctl(2) has it.
  std::uint32_t interest() const;

  std::optional<Verdict> verdict() const { return verdict_; }
  /// What failed, in words.
  const std::string& complaint() const { return complaint_; }
  bool was_connected() const { return state_ != State::kConnecting; }
  std::uint64_t checked_bytes() const { return received_; }
  std::chrono::milliseconds longest_silence() const { return longest_silence_; }

 private:
  enum class State : std::uint8_t { kConnecting, kTalking, kHalfClosed };

  void begin_to_connect();
  void on_connected(int error);
  void send_what_is_due();
  bool begin_message();
  std::size_t send_some(std::size_t most);
  void read();
  std::size_t readable_now() const;
  bool is_vanishing() const;
  void end_when_done();
  void vanish();
  void on_fin();
  void on_error(int error);
  bool was_reset() const;
  void on_refused();
  bool was_quiet_for(std::chrono::milliseconds time) const;
  void look_for_silence();
  bool waits_for_server() const;
  void end(Verdict verdict, const std::string& why = "");
  std::string description() const;
  void get_into_trouble(const std::string& what);
  bool is_in_trouble() const { return !trouble_.empty(); }
  bool goes_on() const { return !verdict_ && !is_in_trouble(); }
  void judge();
  std::optional<Verdict> find_excuse() const;

  const Habit* habit_;
  std::uint64_t number_;
  Dice dice_;
  const Pattern& pattern_;
  const Chronicle& chronicle_;
  std::string address_;
  Endpoint endpoint_;
  UniqueFd fd_;
  std::uint16_t own_port_ = 0;
  StreamCheck check_;
  State state_ = State::kConnecting;
  std::size_t messages_left_;
  std::size_t message_left_ = 0;  ///< bytes
  std::size_t vanish_after_;      ///< bytes sent
  std::size_t sent_ = 0;
  std::size_t received_ = 0;
  Moment begun_ = Clock::now();
  Moment connected_at_{};
  Moment next_message_at_{};
  Moment last_move_ = Clock::now();  ///< a byte was sent or received
  /// How long it had been quiet when it sent the first of the bytes that have not come back.
  std::chrono::milliseconds quiet_before_{};
  bool can_send_ = false;
  bool is_in_a_hurry_ = false;
  std::chrono::milliseconds awake_;
  std::chrono::milliseconds last_sign_;  ///< of the server, on the clock that stands still with it
  std::chrono::milliseconds longest_silence_{};
  std::string trouble_;  ///< it ended before its time, in words, and there may be an excuse
  Moment trouble_at_{};
  bool is_broken_ = false;  ///< in place of FIN
  std::optional<Verdict> verdict_;
  std::string complaint_;
};

}  // namespace tcp_echo::test
