#include "tcp_echo/worker/worker.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <utility>

#include "connection_list.hpp"
#include "desks.hpp"
#include "hand_over.hpp"
#include "take_over.hpp"
#include "tcp_echo/base/cpu.hpp"
#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/log.hpp"
#include "tcp_echo/base/overloaded.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/log_settings.hpp"
#include "tcp_echo/config/reader.hpp"
#include "tcp_echo/ipc/heartbeat.hpp"
#include "tcp_echo/ipc/log_call.hpp"
#include "tcp_echo/ipc/role_call.hpp"
#include "tcp_echo/worker/fault.hpp"
#include "tcp_echo/worker/orphan.hpp"
#include "vitals.hpp"
#include "worker_fsm.hpp"

namespace tcp_echo {
namespace {

static_assert(WorkerPhase{} == WorkerPhase::kConfiguring, "what a worker begins with");

// So that a worker which others hand their connections to, or which opens a file, is never out of
// descriptors.
constexpr int kSpareDescriptors = 16;

// How often a worker whose control channel has ended looks whether its master is dead, and after how many
// looks it is sure that it is not. On a busy machine a process that dies may wait for a processor half way.
constexpr std::chrono::milliseconds kMasterCheck{20};
constexpr unsigned kMasterLooks = 50;

EchoSettings echo_settings(const Config& config) {
  EchoSettings settings;
  settings.idle_timeout = config.idle_timeout;
  settings.linger_timeout = config.linger_timeout;
  settings.idle_notice = config.idle_notice;
  settings.send_reset = config.send_reset;
  settings.nodelay = config.nodelay;
  settings.keepalive = std::chrono::ceil<std::chrono::seconds>(config.keepalive);
  settings.most_connections = config.worker_connections;
  settings.descriptor_limit = std::max(open_files_limit() - kSpareDescriptors, 0);
  return settings;
}

/// One bad pin costs speed, not service.
void pin(unsigned slot) {
  const auto cpus = usable_cpus();
  if (auto pinned = pin_to_cpu(cpus[(slot - 1) % cpus.size()]); !pinned)
    spdlog::warn("{}; running unpinned", pinned.error().text);
}

/// So that workers that began together are not replaced together.
std::uint64_t with_jitter(unsigned recycle_after) {
  std::minstd_rand random(std::random_device{}());
  return recycle_after + std::uniform_int_distribution<unsigned>(0, recycle_after / 4)(random);
}

/// With the ids that came along. Descriptors get lost on their way to a worker at its limit of open files:
/// all of them, and then there are no listeners.
std::vector<Desks::Listener> with_ids(std::vector<UniqueFd> sockets, const std::vector<ListenerId>& ids) {
  std::vector<Desks::Listener> listeners;
  for (std::size_t i = 0; i < std::min(sockets.size(), ids.size()); ++i)
    listeners.push_back({std::move(sockets[i]), ids[i]});
  return listeners;
}

/// On the clock of the loops, and finer.
std::chrono::nanoseconds precise_now() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

Worker::Worker(WorkerBirth birth)
    : birth_(std::move(birth)),
      desks_(std::make_unique<Desks>(
          loop_, echo_,
          Desks::Handlers{.on_emptied = [this] { on_emptied(); },
                          .on_cleared = [this](std::uint32_t number) { on_cleared(number); }})),
      heartbeat_(loop_, [this] { beat(); }),
      deadline_(loop_, [this] { handle(WorkerEvent::kDeadline); }),
      master_check_(loop_, [this] { on_channel_closed(); }),
      terminate_(loop_, SIGTERM, [this](int) { handle(WorkerEvent::kLeaveAsked); }),
      quit_(loop_, SIGQUIT, [this](int) { handle(WorkerEvent::kLeaveAsked); }),
      control_(loop_, std::move(birth_.control),
               {.on_message =
                    [this](const ToWorker& message, std::vector<UniqueFd> descriptors) {
                      on_message(message, std::move(descriptors));
                    },
                .on_closed = [this] { on_channel_closed(); },
                .on_nonsense = [this](const DecodeError& error) { on_nonsense(error); }}) {}

Worker::~Worker() = default;

ExitCode Worker::run() {
  loop_.run();
  return exit_code_;
}

void Worker::on_message(const ToWorker& received, std::vector<UniqueFd> descriptors) {
  const auto by_kind = Overloaded{
      [&](const ConfigureMessage& message) { configure(message, std::move(descriptors)); },
      [&](const AcceptMessage&) { desks_->begin_to_accept(); },
      [&](const LendMessage& message) { lend(message, std::move(descriptors)); },
      [&](const TakeBackMessage& message) { take_back(message); },
      [&](const ClearMessage& message) { clear(message, std::move(descriptors)); },
      [&](const GiveUpMessage& message) {
        desks_->give_up(message.number);
        on_emptied();
      },
      [&](const LetGoMessage&) { desks_->let_go(); },
      [&](const PredecessorMessage&) { take_over(std::move(descriptors)); },
      [&](const SuccessorMessage&) {
        if (descriptors.empty()) return on_stranded();
        successor_ = std::move(descriptors.front());
        handle(WorkerEvent::kSuccessor);
      },
      [&](const DrainMessage& message) {
        time_to_end_ = std::chrono::milliseconds(message.milliseconds);
        handle(WorkerEvent::kDrainAsked);
      },
      [&](const StopMessage&) { handle(WorkerEvent::kStopAsked); },
      [&](const LogMessage& message) { follow_log(message, descriptors); },
      [&](const ListMessage& message) {  // before it is configured it has no connections
        say(connections_ ? list_connections(*connections_, message)
                         : ListedMessage{.number = message.number});
      },
      [&](const HeardMessage&) { fail(ExitCode::kSoftware, "the master sent a message of another role"); },
  };
  std::visit(by_kind, received);
}

void Worker::on_nonsense(const DecodeError& error) {
  switch (error.kind) {
    case DecodeError::Kind::kOtherVersion:
      spdlog::warn("the master speaks {}; leaving the service to another worker", error.text);
      return on_channel_closed();
    case DecodeError::Kind::kNonsense: return fail(ExitCode::kSoftware, "the master sent " + error.text);
  }
}

/// A dead master leaves the listeners to its workers: they take the clients that wait. A master that lives
/// has let go of this worker, and has other ones for that. But the channel of a master that dies closes a
/// moment before it is dead. Until it is clear which it is, clients that wait are left to whoever will have
/// them.
void Worker::on_channel_closed() {
  is_alone_ = true;
  if (is_orphan()) {
    spdlog::warn("the master is gone; finishing what is under way");
    handle(WorkerEvent::kOrphaned);
    if (phase_ == WorkerPhase::kDraining) on_emptied();  // the master may have told us to drain before
    return;
  }
  handle(++looks_for_master_ > kMasterLooks ? WorkerEvent::kAbandoned : WorkerEvent::kCutOff);
  master_check_.start(kMasterCheck);
}

void Worker::configure(const ConfigureMessage& message, std::vector<UniqueFd> descriptors) {
  if (phase_ != WorkerPhase::kConfiguring)
    return fail(ExitCode::kSoftware, "the master sent a second configuration");
  if (descriptors.size() != 1 || message.block >= kMostBlocks)
    return fail(ExitCode::kSoftware, "the master sent no usable scoreboard");
  if (message.listeners.size() != birth_.listeners.size())
    return fail(ExitCode::kSoftware, "the master sent not as many listeners as it names");
  listener_ids_ = message.listeners;
  auto config = parse_effective_toml(message.configuration);
  if (!config) return fail(ExitCode::kSoftware, config.error().text);
  auto scoreboard = Scoreboard::map(descriptors.front());
  if (!scoreboard) return fail(scoreboard.error().code, scoreboard.error().text);
  config_ = std::move(*config);
  scoreboard_.emplace(std::move(*scoreboard));
  block_ = message.block;
  shares_listeners_ = message.shares_listeners;
  waits_ = message.waits;
  time_to_end_ = config_.shutdown_timeout;
  handle(WorkerEvent::kConfigured);
}

void Worker::handle(WorkerEvent event) noexcept {
  const auto [phase, action] = step(phase_, event);
  phase_ = phase;
  try {
    act(action);
  } catch (const FatalError& error) {  // only starting up throws
    fail(error.code(), error.what());
  }
}

void Worker::act(WorkerAction action) {
  switch (action) {
    case WorkerAction::kNone: return;
    case WorkerAction::kServe: return serve();
    case WorkerAction::kAskForSuccessor: return say(LeavingMessage{});
    case WorkerAction::kHold: return desks_->hold();
    case WorkerAction::kMoveOut: return move_out();
    case WorkerAction::kRetire: return retire();
    case WorkerAction::kDrain: return drain();
    case WorkerAction::kDrainAlone: desks_->keep_new_clients_away(); return drain();
    case WorkerAction::kCloseAll: return close_all();
    case WorkerAction::kLeave: return loop_.stop();
  }
}

void Worker::serve() {
  set_up_logging(std::string(spdlog::default_logger()->name()), log_settings(config_, kLogDescriptor));
  if (config_.cpu_affinity == CpuAffinity::kAuto) pin(birth_.slot);
  connections_ = std::make_unique<ConnectionTable>(loop_, echo_settings(config_), scoreboard_->block(block_),
                                                   [this] { on_connection_gone(); });
  desks_->open(*connections_, birth_.slot, with_ids(std::move(birth_.listeners), listener_ids_),
               {.waits = waits_, .shares_listeners = shares_listeners_});
  recycle_after_ = with_jitter(config_.worker_recycle_after);
  limit_orphan_life(config_.shutdown_timeout);
  due_beat_ = precise_now();
  vitals_ = std::make_unique<Vitals>(scoreboard_->block(block_), due_beat_);
  beat();
  suffer_before_ready(birth_.slot);
  say(ReadyMessage{});
  suffer_when_ready(birth_.slot);
}

/// A worker without a watchdog proves nothing, and shows how it is all the same.
void Worker::beat() {
  const auto now = precise_now();
  vitals_->look(now, due_beat_);
  if (const auto limit = vitals_->limit_to_tell(now)) say(*limit);
  const bool is_watched = config_.watchdog.count() > 0;
  if (is_watched) scoreboard_->block(block_).heartbeats.add(1);
  const auto interval = is_watched ? heartbeat_interval(config_.watchdog) : Vitals::kShortest;
  due_beat_ = loop_.now() + interval;
  heartbeat_.start(interval);
}

/// If the message does not arrive the master is gone or has let go of us, which the end of the channel tells
/// as well.
void Worker::say(const ToMaster& message) noexcept {
  if (auto told = control_.send(message); !told) spdlog::debug("{}", told.error().text);
}

void Worker::lend(const LendMessage& message, std::vector<UniqueFd> descriptors) {
  if (connections_ == nullptr) return fail(ExitCode::kSoftware, "the master lent a listener too early");
  const bool accepts = phase_ == WorkerPhase::kServing || phase_ == WorkerPhase::kAsking;
  if (!accepts) return;  // the master hears of it by another message
  if (!descriptors.empty() && descriptors.size() != message.listeners.size())
    return fail(ExitCode::kSoftware, "the master lent not as many listeners as it names");
  const auto lent = desks_->lend(message.slot, with_ids(std::move(descriptors), message.listeners));
  if (lent) return;
  spdlog::warn("the listeners of worker {} cannot be taken: {}", message.slot, lent.error().text);
  say(RefuseLoanMessage{message.slot});
}

void Worker::take_back(const TakeBackMessage& message) {
  desks_->take_back(message.slot);
  if (phase_ == WorkerPhase::kDraining) on_emptied();  // that slot's queues may have been the last to empty
}

/// The listeners of an address that the configuration names no more.
void Worker::clear(const ClearMessage& message, std::vector<UniqueFd> descriptors) {
  if (connections_ == nullptr || phase_ == WorkerPhase::kLeaving) return;
  const std::vector ids(descriptors.size(), message.listener);
  const auto taken = desks_->clear(message.number, with_ids(std::move(descriptors), ids));
  if (taken) return;
  spdlog::warn("listeners that are to be emptied cannot be taken: {}", taken.error().text);
  say(RefuseClearMessage{message.number});
}

void Worker::move_out() {
  desks_->hold();
  spdlog::debug("handing over {}", counted(connections_->size(), "connection"));
  // A hand-over that goes on, though slowly, is never replaced: its connections in doubt would be lost. When
  // it breaks, the master will name another successor.
  if (hand_over_ != nullptr) return successor_.reset();
  try {
    hand_over_ =
        std::make_unique<HandOver>(loop_, std::move(successor_), *connections_, [this] { on_stranded(); });
  } catch (const FatalError& error) {
    spdlog::warn("nothing can be handed over: {}", error.what());
    on_stranded();
  }
  leave_if_done();
}

/// The connections that are left are served here until there is another successor.
void Worker::on_stranded() {
  hand_over_.reset();
  say(StrandedMessage{});
}

void Worker::take_over(std::vector<UniqueFd> descriptors) {
  // Without a descriptor, or in a worker that leaves, the predecessor sees the channel end.
  const bool has_table = connections_ != nullptr && phase_ != WorkerPhase::kLeaving;
  if (descriptors.empty() || !has_table) return;
  const auto place = predecessors_.emplace(predecessors_.end());
  const auto end = [this, place] {
    predecessors_.erase(place);
    leave_if_done();
  };
  try {
    *place =
        std::make_unique<TakeOver>(loop_, std::move(descriptors.front()), *connections_, echo_,
                                   TakeOver::Handlers{.on_taken = [this] { pass_on(); }, .on_over = end});
  } catch (const FatalError& error) {
    spdlog::warn("nothing can be taken over: {}", error.what());
    end();
  }
}

/// Connections may come too late to stay: from a predecessor, or from an address that is removed.
void Worker::pass_on() {
  if (hand_over_ != nullptr) hand_over_->go_on();
}

/// Another worker accepts; the connections that are left end here.
void Worker::retire() {
  desks_->hold();
  begin_to_end();
  leave_if_done();
}

void Worker::drain() {
  desks_->empty();
  begin_to_end();
  on_emptied();
}

/// From now on connections end as they fall quiet, and all of them when time is up.
void Worker::begin_to_end() {
  deadline_.start(time_to_end_);
  connections_->drain();
  spdlog::debug("draining {}", counted(connections_->size(), "connection"));
}

void Worker::close_all() {
  hand_over_.reset();
  predecessors_.clear();
  desks_->close_all();
  connections_->close_all();
  leave_if_done();
}

void Worker::on_cleared(std::uint32_t number) noexcept {
  say(ClearedMessage{number});
  pass_on();
  on_emptied();
}

/// A queue is empty, or not this worker's task any more: it may have been the last.
void Worker::on_emptied() noexcept {
  const bool is_through = phase_ == WorkerPhase::kDraining && desks_->has_nothing_to_empty();
  if (is_through && is_alone_) {
    desks_->free_addresses();  // for the master of a service that is started again
  } else if (is_through) {
    say(EmptiedMessage{});
  }
  leave_if_done();
}

void Worker::on_connection_gone() noexcept {
  desks_->on_room();
  const auto& counters = connections_->counters();
  if (recycle_after_ > 0 && counters.accepted.get() >= recycle_after_) handle(WorkerEvent::kServedEnough);
  leave_if_done();
}

void Worker::leave_if_done() {
  if (connections_->is_empty() && predecessors_.empty() && desks_->has_nothing_to_empty())
    handle(WorkerEvent::kDone);
}

void Worker::fail(ExitCode code, const std::string& why) noexcept {
  spdlog::error("{}; leaving", why);
  exit_code_ = code;
  handle(WorkerEvent::kStopAsked);
}

}  // namespace tcp_echo
