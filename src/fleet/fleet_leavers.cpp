// Fleet's part in leaving: workers that have lost their place, and who takes their connections.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>
#include <optional>
#include <utility>

#include "fleet_members.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

// Ten thousand connections move in less than a second. After this long they may not have found room, or
// nobody serves: other things need not wait for that.
constexpr auto kLongestHandOver = 3s;

// While no successor can be had: none serves, or the user's descriptors on their way are at their limit
// (ETOOMANYREFS, unix(7)).
constexpr auto kSuccessorRetry = 50ms;
constexpr auto kSuccessorRetryWhenStuck = 1s;

/// Gives each an end of a channel to the other. If the second cannot be told, the first sees the channel end.
Result<void> introduce(WorkerProcess& leaver, WorkerProcess& successor) {
  auto pair = make_channel_pair();
  if (!pair) return tl::unexpected(pair.error());
  const std::array successors_end = {pair->first.get()};
  const std::array leavers_end = {pair->second.get()};
  if (auto told = successor.try_tell(PredecessorMessage{}, successors_end); !told) return told;
  return leaver.try_tell(SuccessorMessage{}, leavers_end);
}

}  // namespace

Fleet::Leaver& Fleet::let_leave(Slot& slot, std::unique_ptr<WorkerProcess> worker) {
  auto& leaver = *leavers_.emplace_back(std::make_unique<Leaver>(*this, slot.index, std::move(worker)));
  leaver.overdue.start(kLongestHandOver);
  return leaver;
}

void Fleet::hand_over(Leaver& leaver) {
  leaver.retry.stop();
  if (!wants_successor(leaver)) return;
  if (!leaver.worker->is_reachable()) {
    spdlog::warn("{} speaks another protocol version; its connections end as they fall quiet, within {}",
                 leaver.worker->name(), format_duration(config().shutdown_timeout));
    return drain_leaver(leaver, config().shutdown_timeout);
  }
  const auto successor = successor_of(leaver);
  if (!successor) return try_again(leaver);
  leaver.successor = successor;  // also if it cannot be told: the next one is tried then
  auto& worker = *slots_[*successor]->worker;
  if (auto introduced = introduce(*leaver.worker, worker); !introduced) {
    spdlog::debug("{} cannot hand over to {}: {}", leaver.worker->name(), worker.name(),
                  introduced.error().text);
    return try_again(leaver);
  }
  spdlog::debug("{} hands over to {}", leaver.worker->name(), worker.name());
}

/// The worker of its own slot, if that serves; else the others in turn. One that was tried is tried last.
std::optional<std::size_t> Fleet::successor_of(const Leaver& leaver) const {
  const auto serves = [this](std::size_t index) { return slots_[index]->state == SlotState::kServing; };
  if (!leaver.successor && serves(leaver.index)) return leaver.index;
  const auto last = leaver.successor.value_or(leaver.index);
  for (std::size_t step = 1; step <= slots_.size(); ++step) {
    const auto index = (last + step) % slots_.size();
    if (serves(index)) return index;
  }
  return std::nullopt;
}

void Fleet::on_leaver_message(Leaver& leaver, const Message& message) {
  if (heeds_clearing(leaver.worker->block(), message)) return;
  if (std::holds_alternative<ReadyMessage>(message)) return leaver.worker->note_ready();
  if (!std::holds_alternative<StrandedMessage>(message)) return;  // it said so while it still had its place
  if (!wants_successor(leaver)) return;
  spdlog::debug("{} has lost its successor, or that has no room for more", leaver.worker->name());
  try_again(leaver);
}

bool Fleet::wants_successor(const Leaver& leaver) {
  return leaver.stage == Leaver::Stage::kMoving || leaver.stage == Leaver::Stage::kStuck;
}

void Fleet::try_again(Leaver& leaver) {
  leaver.retry.start(leaver.stage == Leaver::Stage::kStuck ? kSuccessorRetryWhenStuck : kSuccessorRetry);
}

/// Better that an old worker stays than that a client is closed: somebody may get room. The addresses that it
/// had may be removed meanwhile.
void Fleet::let_stay(Leaver& leaver) const {
  leaver.stage = Leaver::Stage::kStuck;
  spdlog::warn(
      "{} still has {} after {}, for no other worker has taken them; it serves them on, and tries again",
      leaver.worker->name(), counted(leaver.worker->counters().active(), "connection"),
      format_duration(kLongestHandOver));
  leaver.worker->tell(LetGoMessage{});
  handlers_.on_change();
}

void Fleet::on_leaver_overdue(Leaver& leaver) {
  switch (leaver.stage) {
    case Leaver::Stage::kMoving: return leaver.worker->was_ready() ? let_stay(leaver) : stop_leaver(leaver);
    case Leaver::Stage::kStuck: return;
    case Leaver::Stage::kDraining: return stop_leaver(leaver);
    case Leaver::Stage::kDying:
      spdlog::error("{} was to end and has not; killing it", leaver.worker->name());
      return leaver.worker->kill(SIGKILL);
  }
}

void Fleet::drain_leaver(Leaver& leaver, std::chrono::milliseconds left) const {
  leaver.stage = Leaver::Stage::kDraining;
  leaver.worker->tell_to_end(DrainMessage{static_cast<std::uint64_t>(left.count())});
  leaver.overdue.start(left + kGraceAfterDeadline);
  handlers_.on_change();  // nobody waits for it any more
}

void Fleet::stop_leaver(Leaver& leaver) {
  leaver.stage = Leaver::Stage::kDying;
  leaver.worker->tell_to_end(StopMessage{});
  leaver.overdue.start(kPatience);
}

void Fleet::expect_death(Leaver& leaver) {
  leaver.stage = Leaver::Stage::kDying;
  leaver.overdue.start(kPatienceAfterAbort);
}

Fleet::Leaver* Fleet::leaver_with(std::size_t block) {
  const auto found = std::find_if(leavers_.begin(), leavers_.end(),
                                  [block](const auto& each) { return each->worker->block() == block; });
  return found == leavers_.end() ? nullptr : found->get();
}

}  // namespace tcp_echo
