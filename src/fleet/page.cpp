#include "page.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

// Other jobs wait for the end of a clearing, which takes a moment unless its worker is at a limit.
constexpr std::chrono::milliseconds kLongestClearing{10'000};

WorkerState published_state(SlotState state) {
  switch (state) {
    case SlotState::kEmpty:
    case SlotState::kGone:
    case SlotState::kSpent: return WorkerState::kNone;
    case SlotState::kWaiting: return WorkerState::kWaiting;
    case SlotState::kRetired: return WorkerState::kRetired;
    case SlotState::kStarting: return WorkerState::kStarting;
    case SlotState::kServing: return WorkerState::kServing;
    case SlotState::kHung: return WorkerState::kHung;
    case SlotState::kEmptying:
    case SlotState::kEmptyingAgain:
    case SlotState::kStopping: return WorkerState::kStopping;
  }
  return WorkerState::kNone;
}

bool is_gone(const std::unique_ptr<Slot>& slot) {
  return slot->state() == SlotState::kGone || slot->state() == SlotState::kSpent;
}

}  // namespace

FleetPage::FleetPage(Timekeeper& clock, Scoreboard& scoreboard, Launcher& launcher,
                     std::shared_ptr<const Generation> generation, unsigned slots, Fleet::Handlers handlers)
    : scoreboard_(scoreboard),
      handlers_(std::move(handlers)),
      events_(scoreboard),
      nursery_(clock, scoreboard, launcher,
               [this](const Child& worker) {
                 clearings_.on_worker_gone(worker);
                 census_.on_worker_gone(worker);
               }),
      clearings_(
          clock,
          [this](const auto& message, auto fds) { return roster_.tell_a_serving_worker(message, fds); },
          [this] { settle(); }),
      census_(clock),
      roster_(std::move(generation)),
      household_{clock, events_, nursery_, clearings_, census_, roster_, [this] { settle(); }},
      lending_(clock, roster_),
      ending_(clock, lending_, clearings_),
      departures_(household_),
      changeover_(household_, *this),
      watchdog_(clock, [this](auto since_last_look) { look_for_hung_workers(since_last_look); }) {
  grow_to(slots);
}

void FleetPage::grow_to(unsigned slots) {
  Slot::Host& host = *this;
  for (auto index = static_cast<unsigned>(roster_.slot_count()); index < slots; ++index)
    roster_.add(std::make_unique<Slot>(household_, ending_, host, index));
  lending_.grow_to(roster_.slot_count());
}

// ---- one event after the other

/// The fleet neither settles nor reports before the last of the steps, and then only if a part has asked it
/// to.
template <class Steps>
void FleetPage::as_one_event(Steps steps) {
  const bool is_part_of_another = std::exchange(is_busy_, true);
  steps();
  is_busy_ = is_part_of_another;
  if (is_wanted_) settle();
}

/// The order in which the parts act after an event. If a slot's worker has lost its place or has died, the
/// parts that dealt with this worker have been told by now.
void FleetPage::settle() {
  is_wanted_ = true;
  if (is_busy_) return;
  is_busy_ = true;
  if (!start_failure_) {
    hasten_next_start();
    lending_.settle();
    clearings_.settle();
    start_emptying();
  }
  show_who_serves();
  is_busy_ = is_wanted_ = false;
  begin_lists();
  report();
}

/// The slot whose worker accepts for that one: itself, or a borrower. Inherited sockets are polled by all.
std::optional<std::size_t> FleetPage::server_of(const Slot& slot) const {
  if (slot.serving() != nullptr) return slot.index();
  if (roster_.generation().listeners.is_inherited()) return roster_.first_serving();
  const auto borrower = lending_.borrower_of(slot.index());
  return borrower && roster_.serving(*borrower) != nullptr ? borrower : std::nullopt;
}

void FleetPage::show_who_serves() {
  for (const auto& slot : roster_.slots()) {
    const auto server = server_of(*slot);
    entry_of(*slot).served_by.store(server ? static_cast<std::uint32_t>(*server + 1) : 0);
  }
}

/// Comes last: the master's handlers may call the fleet at once.
void FleetPage::report() {
  if (startup_.is_up() && !std::exchange(was_up_, true)) handlers_.on_all_ready();
  if (start_failure_) handlers_.on_start_failure(*std::exchange(start_failure_, std::nullopt));
  handlers_.on_change();
  const bool all_are_gone =
      departures_.is_empty() && std::all_of(roster_.slots().begin(), roster_.slots().end(), is_gone);
  if (all_are_gone && !std::exchange(is_over_, true)) handlers_.on_all_gone();
}

/// While no worker serves, the worker that is due first does not wait for the whole of its backoff.
void FleetPage::hasten_next_start() {
  if (ending_.has_begun() || roster_.ready_count() > 0) return;
  Slot* next = nullptr;
  for (const auto& slot : roster_.slots()) {
    if (!slot->spawn_due_in()) continue;
    if (next == nullptr || slot->spawn_due_in() < next->spawn_due_in()) next = slot.get();
  }
  const auto soon = config().respawn_delay_min;
  if (next == nullptr || next->spawn_due_in() <= soon) return;
  spdlog::info("no worker serves: starting worker {} in {} already", next->index() + 1,
               format_duration(soon));
  next->hasten(soon);
}

/// Once the service ends, workers are started for listeners that no worker empties: one at a time, for how
/// many listeners the last one can take is not known before it is READY.
void FleetPage::start_emptying() {
  const auto is_starting = [](const auto& slot) {
    return slot->state() == SlotState::kEmptyingAgain && !slot->worker()->was_ready();
  };
  const auto& slots = roster_.slots();
  while (ending_.has_begun() && std::none_of(slots.begin(), slots.end(), is_starting)) {
    auto* const slot = ending_.next_to_drain(roster_);
    if (slot == nullptr) return;
    slot->handle(SlotEvent::kDrain);
  }
}

// ---- what the master wants

void FleetPage::start() {
  watchdog_.watch(config().watchdog);
  as_one_event([this] {
    for (const auto& slot : roster_.slots()) slot->handle(SlotEvent::kStart);
  });
}

/// Nothing is settled before the loop turns: should the rest of the take-over fail, the record is still true.
void FleetPage::restore(const FleetRecord& record) {
  startup_.skip();
  is_busy_ = was_up_ = true;
  for (const auto& slot : roster_.slots()) {
    const auto& former = record.slots.at(slot->index());
    lending_.restore(slot->index(), former.borrower);
    if (former.state != SlotState::kEmpty) slots_with_a_past_ = slot->index() + 1;
    slot->restore(former);
  }
  departures_.restore(record.leavers);
  show_who_serves();
  is_busy_ = false;
  lending_.settle_soon();
  watchdog_.watch(config().watchdog);
}

FleetRecord FleetPage::record() const {
  FleetRecord record;
  for (const auto& slot : roster_.slots())
    record.slots.push_back(slot->record(lending_.borrower_of(slot->index())));
  record.leavers = departures_.record();
  return record;
}

void FleetPage::move(Movement movement) {
  grow_to(movement.workers);
  changeover_.begin(std::move(movement));
}

bool FleetPage::is_moving() const {
  return changeover_.is_under_way() || !clearings_.is_empty() || departures_.is_moving();
}

/// Slots that were scaled away come last: a worker that is started for another slot takes their listeners
/// too.
void FleetPage::drain() {
  as_one_event([this] {
    end_within(config().shutdown_timeout);
    clearings_.settle();  // while there are workers that serve
    ending_.expect_emptiers(roster_);
    departures_.drain();
    const auto is_retired = [](const auto& slot) { return slot->state() == SlotState::kRetired; };
    for (const auto& slot : roster_.slots()) {
      if (!is_retired(slot)) slot->handle(SlotEvent::kDrain);
    }
    for (const auto& slot : roster_.slots()) {
      if (is_retired(slot)) slot->handle(SlotEvent::kDrain);
    }
  });
}

void FleetPage::stop() {
  as_one_event([this] {
    end_within(0ms);
    for (const auto& slot : roster_.slots()) slot->handle(SlotEvent::kStop);
    departures_.stop();
  });
}

void FleetPage::end_within(std::chrono::milliseconds time) {
  ending_.begin(time);
  lending_.end();
  if (changeover_.is_under_way()) on_candidate_failed({ExitCode::kTemporary, "the service stops"});
}

// ---- what the parts want

void FleetPage::on_step(const Slot& slot) {
  const auto* const worker = slot.worker();
  auto& entry = entry_of(slot);
  entry.block.store(static_cast<std::uint32_t>(worker == nullptr ? 0 : worker->block()));
  entry.pid.store(worker == nullptr ? 0 : worker->pid());
  entry.state.store(published_state(slot.state()));
  entry.generation.store(worker == nullptr ? 0 : worker->generation());
  entry.started_at.store(worker == nullptr ? 0 : worker->started_at().count());
  if (worker != nullptr) slots_with_a_past_ = std::max(slots_with_a_past_, slot.index() + 1);
  scoreboard_.master().slot_count.store(slots_with_a_past_);
}

void FleetPage::on_served(const Slot& slot) {
  if (startup_.is_up())
    return events_.tell(spdlog::level::info, EventKind::kRespawned, slot.worker()->name() + " is ready");
  startup_.on_ready(roster_.ready_count(), roster_.slot_count());
}

void FleetPage::let_leave(const Slot& slot, std::unique_ptr<Child> worker, bool is_dying) {
  lending_.forget_borrower(slot.index());
  if (worker == nullptr) return;
  auto& leaver = departures_.add(slot.index(), std::move(worker));
  if (is_dying) leaver.expect_death();
}

bool FleetPage::may_try_again(const Slot& slot, const Death& death) {
  std::vector<unsigned> failures;
  for (const auto& each : roster_.slots()) failures.push_back(each->failures_in_a_row());
  if (startup_.has_failed(failures)) {
    if (!start_failure_) start_failure_ = Error{ExitCode::kTemporary, death.text};
    return false;
  }
  entry_of(slot).restarts_for(death.reason).add(1);
  return true;
}

void FleetPage::on_refused_loan(const Slot& slot, const RefuseLoanMessage& message) {
  const std::size_t lender = message.slot - 1;
  if (!lending_.on_refused(lender, slot.index(), *slot.worker())) return;
  ending_.on_refused_loan(slot, lender);
  settle();
}

/// From here on nothing fails any more.
void FleetPage::on_candidates_ready() {
  if (auto ready = changeover_.movement().before_change(); !ready) return on_candidate_failed(ready.error());
  const auto movement = changeover_.finish();
  as_one_event([&] {
    const auto former = roster_.change_to(movement.generation);
    const auto removed = former->listeners.without(movement.generation->listeners);
    for (const auto& address : removed) ListenerSet::refuse_handshakes(address);
    for (const auto index : movement.renewed) roster_[index].handle(SlotEvent::kSucceeded);
    for (std::size_t i = movement.workers; i < roster_.slot_count(); ++i)
      roster_[i].handle(SlotEvent::kDismissed);
    watchdog_.watch(config().watchdog);
    clearings_.add(removed, std::min(config().shutdown_timeout, kLongestClearing));
    departures_.hand_over();
    settle();
  });
  movement.on_done({});
}

/// The candidates have accepted no client, so they are told to stop at once.
void FleetPage::on_candidate_failed(const Error& error) {
  const auto movement = changeover_.finish();
  for (const auto slot : movement.renewed) {
    if (auto candidate = changeover_.take(slot); candidate.worker != nullptr)
      departures_.add(slot, std::move(candidate.worker)).stop();
  }
  movement.on_done(tl::unexpected(error));
}

void FleetPage::look_for_hung_workers(std::chrono::milliseconds since_last_look) {
  as_one_event([&] {
    for (const auto& slot : roster_.slots()) slot->look_for_hang(since_last_look);
    departures_.abort_hung(since_last_look);
  });
}

// ---- what is passed on, and shown

void FleetPage::change_log(int descriptor, LogLevel level) {
  const LogMessage how{static_cast<std::uint8_t>(level)};
  nursery_.use_log_level(level);
  for (const auto& slot : roster_.slots()) {
    if (slot->worker() != nullptr) slot->worker()->change_log(descriptor, how);
  }
  changeover_.change_log(descriptor, how);
  departures_.change_log(descriptor, how);
}

/// A list that is begun right after a job shall be right: so it waits while connections are handed over,
/// which takes some seconds at most.
void FleetPage::list_connections(const ConnectionQuery& query, OnConnectionPage on_page) {
  if (query.place != 0 || !departures_.is_moving())
    return census_.ask(residents(), query, std::move(on_page));
  waiting_lists_.emplace_back(query, std::move(on_page));
}

void FleetPage::begin_lists() {
  if (departures_.is_moving()) return;
  for (auto& [query, on_page] : std::exchange(waiting_lists_, {}))
    census_.ask(residents(), query, std::move(on_page));
}

/// Workers that have not been READY have no connections.
std::vector<Census::Resident> FleetPage::residents() const {
  std::vector<Census::Resident> all;
  for (const auto& leaver : departures_.leavers())
    all.push_back({CensusPlace::of_leaver(leaver->worker()), &leaver->worker()});
  for (const auto& slot : roster_.slots())
    if (slot->worker() != nullptr) all.push_back({CensusPlace::of_placed(*slot->worker()), slot->worker()});
  std::erase_if(all, [](const auto& resident) { return !resident.worker->was_ready(); });
  return all;
}

pid_t FleetPage::worker_of(unsigned slot) const {
  const auto* const worker = slot < roster_.slot_count() ? roster_[slot].worker() : nullptr;
  return worker == nullptr ? 0 : worker->pid();
}

}  // namespace tcp_echo
