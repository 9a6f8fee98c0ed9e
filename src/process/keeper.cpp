#include "tcp_echo/process/keeper.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "tcp_echo/base/overloaded.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/process/patience.hpp"

namespace tcp_echo {

using namespace std::chrono_literals;

struct Keeper::Resident {
  Counter beats;
  Listeners listeners;
  std::unique_ptr<Child> child;
  bool was_told_to_leave = false;
  std::unique_ptr<Timer> overdue;  ///< it is killed then: it was told to leave, or hangs

  std::vector<int> descriptors() const {
    std::vector<int> all;
    all.reserve(listeners.size());
    for (const auto& listener : listeners) all.push_back(listener->get());
    return all;
  }
};

Keeper::Keeper(Timekeeper& clock, Launcher& launcher, EventLog& events, const ChildRole& role, Host& host)
    : clock_(clock),
      launcher_(launcher),
      events_(events),
      role_(role),
      host_(host),
      plan_{.backoff = {0ms, 0ms}},
      retry_(clock, [this] { start_next(); }),
      take_up_(clock, [this] { take_up(); }),
      late_(clock, [this] { on_late(); }),
      watchdog_(clock, [this](std::chrono::milliseconds since) { abort_if_hung(since); }) {}

Keeper::~Keeper() = default;

void Keeper::keep(KeeperPlan plan) {
  const bool has_other_listeners = plan.listeners != plan_.listeners;
  if (has_other_listeners) start_one_to_empty_queues();
  retry_.stop();
  late_.stop();
  plan_ = std::move(plan);
  if (has_other_listeners) clear_listeners();
  if (candidate_) dismiss(std::exchange(candidate_, nullptr), kTimeToFinish);
  watchdog_.watch(plan_.watchdog);
  if (!plan_.listeners.empty()) start_next();
}

/// Clients may wait there whom the next process will not see. The one that is told to leave answers them; if
/// there is none, it is started for that.
void Keeper::start_one_to_empty_queues() {
  if (!serving_ && !candidate_ && !plan_.listeners.empty()) start_next();
}

/// Also those leave soon then that had been given more time.
void Keeper::clear_listeners() {
  for (const auto& leaver : leavers_) tell_to_leave(*leaver, kTimeToClear);
  for (auto* const resident : {&candidate_, &serving_})
    if (*resident) dismiss(std::exchange(*resident, nullptr), kTimeToClear);
}

void Keeper::start_next() {
  auto resident = std::make_unique<Resident>();
  resident->listeners = plan_.listeners;
  auto child = Child::start(clock_, launcher_, post_for(*resident), resident->descriptors(), *this);
  if (!child) {
    host_.on_failure();
    return try_later(fmt::format("no {} process can be started: {}", role_.word, child.error().text), 0ms,
                     false);
  }
  resident->child = std::move(*child);
  candidate_ = std::move(resident);
  late_.start(plan_.ready_timeout);
  host_.introduce(*candidate_->child);
}

ChildPost Keeper::post_for(const Resident& resident) const {
  return {.role = role_,
          .number = 1,
          .block = 0,  // it has none
          .heartbeats = resident.beats,
          .generation = plan_.generation,
          .watchdog = plan_.watchdog};
}

void Keeper::on_message(Child& child, const ToMaster& message) {
  std::visit(Overloaded{
                 [&](const ReadyMessage&) { on_ready(child); },
                 [&](const BeatMessage&) {
                   if (auto* const resident = find(child)) resident->beats.add(1);
                   host_.on_beat(child);
                 },
                 [&](const auto&) { child.kill_for("sent a message of another role"); },
             },
             message);
}

void Keeper::on_ready(Child& child) {
  if (!candidate_ || candidate_->child.get() != &child) return;
  late_.stop();
  child.note_ready();
  auto former = std::exchange(serving_, std::exchange(candidate_, nullptr));
  if (former) dismiss(std::move(former), kTimeToFinish);
}

void Keeper::dismiss(ResidentPointer resident, std::chrono::milliseconds time) {
  tell_to_leave(*resident, time);
  leavers_.push_back(std::move(resident));
}

/// One that hangs may have less time left already.
void Keeper::tell_to_leave(Resident& resident, std::chrono::milliseconds time) {
  resident.was_told_to_leave = true;
  resident.child->tell_to_end(DrainMessage{static_cast<std::uint64_t>(time.count())});
  kill_after(resident, time + kGrace);
}

void Keeper::kill_after(Resident& resident, std::chrono::milliseconds time) {
  if (!resident.overdue)
    resident.overdue =
        std::make_unique<Timer>(clock_, [child = resident.child.get()] { child->kill_overdue(); });
  resident.overdue->start_within(time);
}

void Keeper::on_exit(Child& child, const ExitStatus& status) {
  const auto text = child.obituary(status);
  const auto served_for = child.served_for();
  if (forget_leaver(child)) {
    spdlog::log(status.is_clean() ? spdlog::level::info : spdlog::level::err, "{}", text);
    host_.on_left();
    return tell_if_gone();
  }
  if (candidate_ && candidate_->child.get() == &child) {
    late_.stop();
    candidate_.reset();
  } else {
    serving_.reset();
  }
  if (!status.is_clean()) host_.on_failure();
  try_later(text, served_for, status.is_clean());
}

/// A failure after another one is in the log only: events of the service itself have their place among the
/// last ones.
void Keeper::try_later(const std::string& what, std::chrono::milliseconds served_for, bool is_clean) {
  if (candidate_) return spdlog::error("{}; its successor starts already", what);
  const auto delay = plan_.backoff.after_failure(served_for);
  const auto failures = plan_.backoff.failures_in_a_row();
  const auto when = delay == 0ms ? "at once" : "in " + format_duration(delay);
  const auto count = failures > 1 ? fmt::format(" ({} failure in a row)", ordinal(failures)) : "";
  const auto text = fmt::format("{}; starting another {}{}", what, when, count);
  retry_.start(delay);
  if (is_clean) return spdlog::info("{}", text);
  if (failures > 1) return spdlog::error("{}", text);
  events_.tell(spdlog::level::err, EventKind::kCrashed, text);
}

void Keeper::on_late() { candidate_->child->kill_late(plan_.ready_timeout); }

void Keeper::abort_if_hung(std::chrono::milliseconds since_last_look) {
  const bool is_being_killed = serving_ && serving_->overdue;
  if (!serving_ || is_being_killed || !serving_->child->is_reachable()) return;
  if (!serving_->child->is_hung(since_last_look)) return;
  events_.note(EventKind::kHung, serving_->child->abort(kPatienceAfterAbort));
  kill_after(*serving_, kPatienceAfterAbort);
}

void Keeper::end(std::chrono::milliseconds time) {
  is_ending_ = true;
  retry_.stop();
  take_up_.stop();
  late_.stop();
  watchdog_.watch(0ms);
  for (const auto& leaver : leavers_) tell_to_leave(*leaver, time);
  for (auto* const resident : {&candidate_, &serving_})
    if (*resident) dismiss(std::exchange(*resident, nullptr), time);
  tell_if_gone();
}

void Keeper::tell_if_gone() {
  if (is_ending_ && leavers_.empty()) host_.on_gone();
}

void Keeper::change_log(int descriptor, const LogMessage& how) {
  for (const auto* const resident : {&candidate_, &serving_})
    if (*resident) (*resident)->child->change_log(descriptor, how);
  for (const auto& leaver : leavers_) leaver->child->change_log(descriptor, how);
}

bool Keeper::holds_removed_listeners() const {
  return std::any_of(leavers_.begin(), leavers_.end(),
                     [this](const auto& leaver) { return leaver->listeners != plan_.listeners; });
}

Keeper::Resident* Keeper::find(const Child& child) const {
  for (const auto* const resident : {&candidate_, &serving_})
    if (*resident && (*resident)->child.get() == &child) return resident->get();
  return nullptr;
}

bool Keeper::forget_leaver(const Child& child) {
  return std::erase_if(leavers_, [&child](const auto& leaver) { return leaver->child.get() == &child; }) > 0;
}

// ---- from program to program

/// One that was not READY yet is as good as one that leaves: the next program starts its own.
KeeperRecord Keeper::record() const {
  KeeperRecord record;
  if (serving_) record.child = serving_->child->record();
  if (candidate_) record.leavers.push_back(candidate_->child->record());
  for (const auto& leaver : leavers_) record.leavers.push_back(leaver->child->record());
  return record;
}

void Keeper::restore(const KeeperRecord& record, KeeperPlan plan) {
  plan_ = std::move(plan);
  for (const auto& leaver : record.leavers) leavers_.push_back(adopt(leaver));
  if (record.child) serving_ = adopt(*record.child);
  watchdog_.watch(plan_.watchdog);
  take_up_.start(0ms);
}

void Keeper::take_up() {
  for (const auto& leaver : leavers_)
    if (!leaver->was_told_to_leave) tell_to_leave(*leaver, kTimeToFinish);
  if (!plan_.listeners.empty() && !serving_ && !candidate_) start_next();
}

Keeper::ResidentPointer Keeper::adopt(const ChildRecord& record) {
  auto resident = std::make_unique<Resident>();
  resident->listeners = plan_.listeners;
  resident->child = Child::adopt(clock_, launcher_, post_for(*resident), record, *this);
  return resident;
}

}  // namespace tcp_echo
