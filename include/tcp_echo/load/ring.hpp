// A queue in one piece of memory that grows by doubling and never shrinks: once it is as large as it needs to
// be, pushing and popping allocate nothing.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace tcp_echo {

template <class T>
class Ring {
 public:
  bool is_empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  /// The oldest; only if there is one.
  const T& front() const noexcept { return slots_[begin_]; }

  void push(T value) {
    if (size_ == slots_.size()) grow();
    slots_[(begin_ + size_) & (slots_.size() - 1)] = value;
    ++size_;
  }
  void pop() noexcept {
    begin_ = (begin_ + 1) & (slots_.size() - 1);
    --size_;
  }
  void clear() noexcept { begin_ = size_ = 0; }

 private:
  void grow() {
    std::vector<T> wider(slots_.empty() ? 1 : 2 * slots_.size());
    for (std::size_t i = 0; i < size_; ++i) wider[i] = slots_[(begin_ + i) & (slots_.size() - 1)];
    slots_ = std::move(wider);
    begin_ = 0;
  }

  std::vector<T> slots_;  ///< a power of two, or none
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
};

}  // namespace tcp_echo
