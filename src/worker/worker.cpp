#include "tcp_echo/worker/worker.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "tcp_echo/base/cpu.hpp"
#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/log.hpp"
#include "tcp_echo/base/overloaded.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/loader.hpp"
#include "tcp_echo/config/log_settings.hpp"
#include "tcp_echo/ipc/heartbeat.hpp"
#include "tcp_echo/ipc/worker_call.hpp"
#include "tcp_echo/net/listening_socket.hpp"
#include "tcp_echo/worker/fault.hpp"
#include "tcp_echo/worker/orphan.hpp"

namespace tcp_echo {
namespace {

// So that a worker which others hand their connections to, or which opens a file, is never out of
// descriptors.
constexpr int kSpareDescriptors = 16;

// How often a worker that nobody talks to any more looks whether its master is dead.
constexpr std::chrono::milliseconds kMasterCheck{20};

EchoSettings echo_settings(const Config& config) {
  EchoSettings settings;
  settings.idle_timeout = config.idle_timeout;
  settings.linger_timeout = config.linger_timeout;
  settings.idle_notice = config.idle_notice;
  settings.send_reset = config.send_reset;
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

}  // namespace

Worker::Worker(WorkerBirth birth)
    : birth_(std::move(birth)),
      heartbeat_(loop_, [this] { beat(); }),
      deadline_(loop_, [this] { handle(WorkerEvent::kDeadline); }),
      master_check_(loop_, [this] { on_channel_closed(); }),
      terminate_(loop_, SIGTERM, [this](int) { handle(WorkerEvent::kRetireAsked); }),
      quit_(loop_, SIGQUIT, [this](int) { handle(WorkerEvent::kRetireAsked); }),
      control_(loop_, std::move(birth_.control),
               {.on_message =
                    [this](const Message& message, std::vector<UniqueFd> descriptors) {
                      on_message(message, std::move(descriptors));
                    },
                .on_closed = [this] { on_channel_closed(); },
                .on_nonsense = [this](const DecodeError& error) { on_nonsense(error); }}) {}

ExitCode Worker::run() {
  loop_.run();
  return exit_code_;
}

void Worker::on_message(const Message& message, std::vector<UniqueFd> descriptors) {
  std::visit(Overloaded{
                 [&](const ConfigureMessage& configure_message) {
                   configure(configure_message, std::move(descriptors));
                 },
                 [&](const DrainMessage& drain_message) {
                   time_to_end_ = std::chrono::milliseconds(drain_message.milliseconds);
                   handle(WorkerEvent::kDrainAsked);
                 },
                 [&](const StopMessage&) { handle(WorkerEvent::kStopAsked); },
                 [&](const LendMessage& lend_message) { lend(lend_message, std::move(descriptors)); },
                 [&](const TakeBackMessage& take_back_message) { take_back(take_back_message); },
                 [&](const LogMessage&) { change_log(descriptors); },
                 [&](const auto&) {
                   fail(ExitCode::kSoftware, "the master sent a message that only a worker may send");
                 },
             },
             message);
}

void Worker::on_nonsense(const DecodeError& error) {
  switch (error.kind) {
    case DecodeError::Kind::kOtherVersion:
      spdlog::warn("the master speaks {}; leaving the service to another worker", error.text);
      return on_channel_closed();
    case DecodeError::Kind::kNonsense: return fail(ExitCode::kSoftware, "the master sent " + error.text);
  }
}

/// A dead master leaves the listeners to its workers: they take who waits. One that lives has other workers
/// for that. But the channel of one that dies closes a moment before it is dead, so only the second look
/// counts.
void Worker::on_channel_closed() {
  const bool is_second_look = std::exchange(is_alone_, true);
  if (is_orphan()) {
    spdlog::warn("the master is gone; finishing what is under way");
    handle(WorkerEvent::kOrphaned);
    if (phase_ == WorkerPhase::kDraining) on_acceptor_finished();  // it may have told us to drain before
    return;
  }
  if (is_second_look) handle(WorkerEvent::kRetireAsked);
  master_check_.start(kMasterCheck);
}

void Worker::configure(const ConfigureMessage& message, std::vector<UniqueFd> descriptors) {
  if (phase_ != WorkerPhase::kConfiguring)
    return fail(ExitCode::kSoftware, "the master sent a second configuration");
  if (descriptors.size() != 1 || message.block >= kMostBlocks)
    return fail(ExitCode::kSoftware, "the master sent no usable scoreboard");
  auto config = parse_effective_toml(message.configuration);
  if (!config) return fail(ExitCode::kSoftware, config.error().text);
  auto scoreboard = Scoreboard::map(descriptors.front());
  if (!scoreboard) return fail(scoreboard.error().code, scoreboard.error().text);
  config_ = std::move(*config);
  scoreboard_.emplace(std::move(*scoreboard));
  block_ = message.block;
  shares_listeners_ = message.shares_listeners;
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
    case WorkerAction::kRetire: return retire();
    case WorkerAction::kDrain: return drain();
    case WorkerAction::kDrainAlone: return drain_alone();
    case WorkerAction::kCloseAll: return close_all();
    case WorkerAction::kLeave: return loop_.stop();
  }
}

void Worker::serve() {
  set_up_logging(spdlog::default_logger()->name(), log_settings(config_, kLogDescriptor));
  if (config_.cpu_affinity == CpuAffinity::kAuto) pin(birth_.slot);
  connections_ = std::make_unique<ConnectionTable>(loop_, echo_settings(config_), scoreboard_->block(block_),
                                                   [this] { on_connection_gone(); });
  for (auto& listener : birth_.listeners) accept_for(birth_.slot, std::move(listener));
  limit_orphan_life(config_.shutdown_timeout);
  beat();
  suffer_before_ready(birth_.slot);
  // If this does not arrive the master is gone, which the end of the channel tells as well.
  if (auto told = control_.send(ReadyMessage{}); !told) spdlog::debug("{}", told.error().text);
  suffer_when_ready(birth_.slot);
}

void Worker::beat() {
  if (config_.watchdog.count() == 0) return;
  scoreboard_->block(block_).heartbeats.add(1);
  heartbeat_.start(heartbeat_interval(config_.watchdog));
}

void Worker::accept_for(unsigned slot, UniqueFd listener) {
  auto name = value_or_throw(local_endpoint(listener.get())).text();
  desks_.push_back(
      {slot, std::make_unique<Acceptor>(loop_, std::move(listener), std::move(name), echo_, *connections_)});
}

void Worker::lend(const LendMessage& message, std::vector<UniqueFd> descriptors) {
  if (connections_ == nullptr) return fail(ExitCode::kSoftware, "the master lent a listener too early");
  if (phase_ != WorkerPhase::kServing) return;  // the master hears of it by another message
  try {
    if (descriptors.empty()) throw FatalError({ExitCode::kOsError, "the open-files limit is reached"});
    for (auto& listener : descriptors) accept_for(message.slot, std::move(listener));
  } catch (const FatalError& error) {
    spdlog::warn("the listeners of worker {} cannot be taken: {}", message.slot, error.what());
    take_back({message.slot});
    if (auto told = control_.send(RefuseLoanMessage{message.slot}); !told)
      spdlog::warn("{}", told.error().text);
  }
}

void Worker::take_back(const TakeBackMessage& message) {
  std::erase_if(desks_, [&message](const Desk& desk) { return desk.slot == message.slot; });
}

void Worker::change_log(const std::vector<UniqueFd>& descriptors) {
  if (descriptors.empty())
    return spdlog::warn("no descriptor is left for the new log; going on with the old one");
  if (::dup2(descriptors.front().get(), kLogDescriptor) < 0)
    spdlog::warn("the log cannot be reopened: {}; going on with the old one", std::strerror(errno));
}

/// From now on connections end as they fall quiet, and all of them when time is up.
void Worker::begin_to_end() {
  deadline_.start(time_to_end_);
  connections_->drain();
  spdlog::debug("draining {}", counted(connections_->size(), "connection"));
}

/// The descriptors stay: should the master die meanwhile, somebody has to take who waits.
void Worker::retire() {
  for (const auto& desk : desks_) desk.acceptor->hold();
  // If this does not arrive the master is gone or has let go of us.
  if (auto told = control_.send(LeavingMessage{}); !told) spdlog::debug("{}", told.error().text);
  begin_to_end();
  leave_if_done();
}

void Worker::drain() {
  // Whoever keeps the sockets that all share will have their clients served after the next start.
  if (shares_listeners_) desks_.clear();
  for (const auto& desk : desks_) desk.acceptor->finish([this] { on_acceptor_finished(); });
  const bool some_may_be_deaf = std::any_of(
      desks_.begin(), desks_.end(), [](const Desk& desk) { return makes_deaf(desk.acceptor->listener()); });
  if (some_may_be_deaf) connections_->hear_out_all();  // accepted since the master closed the door
  begin_to_end();
  on_acceptor_finished();
}

void Worker::drain_alone() {
  for (const auto& desk : desks_) {
    if (shares_listeners_) break;
    if (auto refused = refuse_handshakes(desk.acceptor->listener()); !refused)
      spdlog::warn("{}; clients that connect now may be reset", refused.error().text);
  }
  drain();
}

bool Worker::has_emptied_queues() const {
  return std::all_of(desks_.begin(), desks_.end(),
                     [](const Desk& desk) { return desk.acceptor->is_finished(); });
}

void Worker::on_acceptor_finished() noexcept {
  if (!has_emptied_queues()) return;
  if (is_alone_) {  // whoever starts the service again finds the port free
    for (const auto& desk : desks_) desk.acceptor->let_go();
  } else if (auto told = control_.send(EmptiedMessage{}); !told) {
    spdlog::debug("{}", told.error().text);  // the master hears of the exit, or is gone
  }
  leave_if_done();
}

void Worker::close_all() {
  desks_.clear();
  connections_->close_all();
  leave_if_done();
}

void Worker::on_connection_gone() noexcept {
  for (const auto& desk : desks_) desk.acceptor->on_room();
  // At a limit the first to be polled gets the place that became free: everybody's turn comes.
  if (desks_.size() > 1) std::rotate(desks_.begin(), desks_.begin() + 1, desks_.end());
  leave_if_done();
}

void Worker::leave_if_done() {
  const bool nobody_waits = phase_ != WorkerPhase::kDraining || has_emptied_queues();
  if (connections_->is_empty() && nobody_waits) handle(WorkerEvent::kDone);
}

void Worker::fail(ExitCode code, const std::string& why) noexcept {
  spdlog::error("{}; leaving", why);
  exit_code_ = code;
  handle(WorkerEvent::kStopAsked);
}

}  // namespace tcp_echo
