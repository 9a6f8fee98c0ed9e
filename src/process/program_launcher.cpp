#include "tcp_echo/process/program_launcher.hpp"

#include <unistd.h>

#include <utility>

#include "tcp_echo/daemon/executable.hpp"
#include "tcp_echo/ipc/directed_channel.hpp"
#include "tcp_echo/loop/child_process.hpp"

namespace tcp_echo {
namespace {

constexpr auto kAttempted = "take a control channel over";

/// A process, and the master's end of its channel.
class ProcessLifeline final : public Lifeline {
 public:
  explicit ProcessLifeline(Ear& ear) : ear_(ear) {}

  /// Throws FatalError if the channel cannot be polled.
  void open_channel(Loop& loop, UniqueFd fd) {
    channel_ = std::make_unique<MastersChannel>(
        loop, std::move(fd),
        MastersChannel::Handlers{
            .on_message = [&ear = ear_](const ToMaster& message,
                                        const std::vector<UniqueFd>&) { ear.on_message(message); },
            .on_closed = [] {},  // the exit follows, and tells how
            .on_nonsense = [this](const DecodeError& error) { on_nonsense(error); }});
  }

  /// Kept open, and not read.
  void keep_foreign_channel(UniqueFd fd, unsigned protocol) {
    foreign_channel_ = std::move(fd);
    protocol_ = protocol;
  }

  void hold(std::unique_ptr<ChildProcess> process) { process_ = std::move(process); }

  /// What it said before its end changes what the end means, and may still lie in the channel.
  void on_exit(const ExitStatus& status) {
    while (channel_ != nullptr && channel_->receive_one()) {
    }
    ear_.on_exit(status);
  }

  pid_t pid() const noexcept override { return process_->pid(); }
  void kill(int signal) noexcept override { process_->kill(signal); }

  Result<void> send(const ToWorker& message, std::span<const int> descriptors) override {
    if (!is_reachable()) return failure(ExitCode::kSoftware, "it speaks another protocol version");
    return channel_->send(message, descriptors);
  }

  bool is_reachable() const noexcept override { return channel_ != nullptr; }
  void hang_up_if_foreign() noexcept override { foreign_channel_.reset(); }
  int control() const noexcept override {
    return channel_ == nullptr ? foreign_channel_.get() : channel_->fd();
  }
  unsigned protocol() const noexcept override { return protocol_; }

 private:
  void on_nonsense(const DecodeError& error) {
    switch (error.kind) {
      case DecodeError::Kind::kOtherVersion: channel_.reset(); return ear_.on_foreign(error.text);
      case DecodeError::Kind::kNonsense: return ear_.on_nonsense(error.text);
    }
  }

  Ear& ear_;
  std::unique_ptr<ChildProcess> process_;
  std::unique_ptr<MastersChannel> channel_;
  UniqueFd foreign_channel_;  ///< in its place if the process speaks another protocol
  unsigned protocol_ = protocol_version();
};

SpawnRequest request_for(const ChildRole& role, unsigned number, const std::vector<int>& listeners,
                         int control, const LaunchSettings& settings) {
  const RoleCall call{number, listeners.size()};
  SpawnRequest request;
  request.file = descriptor_path(call.program_descriptor());
  request.arguments = to_argv(role, call);
  request.descriptors.assign(kFirstListenerDescriptor, -1);
  request.descriptors[STDERR_FILENO] = STDERR_FILENO;  // for what is said before it has its log there
  request.descriptors[kControlDescriptor] = control;
  request.descriptors.insert(request.descriptors.end(), listeners.begin(), listeners.end());
  request.descriptors.insert(request.descriptors.end(), {settings.executable, settings.log_descriptor});
  request.user = settings.credentials.user;
  request.group = settings.credentials.group;
  return request;
}

}  // namespace

Result<std::unique_ptr<Lifeline>> ProgramLauncher::start(const ChildRole& role, unsigned number,
                                                         const std::vector<int>& listeners,
                                                         Lifeline::Ear& ear) {
  auto pair = make_channel_pair();
  if (!pair) return tl::unexpected(pair.error());
  auto& [ours, theirs] = *pair;
  auto lifeline = std::make_unique<ProcessLifeline>(ear);
  try {
    lifeline->open_channel(loop_, std::move(ours));
  } catch (const FatalError& error) {  // fatal to a start, but this may be a respawn
    return failure(error.code(), error.what());
  }
  auto process =
      ChildProcess::spawn(loop_, reaper_, request_for(role, number, listeners, theirs.get(), settings_),
                          [raw = lifeline.get()](const ExitStatus& status) { raw->on_exit(status); });
  if (!process) return tl::unexpected(process.error());
  lifeline->hold(std::move(*process));
  loop_.refresh_now();  // many spawns in one turn take longer than a child's first steps
  return lifeline;
}

std::unique_ptr<Lifeline> ProgramLauncher::adopt(const ChildRecord& record, Lifeline::Ear& ear) {
  auto lifeline = std::make_unique<ProcessLifeline>(ear);
  if (record.protocol != protocol_version()) {
    lifeline->keep_foreign_channel(record.control < 0 ? UniqueFd() : copy_of(record.control, kAttempted),
                                   record.protocol);
  } else if (record.control >= 0) {
    lifeline->open_channel(loop_, copy_of(record.control, kAttempted));
  }
  lifeline->hold(ChildProcess::adopt(
      reaper_, record.pid, [raw = lifeline.get()](const ExitStatus& status) { raw->on_exit(status); }));
  return lifeline;
}

}  // namespace tcp_echo
