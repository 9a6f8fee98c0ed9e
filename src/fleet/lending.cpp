#include "lending.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

// A loan fails when the user's descriptors in flight are at their limit (ETOOMANYREFS, unix(7)), or when the
// borrower's channel is full.
constexpr auto kLoanRetry = 200ms;

// A worker that could not take a loan is not asked again before.
constexpr auto kRefusalHolds = 1s;

}  // namespace

Lending::Lending(Timekeeper& clock, const Crew& crew)
    : clock_(clock), crew_(crew), retry_(clock, [this] { settle(); }) {}

void Lending::end() {
  has_ended_ = true;
  retry_.stop();
}

void Lending::grow_to(std::size_t slots) {
  loans_.grow_to(slots);
  lent_.resize(slots);
  refusals_.resize(slots);
}

void Lending::settle_soon() { retry_.start(kLoanRetry); }

void Lending::settle() {
  if (has_ended_ || crew_.generation().listeners.is_inherited()) return;  // all slots share those
  end_outdated_loans();
  for (const auto& [lender, from, to] : loans_.settle(lenders())) {
    if (from) end_loan(lender, *from);
    if (to && !lend(lender, *to, *able(*to))) loans_.set_borrower(lender, std::nullopt);
  }
  if (!is_settled()) settle_soon();
}

/// Since the loan was made the slot has had a worker again, on more addresses, and that worker was gone
/// before the loan could be taken back.
bool Lending::is_outdated(std::size_t lender) const {
  return needs_borrower(lender) && borrower_of(lender) && lent_[lender] != listeners_of(lender);
}

/// The lender is served by its own worker again. A borrower that cannot be told accepts on until it can.
void Lending::end_loan(std::size_t lender, std::size_t borrower) {
  if (!take_back(lender, *able(borrower))) return loans_.set_borrower(lender, borrower);
  spdlog::info("worker {} serves its listeners again; worker {} gives them back", lender + 1, borrower + 1);
}

void Lending::end_outdated_loans() {
  for (std::size_t lender = 0; lender < crew_.slot_count(); ++lender) {
    if (!is_outdated(lender)) continue;
    const auto borrower = *borrower_of(lender);
    auto* const worker = able(borrower);
    if (worker == nullptr || take_back(lender, *worker)) loans_.set_borrower(lender, std::nullopt);
  }
}

std::vector<Lender> Lending::lenders() const {
  std::vector<Lender> lenders;
  lenders.reserve(crew_.slot_count());
  for (std::size_t slot = 0; slot < crew_.slot_count(); ++slot)
    lenders.push_back({needs_borrower(slot), able(slot) != nullptr, is_full(slot)});
  return lenders;
}

/// The worker that serves there has refused a loan a moment ago. The next worker of the slot may have room.
bool Lending::is_full(std::size_t slot) const {
  const auto* const worker = crew_.serving(slot);
  const auto& refusal = refusals_[slot];
  return worker != nullptr && worker->pid() == refusal.worker && clock_.now() < refusal.holds_until;
}

/// A slot that was scaled away has no listeners at addresses that were added since.
bool Lending::needs_borrower(std::size_t slot) const {
  return crew_.needs_borrower(slot) && !listeners_of(slot).empty();
}

/// Also if no worker serves, for then nothing can be done.
bool Lending::is_settled() const {
  bool all_are_settled = true;
  bool a_worker_serves = false;
  for (std::size_t slot = 0; slot < crew_.slot_count(); ++slot) {
    all_are_settled &= needs_borrower(slot) == borrower_of(slot).has_value() && !is_outdated(slot);
    a_worker_serves |= crew_.serving(slot) != nullptr;
  }
  return all_are_settled || !a_worker_serves;
}

Child* Lending::able(std::size_t slot) const {
  auto* const worker = crew_.serving(slot);
  return worker != nullptr && worker->is_reachable() ? worker : nullptr;
}

bool Lending::lend(std::size_t lender, std::size_t borrower, Child& worker) {
  const LendMessage message{static_cast<std::uint32_t>(lender + 1), listeners_of(lender)};
  const auto descriptors = crew_.generation().listeners.of_slot(static_cast<unsigned>(lender));
  if (auto told = worker.try_tell(message, descriptors); !told) {
    spdlog::warn("the listeners of worker {} cannot be lent to {}: {}{}", message.slot, worker.name(),
                 told.error().text, has_ended_ ? "" : "; trying again in " + format_duration(kLoanRetry));
    return false;
  }
  loans_.set_borrower(lender, borrower);
  lent_[lender] = message.listeners;
  spdlog::info("the listeners of worker {} are lent to worker {}", message.slot, borrower + 1);
  return true;
}

bool Lending::take_back(std::size_t lender, Child& worker) {
  const TakeBackMessage message{static_cast<std::uint32_t>(lender + 1)};
  if (auto told = worker.try_tell(message); !told) {
    spdlog::warn("{} cannot be told to give the listeners of worker {} back: {}; trying again in {}",
                 worker.name(), message.slot, told.error().text, format_duration(kLoanRetry));
    return false;
  }
  return true;
}

/// The borrower is at its limit of open files: another worker may have room, or this one later.
bool Lending::on_refused(std::size_t lender, std::size_t borrower, Child& worker) {
  if (lender >= crew_.slot_count()) return false;
  const auto current = borrower_of(lender);
  // Not in one condition: GCC would read the value of an empty one first, which Valgrind takes amiss.
  if (!current.has_value()) return false;
  if (*current != borrower) return false;
  const auto number = static_cast<std::uint32_t>(lender + 1);
  spdlog::warn("{} cannot take the listeners of worker {}: it has no room for them", worker.name(), number);
  // The refusal may be that of an earlier loan, which was taken back, and this one may have been accepted.
  worker.tell(TakeBackMessage{number});
  refusals_[borrower] = {worker.pid(), clock_.now() + kRefusalHolds};
  loans_.set_borrower(lender, std::nullopt);
  return true;
}

}  // namespace tcp_echo
