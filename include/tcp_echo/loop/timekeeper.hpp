// Time as the parts of a process see it. A Loop is the clock of a running process; a test has one that it
// turns by hand.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace tcp_echo {

class Timekeeper {
 public:
  Timekeeper() = default;
  Timekeeper(const Timekeeper&) = delete;
  Timekeeper& operator=(const Timekeeper&) = delete;
  virtual ~Timekeeper() = default;

  /// When this turn of the loop began, in milliseconds of the monotonic clock; costs no system call.
  virtual std::chrono::milliseconds now() const noexcept = 0;

  /// What a Timer is made of: rings once for each start(). It may be destroyed while it rings.
  class Bell {
   public:
    Bell() = default;
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;
    virtual ~Bell() = default;
    /// `delay` is not negative, and counts from now(); a bell that was started already is set anew.
    virtual void start(std::chrono::milliseconds delay) = 0;
    virtual void stop() noexcept = 0;
    virtual bool is_running() const noexcept = 0;
    /// Until it rings; 0 if it does not run.
    virtual std::chrono::milliseconds due_in() const noexcept = 0;
  };
  virtual std::unique_ptr<Bell> make_bell(std::function<void()> on_ring) = 0;
};

}  // namespace tcp_echo
