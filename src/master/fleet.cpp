#include "tcp_echo/master/fleet.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/loader.hpp"
#include "tcp_echo/config/options.hpp"
#include "tcp_echo/ipc/worker_call.hpp"
#include "tcp_echo/master/executable.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

static_assert(kMostListenersOfAWorker == kMaxListenAddresses, "every listen address reaches every worker");
static_assert(kMostSlots == kMaxWorkers, "the scoreboard has a slot for every worker that may be configured");

// A worker that served for a while is replaced at once; one that fails again and again must not keep the
// machine busy.
constexpr auto kStableService = 1s;
constexpr auto kDelayOfUnstable = 1s;

// A worker that was told to stop at once closes its connections in milliseconds, or it hangs.
constexpr auto kPatience = 500ms;

/// How a process ended, or why it could not be started.
struct Failure {
  Error error;
  bool is_clean = false;
  std::chrono::milliseconds served_for{};
};

spdlog::level::level_enum level_of(const Failure& failure) {
  return failure.is_clean ? spdlog::level::info : spdlog::level::err;
}

}  // namespace

struct Fleet::Slot {
  Slot(Loop& loop, unsigned position, Fleet& fleet)
      : index(position),
        late(loop, [this, &fleet] { fleet.on_late(*this); }),
        delay(loop, [this, &fleet] { fleet.handle(*this, SlotEvent::kDelayOver); }),
        patience(loop, [this, &fleet] { fleet.handle(*this, SlotEvent::kPatienceOver); }) {}

  unsigned index;  ///< from 0
  SlotState state = SlotState::kEmpty;
  std::unique_ptr<ChildProcess> process;
  std::unique_ptr<Channel> control;
  std::size_t block = 0;
  std::chrono::milliseconds started_at{};
  std::chrono::milliseconds ready_at{};
  Failure failure;  ///< how the last process ended, or why it was none
  bool late_for_sure = false;
  Timer late;
  Timer delay;
  Timer patience;
};

Fleet::Fleet(Loop& loop, Resources resources, unsigned slots, Handlers handlers)
    : loop_(loop), resources_(resources), handlers_(std::move(handlers)), blocks_in_use_(kMostBlocks) {
  for (unsigned i = 0; i < slots; ++i) slots_.push_back(std::make_unique<Slot>(loop, i, *this));
  resources_.scoreboard.master().slot_count.store(slots);
}

Fleet::~Fleet() = default;

void Fleet::start() {
  for (const auto& slot : slots_) handle(*slot, SlotEvent::kStart);
}

void Fleet::drain() {
  for (const auto& slot : slots_) handle(*slot, SlotEvent::kDrain);
}

void Fleet::stop() {
  for (const auto& slot : slots_) handle(*slot, SlotEvent::kStop);
}

void Fleet::handle(Slot& slot, SlotEvent event) {
  const auto [state, action] = step(slot.state, event);
  slot.state = state;
  act(slot, action);
}

void Fleet::act(Slot& slot, SlotAction action) {
  switch (action) {
    case SlotAction::kNone: return;
    case SlotAction::kSpawn: return spawn(slot);
    case SlotAction::kServe: return on_serving(slot);
    case SlotAction::kKill: return kill(slot);
    case SlotAction::kScheduleSpawn: return schedule_spawn(slot);
    case SlotAction::kTellDrain: publish(slot, WorkerState::kStopping); return tell(slot, DrainMessage{});
    case SlotAction::kTellStop:
      publish(slot, WorkerState::kStopping);
      if (!slot.patience.is_running())
        slot.patience.start(kPatience);  // asking again must not put the kill off
      return tell(slot, StopMessage{});
    case SlotAction::kLeave: return on_gone();
  }
}

void Fleet::kill(Slot& slot) {
  const auto why = slot.state == SlotState::kStarting
                       ? fmt::format("is not ready after {} (--ready-timeout)",
                                     format_duration(resources_.config.ready_timeout))
                       : "was told to stop at once and has not";
  spdlog::error("{} {}; killing it", name(slot), why);
  slot.process->kill(SIGKILL);
}

void Fleet::spawn(Slot& slot) {
  if (auto spawned = try_spawn(slot); !spawned) {
    const auto& [code, why] = spawned.error();
    slot.failure = {Error{code, fmt::format("worker {} cannot be started: {}", slot.index + 1, why)}, false,
                    0ms};
    handle(slot, SlotEvent::kFailed);
  }
}

Result<void> Fleet::try_spawn(Slot& slot) {
  auto pair = make_channel_pair();
  if (!pair) return tl::unexpected(pair.error());
  auto& [ours, theirs] = *pair;
  auto control = open_control(slot, std::move(ours));
  if (!control) return tl::unexpected(control.error());
  const auto listeners = resources_.listeners.of_slot(slot.index);
  const WorkerCall call{slot.index + 1, listeners.size()};
  SpawnRequest request;
  request.arguments = to_argv(call);
  request.descriptors.assign(static_cast<std::size_t>(call.program_descriptor()) + 1, -1);
  request.descriptors[kLogDescriptor] = resources_.log_descriptor;
  request.descriptors[kControlDescriptor] = theirs.get();
  std::copy(listeners.begin(), listeners.end(), request.descriptors.begin() + kFirstListenerDescriptor);
  request.descriptors.back() = resources_.executable;
  request.file = descriptor_path(call.program_descriptor());
  auto process =
      ChildProcess::spawn(loop_, request, [this, &slot](const ExitStatus& status) { on_exit(slot, status); });
  if (!process) return tl::unexpected(process.error());
  slot.process = std::move(*process);
  slot.control = std::move(*control);
  slot.block = free_block();
  blocks_in_use_[slot.block] = true;
  loop_.refresh_now();  // many spawns in one turn take longer than a worker's first steps
  slot.started_at = loop_.now();
  slot.late_for_sure = false;
  slot.late.start(resources_.config.ready_timeout);
  publish(slot, WorkerState::kStarting);
  introduce(slot);
  return {};
}

Result<std::unique_ptr<Channel>> Fleet::open_control(Slot& slot, UniqueFd fd) {
  Channel::Handlers handlers;
  handlers.on_message = [this, &slot](const Message& message, const std::vector<UniqueFd>&) {
    on_message(slot, message);
  };
  handlers.on_closed = [] {};  // the exit follows, and tells how
  handlers.on_nonsense = [this, &slot](const DecodeError& error) { on_nonsense(slot, error); };
  try {
    return std::make_unique<Channel>(loop_, std::move(fd), std::move(handlers));
  } catch (const FatalError& error) {  // fatal to a start, but this may be a respawn
    return failure(error.code(), error.what());
  }
}

/// A worker that cannot be told who it is will not become READY; that or its exit says so.
void Fleet::introduce(Slot& slot) {
  const std::array descriptors = {resources_.scoreboard.fd()};
  tell(slot, ConfigureMessage{static_cast<std::uint32_t>(slot.block), effective_toml(resources_.config)},
       descriptors);
}

void Fleet::on_message(Slot& slot, const Message& message) {
  if (std::holds_alternative<ReadyMessage>(message)) return handle(slot, SlotEvent::kReady);
  on_nonsense(slot, {DecodeError::Kind::kNonsense, "a message that only a master may send"});
}

void Fleet::on_nonsense(Slot& slot, const DecodeError& error) {
  switch (error.kind) {
    case DecodeError::Kind::kOtherVersion:
      spdlog::warn("{} speaks {}; letting it finish alone", name(slot), error.text);
      return slot.control.reset();
    case DecodeError::Kind::kNonsense:
      spdlog::error("{} sent {}; killing it", name(slot), error.text);
      return slot.process->kill(SIGKILL);
  }
}

/// Timers come before readiness in a turn of the loop. If this process did not run for a while, READY may be
/// waiting to be read: one more turn tells.
void Fleet::on_late(Slot& slot) {
  if (std::exchange(slot.late_for_sure, true)) return handle(slot, SlotEvent::kLate);
  slot.late.start(1ms);
}

void Fleet::on_serving(Slot& slot) {
  slot.late.stop();
  slot.ready_at = loop_.now();
  publish(slot, WorkerState::kReady);
  if (all_were_ready_) return spdlog::info("{} is ready", name(slot));
  all_were_ready_ = std::all_of(slots_.begin(), slots_.end(),
                                [](const auto& each) { return each->state == SlotState::kServing; });
  if (all_were_ready_) handlers_.on_all_ready();
}

void Fleet::on_exit(Slot& slot, const ExitStatus& status) {
  const bool was_ready = slot.ready_at >= slot.started_at;
  const auto now = loop_.now();
  auto& block = resources_.scoreboard.block(slot.block);
  const auto lost = block.active();
  auto text = fmt::format("{} {} after {:.1f} s", name(slot), status.text(),
                          std::chrono::duration<double>(now - slot.started_at).count());
  if (!was_ready) text += " before it was ready";
  if (lost > 0) text += fmt::format(", with {} open", counted(lost, "connection"));
  slot.failure = {Error{ExitCode::kTemporary, std::move(text)}, status.is_clean(),
                  was_ready ? now - slot.ready_at : 0ms};

  retire(block, resources_.scoreboard.master().slots[slot.index].past);
  blocks_in_use_[slot.block] = false;
  slot.late.stop();
  slot.patience.stop();
  slot.control.reset();
  slot.process.reset();
  publish(slot, WorkerState::kNone);
  if (slot.state == SlotState::kStopping) spdlog::log(level_of(slot.failure), "{}", slot.failure.error.text);
  handle(slot, SlotEvent::kFailed);
}

/// Before the service is up a failure is its end; afterwards it is the worker's alone.
void Fleet::schedule_spawn(Slot& slot) {
  if (!all_were_ready_) {
    if (!std::exchange(start_failed_, true)) handlers_.on_start_failure(slot.failure.error);
    return;
  }
  const auto delay = slot.failure.served_for >= kStableService ? 0ms : kDelayOfUnstable;
  spdlog::log(level_of(slot.failure), "{}; starting another {}", slot.failure.error.text,
              delay == 0ms ? "at once" : "in " + format_duration(delay));
  resources_.scoreboard.master().slots[slot.index].restarts.add(1);
  slot.delay.start(delay);
}

void Fleet::on_gone() {
  if (std::all_of(slots_.begin(), slots_.end(),
                  [](const auto& each) { return each->state == SlotState::kGone; }))
    handlers_.on_all_gone();
}

/// A worker that cannot be reached hangs or is about to be reaped; the timer that runs meanwhile decides.
void Fleet::tell(Slot& slot, const Message& message, std::span<const int> descriptors) {
  if (slot.control == nullptr) return;
  if (auto sent = slot.control->send(message, descriptors); !sent)
    spdlog::warn("{}: {}", name(slot), sent.error().text);
}

std::size_t Fleet::free_block() const {
  const auto found = std::find(blocks_in_use_.begin(), blocks_in_use_.end(), false);
  return static_cast<std::size_t>(found - blocks_in_use_.begin());
}

void Fleet::publish(const Slot& slot, WorkerState state) {
  auto& entry = resources_.scoreboard.master().slots[slot.index];
  entry.block.store(static_cast<std::uint32_t>(slot.block));
  entry.pid.store(slot.process == nullptr ? 0 : slot.process->pid());
  entry.state.store(state);
}

std::string Fleet::name(const Slot& slot) {
  return fmt::format("worker {} (pid {})", slot.index + 1, slot.process->pid());
}

}  // namespace tcp_echo
