#include "tcp_echo/worker/worker.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>

#include "tcp_echo/base/cpu.hpp"
#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/log.hpp"
#include "tcp_echo/base/overloaded.hpp"
#include "tcp_echo/config/loader.hpp"
#include "tcp_echo/config/log_settings.hpp"
#include "tcp_echo/ipc/worker_call.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo {
namespace {

// So that a worker which others hand their connections to, or which opens a file, is never out of
// descriptors.
constexpr int kSpareDescriptors = 16;

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
      deadline_(loop_, [this] { handle(WorkerEvent::kDeadline); }),
      terminate_(loop_, SIGTERM, [this](int) { handle(WorkerEvent::kDrainAsked); }),
      quit_(loop_, SIGQUIT, [this](int) { handle(WorkerEvent::kDrainAsked); }),
      control_(loop_, std::move(birth_.control),
               {.on_message =
                    [this](const Message& message, std::vector<UniqueFd> descriptors) {
                      on_message(message, std::move(descriptors));
                    },
                .on_closed =
                    [this] {
                      spdlog::warn("the master is gone; finishing what is under way");
                      handle(WorkerEvent::kDrainAsked);
                    },
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
                 [&](const DrainMessage&) { handle(WorkerEvent::kDrainAsked); },
                 [&](const StopMessage&) { handle(WorkerEvent::kStopAsked); },
                 [&](const ReadyMessage&) {
                   fail(ExitCode::kSoftware, "the master sent READY, which is mine to say");
                 },
             },
             message);
}

void Worker::on_nonsense(const DecodeError& error) {
  switch (error.kind) {
    case DecodeError::Kind::kOtherVersion:
      spdlog::warn("the master speaks {}; finishing what is under way", error.text);
      return handle(WorkerEvent::kDrainAsked);
    case DecodeError::Kind::kNonsense: return fail(ExitCode::kSoftware, "the master sent " + error.text);
  }
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
    case WorkerAction::kDrain: return drain();
    case WorkerAction::kCloseAll: return close_all();
    case WorkerAction::kLeave: return loop_.stop();
  }
}

void Worker::serve() {
  set_up_logging(spdlog::default_logger()->name(), log_settings(config_, kLogDescriptor));
  if (config_.cpu_affinity == CpuAffinity::kAuto) pin(birth_.slot);
  connections_ = std::make_unique<ConnectionTable>(loop_, echo_settings(config_), scoreboard_->block(block_),
                                                   [this] { on_connection_gone(); });
  for (auto& listener : birth_.listeners) {
    auto name = value_or_throw(local_endpoint(listener.get())).text();
    acceptors_.push_back(
        std::make_unique<Acceptor>(loop_, std::move(listener), std::move(name), echo_, *connections_));
  }
  value_or_throw(control_.send(ReadyMessage{}));
}

void Worker::drain() {
  deadline_.start(config_.shutdown_timeout);
  for (const auto& acceptor : acceptors_) acceptor->finish();
  connections_->drain();
  spdlog::debug("draining {} connections", connections_->size());
  if (connections_->is_empty()) handle(WorkerEvent::kEmpty);
}

void Worker::close_all() {
  acceptors_.clear();
  connections_->close_all();
  if (connections_->is_empty()) handle(WorkerEvent::kEmpty);
}

void Worker::on_connection_gone() noexcept {
  for (const auto& acceptor : acceptors_) acceptor->on_room();
  // At a limit the first to be polled gets the place that became free: everybody's turn comes.
  if (acceptors_.size() > 1) std::rotate(acceptors_.begin(), acceptors_.begin() + 1, acceptors_.end());
  if (connections_->is_empty()) handle(WorkerEvent::kEmpty);
}

void Worker::fail(ExitCode code, const std::string& why) noexcept {
  spdlog::error("{}; leaving", why);
  exit_code_ = code;
  handle(WorkerEvent::kStopAsked);
}

}  // namespace tcp_echo
