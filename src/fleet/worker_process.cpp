#include "tcp_echo/fleet/worker_process.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/loader.hpp"
#include "tcp_echo/config/options.hpp"
#include "tcp_echo/daemon/executable.hpp"
#include "tcp_echo/ipc/worker_call.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

static_assert(kMostListenersOfAWorker == kMaxListenAddresses, "every listen address reaches every worker");
static_assert(kMostListenersOfAWorker <= kMostDescriptors, "the listeners of a slot are lent in one message");
static_assert(kMostSlots == kMaxWorkers, "the scoreboard has a slot for every worker that may be configured");

}  // namespace

WorkerProcess::WorkerProcess(Loop& loop, const WorkerResources& resources, WorkerPlace place,
                             unsigned generation, std::chrono::milliseconds watchdog, Handlers handlers)
    : loop_(loop),
      resources_(resources),
      place_(place),
      generation_(generation),
      handlers_(std::move(handlers)),
      heartbeat_(watchdog),
      protocol_(protocol_version()) {}

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(Loop& loop, const WorkerResources& resources,
                                                            const Generation& generation, WorkerPlace place,
                                                            Handlers handlers) {
  auto pair = make_channel_pair();
  if (!pair) return tl::unexpected(pair.error());
  auto& [ours, theirs] = *pair;
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess(loop, resources, place, generation.number,
                                                          generation.config.watchdog, std::move(handlers)));
  try {
    worker->open_control(std::move(ours));
  } catch (const FatalError& error) {  // fatal to a start, but this may be a respawn
    return failure(error.code(), error.what());
  }
  if (auto spawned = worker->spawn(generation, theirs.get()); !spawned)
    return tl::unexpected(spawned.error());
  loop.refresh_now();  // many spawns in one turn take longer than a worker's first steps
  worker->started_at_ = loop.now();
  worker->introduce(generation);
  return worker;
}

std::unique_ptr<WorkerProcess> WorkerProcess::adopt(Loop& loop, const WorkerResources& resources,
                                                    const Generation& generation, unsigned slot,
                                                    const WorkerRecord& record, UniqueFd control,
                                                    Handlers handlers) {
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess(
      loop, resources, {slot + 1, record.block}, record.generation.value_or(generation.number),
      record.watchdog.value_or(generation.config.watchdog), std::move(handlers)));
  worker->started_at_ = record.started_at;
  worker->ready_at_ = record.ready_at;
  worker->protocol_ = record.protocol;
  if (record.protocol != protocol_version()) {
    worker->foreign_control_ = std::move(control);
  } else if (control) {
    worker->open_control(std::move(control));
  }
  worker->process_ = ChildProcess::adopt(
      resources.reaper, record.pid, [raw = worker.get()](const ExitStatus& status) { raw->on_exit(status); });
  return worker;
}

WorkerRecord WorkerProcess::record() const {
  const int control = control_ == nullptr ? foreign_control_.get() : control_->fd();
  return {pid(), place_.block, control, protocol_, started_at_, ready_at_, generation_, watchdog()};
}

void WorkerProcess::open_control(UniqueFd fd) {
  control_ = std::make_unique<Channel>(
      loop_, std::move(fd),
      Channel::Handlers{
          .on_message = [handle = handlers_.on_message](const Message& message,
                                                        const std::vector<UniqueFd>&) { handle(message); },
          .on_closed = [] {},  // the exit follows, and tells how
          .on_nonsense = [this](const DecodeError& error) { on_nonsense(error); }});
}

Result<void> WorkerProcess::spawn(const Generation& generation, int control) {
  const auto listeners = generation.listeners.of_slot(place_.slot - 1);
  const WorkerCall call{place_.slot, listeners.size()};
  SpawnRequest request;
  request.arguments = to_argv(call);
  request.descriptors.assign(kFirstListenerDescriptor, -1);
  request.descriptors[STDERR_FILENO] = STDERR_FILENO;  // for what is said before the worker has its log there
  request.descriptors[kControlDescriptor] = control;
  request.descriptors.insert(request.descriptors.end(), listeners.begin(), listeners.end());
  request.descriptors.insert(request.descriptors.end(), {resources_.executable, resources_.log_descriptor});
  request.file = descriptor_path(call.program_descriptor());
  request.user = resources_.credentials.user;
  request.group = resources_.credentials.group;
  auto process = ChildProcess::spawn(loop_, resources_.reaper, request,
                                     [this](const ExitStatus& status) { on_exit(status); });
  if (!process) return tl::unexpected(process.error());
  process_ = std::move(*process);
  return {};
}

/// What it said before its end changes what the end means, and may still lie in the channel.
void WorkerProcess::on_exit(const ExitStatus& status) {
  while (control_ != nullptr && control_->receive_one()) {
  }
  const auto tell = handlers_.on_exit;
  tell(status);
}

void WorkerProcess::introduce(const Generation& generation) {
  resources_.scoreboard.stamp();  // whatever another worker may have written there
  const std::array descriptors = {resources_.scoreboard.fd()};
  tell(ConfigureMessage{static_cast<std::uint32_t>(place_.block), generation.listeners.is_inherited(),
                        place_.waits, effective_toml(generation.config)},
       descriptors);
}

void WorkerProcess::on_nonsense(const DecodeError& error) {
  switch (error.kind) {
    case DecodeError::Kind::kOtherVersion:
      spdlog::warn("{} speaks {}; letting it finish alone", name(), error.text);
      control_.reset();
      return handlers_.on_message(LeavingMessage{});  // as it would have said itself
    case DecodeError::Kind::kNonsense:
      spdlog::error("{} sent {}; killing it", name(), error.text);
      return kill(SIGKILL);
  }
}

Result<void> WorkerProcess::try_tell(const Message& message, std::span<const int> descriptors) {
  if (!is_reachable()) return failure(ExitCode::kSoftware, "it speaks another protocol version");
  return control_->send(message, descriptors);
}

void WorkerProcess::tell(const Message& message, std::span<const int> descriptors) {
  if (auto told = try_tell(message, descriptors); !told) spdlog::warn("{}: {}", name(), told.error().text);
}

void WorkerProcess::tell_to_end(const Message& message) {
  foreign_control_.reset();
  if (is_reachable()) tell(message);
}

std::chrono::milliseconds WorkerProcess::served_for() const {
  return was_ready() ? std::max<std::chrono::milliseconds>(loop_.now() - ready_at_, 1ms) : 0ms;
}

bool WorkerProcess::is_hung(std::chrono::milliseconds since_last_look) {
  return heartbeat_.is_hung(counters().heartbeats.get(), since_last_look);
}

const WorkerCounters& WorkerProcess::counters() const { return resources_.scoreboard.block(place_.block); }

std::string WorkerProcess::name() const { return fmt::format("worker {} (pid {})", place_.slot, pid()); }

std::string WorkerProcess::obituary(const ExitStatus& status) const {
  auto text = fmt::format("{} {} after {:.1f} s", name(), status.text(),
                          std::chrono::duration<double>(loop_.now() - started_at_).count());
  if (!was_ready()) text += " before it was ready";
  if (const auto lost = counters().active(); lost > 0)
    text += fmt::format(", with {} open", counted(lost, "connection"));
  return text;
}

}  // namespace tcp_echo
