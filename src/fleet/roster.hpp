// All slots, and the generation that their workers are started in.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "household.hpp"
#include "slot.hpp"

namespace tcp_echo {

class Roster final : public Crew {
 public:
  explicit Roster(std::shared_ptr<const Generation> generation) : generation_(std::move(generation)) {}

  void add(std::unique_ptr<Slot> slot) { slots_.push_back(std::move(slot)); }
  /// Gives the former one.
  std::shared_ptr<const Generation> change_to(std::shared_ptr<const Generation> generation) {
    return std::exchange(generation_, std::move(generation));
  }

  std::shared_ptr<const Generation> shared_generation() const { return generation_; }

  const std::vector<std::unique_ptr<Slot>>& slots() const noexcept { return slots_; }
  Slot& operator[](std::size_t index) const { return *slots_.at(index); }
  std::size_t ready_count() const noexcept;
  std::optional<std::size_t> first_serving() const noexcept;
  /// Another one each time; null if none can be told.
  Child* tell_a_serving_worker(const ToWorker& message, std::span<const int> descriptors);

  const Generation& generation() const override { return *generation_; }
  std::size_t slot_count() const override { return slots_.size(); }
  Child* serving(std::size_t slot) const override { return slots_[slot]->serving(); }
  bool needs_borrower(std::size_t slot) const override { return slots_[slot]->needs_borrower(); }

 private:
  std::shared_ptr<const Generation> generation_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::size_t told_last_ = 0;
};

}  // namespace tcp_echo
