#include "nursery.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/options.hpp"
#include "tcp_echo/config/reader.hpp"
#include "tcp_echo/ipc/codec.hpp"

namespace tcp_echo {
namespace {

static_assert(kMostListenersOfAChild == kMaxListenAddresses, "every listen address reaches every worker");
static_assert(kMostListenersOfAChild <= kMostDescriptors, "the listeners of a slot are lent in one message");
static_assert(kMostAddressesShown >= kMaxListenAddresses, "the scoreboard shows every address");
static_assert(kMostSlots == kMaxWorkers, "the scoreboard has a slot for every worker that may be configured");

/// As it is counted, if another process takes its place.
RestartReason reason_for(const Child& child, const ExitStatus& status) {
  switch (child.doom()) {
    case Child::Doom::kHung: return RestartReason::kHung;
    case Child::Doom::kLate: return RestartReason::kLate;
    case Child::Doom::kNone: break;
  }
  return status.is_clean() ? RestartReason::kExit : RestartReason::kCrash;
}

}  // namespace

void announce(const Death& death, const std::string& text, EventLog& events) {
  if (death.is_clean) return spdlog::info("{}", text);
  events.tell(spdlog::level::err, EventKind::kCrashed, text);
}

void note_limit(const Child& worker, const LimitMessage& limit, EventLog& events) {
  const auto reason =
      limit.reason < kAcceptErrorCount ? static_cast<AcceptError>(limit.reason) : AcceptError::kOther;
  events.note(EventKind::kLimitReached,
              fmt::format("{} has paused accepting with {} open: {}", worker.name(),
                          counted(limit.connections, "connection"), text_of(reason)));
}

Nursery::Nursery(Timekeeper& clock, Scoreboard& scoreboard, Launcher& launcher,
                 std::function<void(const Child&)> on_gone)
    : clock_(clock),
      scoreboard_(scoreboard),
      launcher_(launcher),
      on_gone_(std::move(on_gone)),
      blocks_in_use_(kMostBlocks) {}

ChildPost Nursery::post_for(unsigned slot, std::size_t block, const Generation& generation) const {
  return {.role = kWorkerRole,
          .number = slot + 1,
          .block = block,
          .heartbeats = scoreboard_.block(block).heartbeats,
          .generation = generation.number,
          .watchdog = generation.config.watchdog};
}

Result<std::unique_ptr<Child>> Nursery::start(unsigned slot, const Generation& generation, bool waits,
                                              Child::Holder& holder) {
  const auto free = std::find(blocks_in_use_.begin(), blocks_in_use_.end(), false);
  if (free == blocks_in_use_.end()) return failure(ExitCode::kOsError, "too many processes still run");
  const auto block = static_cast<std::size_t>(free - blocks_in_use_.begin());
  auto child = Child::start(clock_, launcher_, post_for(slot, block, generation),
                            generation.listeners.of_slot(slot), holder);
  if (!child) return child;
  scoreboard_.clear(block);
  take_block(block, slot);
  scoreboard_.stamp();  // whatever another worker may have written there
  const std::array descriptors = {scoreboard_.fd()};
  (*child)->tell(
      ConfigureMessage{static_cast<std::uint32_t>(block), generation.listeners.is_inherited(), waits,
                       configuration_in(generation), generation.listeners.ids_of_slot(slot)},
      descriptors);
  return child;
}

std::string Nursery::configuration_in(const Generation& generation) const {
  auto config = generation.config;
  config.log_level = log_level_.value_or(config.log_level);
  return effective_toml(config);
}

std::unique_ptr<Child> Nursery::adopt(unsigned slot, const ChildRecord& record, const Generation& generation,
                                      Child::Holder& holder) {
  take_block(record.block, slot);
  return Child::adopt(clock_, launcher_, post_for(slot, record.block, generation), record, holder);
}

void Nursery::take_block(std::size_t block, unsigned slot) {
  blocks_in_use_.at(block) = true;
  scoreboard_.assign(block, slot);
}

Death Nursery::bury(unsigned slot, const Child& child, const ExitStatus& status) {
  auto text = child.obituary(status);
  if (const auto lost = counters_of(child).active(); lost > 0)
    text += fmt::format(", with {} open", counted(lost, "connection"));
  scoreboard_.retire(child.block(), slot);
  blocks_in_use_[child.block()] = false;
  on_gone_(child);
  return {std::move(text), status.is_clean(), child.served_for(), reason_for(child, status)};
}

}  // namespace tcp_echo
