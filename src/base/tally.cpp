#include "tcp_echo/base/tally.hpp"

namespace tcp_echo {
namespace {

std::uint64_t value_of(std::uint64_t value) noexcept { return value; }
std::uint64_t value_of(const Counter& counter) noexcept { return counter.get(); }

void increase(std::uint64_t& value, std::uint64_t amount) noexcept { value += amount; }
void increase(Counter& counter, std::uint64_t amount) noexcept { counter.add(amount); }

template <class Into, class From>
void add_one(Into& into, const From& from) noexcept {
  increase(into, value_of(from));
}

template <class Into, class From, std::size_t Size>
void add_each(std::array<Into, Size>& into, const std::array<From, Size>& from) noexcept {
  for (std::size_t i = 0; i < Size; ++i) add_one(into[i], from[i]);
}

template <class Into, class From>
void add_histogram(Into& into, const From& from) noexcept {
  add_each(into.buckets, from.buckets);
  add_one(into.sum, from.sum);
}

/// Figures and counters have the same names. What is gone is read before what came, see Tally::add().
template <class Into, class From>
void add_all(Into& into, const From& from) noexcept {
  add_histogram(into.lifetimes, from.lifetimes);
  add_histogram(into.sizes, from.sizes);
  add_each(into.closed, from.closed);
  add_one(into.handed_over_out, from.handed_over_out);
  add_one(into.accepted, from.accepted);
  add_one(into.handed_over_in, from.handed_over_in);
  add_one(into.sent_bytes, from.sent_bytes);
  add_one(into.received_bytes, from.received_bytes);
  add_one(into.accept_pauses, from.accept_pauses);
  add_each(into.accept_errors, from.accept_errors);
  add_one(into.busy_nanoseconds, from.busy_nanoseconds);
  add_one(into.watched_nanoseconds, from.watched_nanoseconds);
}

}  // namespace

void Tally::add(const WorkerCounters& block) noexcept { add_all(*this, block); }
void Tally::add(const Tally& other) noexcept { add_all(*this, other); }
void Tally::add_to(WorkerCounters& block) const noexcept { add_all(block, *this); }

}  // namespace tcp_echo
