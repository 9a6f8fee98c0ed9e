#include "nursery.hpp"

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
static_assert(kMostSlots == kMaxWorkers, "the scoreboard has a slot for every worker that may be configured");

}  // namespace

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
  *free = true;
  scoreboard_.stamp();  // whatever another worker may have written there
  const std::array descriptors = {scoreboard_.fd()};
  (*child)->tell(
      ConfigureMessage{static_cast<std::uint32_t>(block), generation.listeners.is_inherited(), waits,
                       effective_toml(generation.config), generation.listeners.ids_of_slot(slot)},
      descriptors);
  return child;
}

std::unique_ptr<Child> Nursery::adopt(unsigned slot, const ChildRecord& record, const Generation& generation,
                                      Child::Holder& holder) {
  blocks_in_use_.at(record.block) = true;
  return Child::adopt(clock_, launcher_, post_for(slot, record.block, generation), record, holder);
}

Death Nursery::bury(unsigned slot, const Child& child, const ExitStatus& status) {
  auto text = child.obituary(status);
  if (const auto lost = counters_of(child).active(); lost > 0)
    text += fmt::format(", with {} open", counted(lost, "connection"));
  retire(scoreboard_.block(child.block()), scoreboard_.master().slots[slot].past);
  blocks_in_use_[child.block()] = false;
  on_gone_(child);
  return {std::move(text), status.is_clean(), child.served_for()};
}

}  // namespace tcp_echo
