#include "leaver.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "tcp_echo/base/overloaded.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/ipc/channel.hpp"
#include "tcp_echo/process/patience.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

// Ten thousand connections move in less than a second. After this long the other workers may have no room, or
// none serves: the next job need not wait for that.
constexpr auto kLongestHandOver = 3s;

// While no successor can be had: none serves, or the user's descriptors on their way are at their limit
// (ETOOMANYREFS, unix(7)).
constexpr auto kSuccessorRetry = 50ms;
constexpr auto kSuccessorRetryWhenStuck = 1s;

/// Gives each an end of a channel. If the leaver cannot be told then, the successor sees the channel end.
Result<void> introduce(Child& leaver, Child& successor) {
  auto pair = make_channel_pair();
  if (!pair) return tl::unexpected(pair.error());
  const std::array successors_end = {pair->first.get()};
  const std::array leavers_end = {pair->second.get()};
  if (auto told = successor.try_tell(PredecessorMessage{}, successors_end); !told) return told;
  return leaver.try_tell(SuccessorMessage{}, leavers_end);
}

}  // namespace

Leaver::Leaver(const Household& household, unsigned slot, std::unique_ptr<Child> worker,
               std::function<void()> on_left)
    : household_(household),
      slot_(slot),
      on_left_(std::move(on_left)),
      overdue_(household.clock, [this] { on_overdue(); }),
      retry_(household.clock, [this] { hand_over(); }),
      worker_(std::move(worker)) {
  if (worker_ != nullptr) worker_->report_to(*this);
  overdue_.start(kLongestHandOver);
}

Leaver::Leaver(const Household& household, const LeaverRecord& record, std::function<void()> on_left)
    : Leaver(household, record.slot, nullptr, std::move(on_left)) {
  worker_ = household.nursery.adopt(slot_, record.worker, household.crew.generation(), *this);
  switch (stage_ = record.stage) {
    case LeaverStage::kMoving:
    case LeaverStage::kStuck: try_again(); break;
    case LeaverStage::kDraining: begin_to_drain(); break;
    case LeaverStage::kDying: expect_death(); break;
  }
}

void Leaver::hand_over() {
  retry_.stop();
  if (!wants_successor()) return;
  if (!worker_->is_reachable()) {
    spdlog::warn("{} speaks another protocol version; its connections end as they fall quiet, within {}",
                 worker_->name(), format_duration(household_.config().shutdown_timeout));
    return begin_to_drain();
  }
  const auto next = next_successor();
  if (!next) return try_again();
  successor_ = next;  // also if it cannot be told: the next one is tried then
  auto& successor = *household_.crew.serving(*next);
  if (auto introduced = introduce(*worker_, successor); !introduced) {
    spdlog::debug("{} cannot hand over to {}: {}", worker_->name(), successor.name(),
                  introduced.error().text);
    return try_again();
  }
  spdlog::debug("{} hands over to {}", worker_->name(), successor.name());
}

/// The worker of its own slot, if that serves; else the others in turn. One that was tried is tried last.
std::optional<std::size_t> Leaver::next_successor() const {
  const auto& crew = household_.crew;
  if (!successor_ && crew.serving(slot_) != nullptr) return slot_;
  const auto last = successor_.value_or(slot_);
  for (std::size_t step = 1; step <= crew.slot_count(); ++step) {
    const auto slot = (last + step) % crew.slot_count();
    if (crew.serving(slot) != nullptr) return slot;
  }
  return std::nullopt;
}

void Leaver::on_message(Child& child, const ToMaster& message) {
  auto& clearings = household_.clearings;
  const auto is_over = [] {};  // the worker said so while it still had its place
  std::visit(
      Overloaded{[&](const ReadyMessage&) { child.note_ready(); },
                 [&](const StrandedMessage&) { on_stranded(); },
                 [&](const ClearedMessage& cleared) { clearings.on_cleared(child, cleared.number); },
                 [&](const RefuseClearMessage& refused) { clearings.on_refused(child, refused.number); },
                 [&](const LimitMessage& limit) { note_limit(child, limit, household_.events); },
                 [&](const ListedMessage& listed) { household_.census.on_listed(child, listed); },
                 [&](const BeatMessage&) { child.kill_for("sent a message of another role"); },
                 [&](const LeavingMessage&) { is_over(); }, [&](const EmptiedMessage&) { is_over(); },
                 [&](const RefuseLoanMessage&) { is_over(); }},
      message);
}

void Leaver::on_stranded() {
  if (!wants_successor()) return;
  spdlog::debug("{} has lost its successor, or that has no room for more", worker_->name());
  try_again();
}

void Leaver::on_exit(Child& child, const ExitStatus& status) {
  const auto death = household_.nursery.bury(slot_, child, status);
  announce(death, death.text, household_.events);
  const auto on_left = on_left_;
  on_left();
}

bool Leaver::wants_successor() const noexcept {
  return stage_ == LeaverStage::kMoving || stage_ == LeaverStage::kStuck;
}

void Leaver::try_again() {
  retry_.start(stage_ == LeaverStage::kStuck ? kSuccessorRetryWhenStuck : kSuccessorRetry);
}

/// Better that an old worker stays than that a client is closed: another worker may get room. It lets go of
/// its listeners, for their addresses may be removed meanwhile.
void Leaver::let_stay() {
  stage_ = LeaverStage::kStuck;
  spdlog::warn(
      "{} still has {} after {}, for no other worker has taken them; it serves them on, and tries again",
      worker_->name(), counted(household_.nursery.counters_of(*worker_).active(), "connection"),
      format_duration(kLongestHandOver));
  worker_->tell(LetGoMessage{});
  household_.settle();
}

void Leaver::on_overdue() {
  switch (stage_) {
    case LeaverStage::kMoving: return worker_->was_ready() ? let_stay() : stop();
    case LeaverStage::kStuck: return;
    case LeaverStage::kDraining: return stop();
    case LeaverStage::kDying: return worker_->kill_overdue();
  }
}

void Leaver::drain() {
  if (wants_successor()) begin_to_drain();
}

void Leaver::begin_to_drain() {
  const auto time = household_.config().shutdown_timeout;
  stage_ = LeaverStage::kDraining;
  worker_->tell_to_end(DrainMessage{static_cast<std::uint64_t>(time.count())});
  overdue_.start(time + kGraceAfterDeadline);
  household_.settle();  // no job waits for this leaver any more
}

void Leaver::stop() {
  if (stage_ == LeaverStage::kDying) return;
  stage_ = LeaverStage::kDying;
  worker_->tell_to_end(StopMessage{});
  overdue_.start(kPatience);
}

void Leaver::expect_death() {
  stage_ = LeaverStage::kDying;
  overdue_.start(kPatienceAfterAbort);
}

void Leaver::abort_if_hung(std::chrono::milliseconds since_last_look) {
  if (stage_ == LeaverStage::kDying || !worker_->is_hung(since_last_look)) return;
  household_.events.note(EventKind::kHung, worker_->abort(kPatienceAfterAbort));
  expect_death();
}

}  // namespace tcp_echo
