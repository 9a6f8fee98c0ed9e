#include "soak/visitors.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

constexpr int kTurnMilliseconds = 5;

// A turn that took longer than this was the machine's, or our own, and says nothing about the service.
constexpr auto kLongestTurn = 50ms;

}  // namespace

Visitors::Visitors(const Chronicle& chronicle, std::uint64_t seed)
    : chronicle_(chronicle),
      dice_(seed),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      thread_([this] { run(); }) {}

Visitors::~Visitors() {
  over_ = true;
  thread_.join();
}

std::string Visitors::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::array<HabitCounts, kHabits.size()> Visitors::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Visitors::run() {
  while (!over_) turn();
}

void Visitors::turn() {
  std::array<epoll_event, 64> events{};
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), kTurnMilliseconds);
  keep_time();
  for (int i = 0; i < count; ++i) {
    auto& guest = *static_cast<Guest*>(events[static_cast<std::size_t>(i)].data.ptr);
    guest.visitor->on_ready(events[static_cast<std::size_t>(i)].events, awake_);
  }
  look_at_the_clock();
  if (!leaving_) fill_up();
  open_ = guests_.size();
}

void Visitors::keep_time() {
  const auto now = Clock::now();
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - last_turn_);
  if (passed < 1ms) return;
  last_turn_ = now;
  if (!chronicle_.is_frozen()) awake_ += std::min<std::chrono::milliseconds>(passed, kLongestTurn);
}

void Visitors::look_at_the_clock() {
  for (auto guest = guests_.begin(); guest != guests_.end();) {
    if (leaving_) guest->visitor->hurry();
    guest->visitor->on_time(awake_);
    const auto next = std::next(guest);
    if (!settle(guest)) guests_.erase(guest);
    guest = next;
  }
}

/// Whether it stays.
bool Visitors::settle(Guests::iterator guest) {
  if (guest->visitor->verdict()) {
    book(*guest);
    // A daemon that is being started may still have a copy of its descriptor, and then this would live on
    // with it.
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, guest->visitor->fd(), nullptr);
    --present_[guest->habit];
    return false;
  }
  const auto interest = guest->visitor->interest();
  if (interest != guest->interest) {
    epoll_event event{.events = interest, .data = {.ptr = &*guest}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, guest->visitor->fd(), &event);
    guest->interest = interest;
  }
  return true;
}

void Visitors::book(const Guest& guest) {
  const auto& visitor = *guest.visitor;
  const std::lock_guard lock(mutex_);
  auto& counts = counts_[guest.habit];
  ++counts.ended[static_cast<std::size_t>(*visitor.verdict())];
  counts.connected += visitor.was_connected() ? 1U : 0U;
  counts.bytes += visitor.checked_bytes();
  counts.longest_silence = std::max(counts.longest_silence, visitor.longest_silence());
  if (failure_.empty()) failure_ = visitor.complaint();
}

void Visitors::fill_up() {
  const auto now = Clock::now();
  for (std::size_t habit = 0; habit < kHabits.size(); ++habit) {
    if (present_[habit] >= kHabits[habit].population || now < next_arrival_[habit]) continue;
    next_arrival_[habit] =
        now +
        std::chrono::milliseconds(dice_.below(static_cast<std::size_t>(kHabits[habit].longest_gap.count())));
    admit(habit);
  }
}

void Visitors::admit(std::size_t habit) {
  const auto addresses = chronicle_.addresses();
  if (addresses.empty()) return;
  const auto& address = dice_.one_of(addresses);
  auto& guest = guests_.emplace_back();
  guest.habit = habit;
  guest.visitor = std::make_unique<Visitor>(kHabits[habit], ++last_number_, dice_.number(), pattern_,
                                            chronicle_, address, awake_);
  guest.interest = guest.visitor->interest();
  ++present_[habit];
  epoll_event event{.events = guest.interest, .data = {.ptr = &guest}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, guest.visitor->fd(), &event);
}

}  // namespace tcp_echo::test
