// A clock that stands still until a test turns it.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "tcp_echo/loop/timekeeper.hpp"

namespace tcp_echo::test {

class HandClock final : public Timekeeper {
 public:
  std::chrono::milliseconds now() const noexcept override { return now_; }

  std::unique_ptr<Bell> make_bell(std::function<void()> on_ring) override {
    return std::make_unique<HandBell>(*this, std::move(on_ring));
  }

  /// Rings whatever is due within that time, in the order of time, each when it is due.
  void turn(std::chrono::milliseconds time) {
    const auto until = now_ + time;
    while (HandBell* const next = first_due_by(until)) {
      now_ = std::max(now_, next->due());
      next->ring();
    }
    now_ = until;
  }

  /// The first that is due, however long that takes. False if nothing is.
  bool turn_to_next() {
    const auto* const next = first_due_by(std::chrono::milliseconds::max());
    if (next == nullptr) return false;
    turn(std::max(next->due() - now_, std::chrono::milliseconds::zero()));
    return true;
  }

 private:
  class HandBell final : public Bell {
   public:
    HandBell(HandClock& clock, std::function<void()> on_ring) : clock_(clock), on_ring_(std::move(on_ring)) {
      clock_.bells_.push_back(this);
    }
    ~HandBell() override { std::erase(clock_.bells_, this); }

    void start(std::chrono::milliseconds delay) override {
      due_ = clock_.now() + delay;
      is_running_ = true;
      order_ = ++clock_.starts_;
    }
    void stop() noexcept override { is_running_ = false; }
    bool is_running() const noexcept override { return is_running_; }
    std::chrono::milliseconds due_in() const noexcept override {
      return is_running_ ? std::max(due_ - clock_.now(), std::chrono::milliseconds::zero())
                         : std::chrono::milliseconds::zero();
    }

    std::chrono::milliseconds due() const noexcept { return due_; }
    bool is_before(const HandBell& other) const noexcept {
      return std::pair(due_, order_) < std::pair(other.due_, other.order_);
    }
    void ring() {
      is_running_ = false;
      const auto on_ring = on_ring_;  // the bell may be destroyed in it
      on_ring();
    }

   private:
    HandClock& clock_;
    std::function<void()> on_ring_;
    std::chrono::milliseconds due_{};
    unsigned order_ = 0;
    bool is_running_ = false;
  };

  HandBell* first_due_by(std::chrono::milliseconds time) const {
    HandBell* first = nullptr;
    for (auto* const bell : bells_) {
      if (!bell->is_running() || bell->due() > time) continue;
      if (first == nullptr || bell->is_before(*first)) first = bell;
    }
    return first;
  }

  std::chrono::milliseconds now_{1};  ///< 0 says "never" here and there
  std::vector<HandBell*> bells_;
  unsigned starts_ = 0;
};

}  // namespace tcp_echo::test
