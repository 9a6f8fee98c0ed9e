#include "tcp_echo/upgrade/preflight.hpp"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/daemon/executable.hpp"
#include "tcp_echo/upgrade/upgrade_call.hpp"

namespace tcp_echo {
namespace {

struct Pipe {
  UniqueFd out;  ///< never blocks
  UniqueFd in;
};

/// What the program writes there is read when it has gone, and bounded by the kernel's buffer: a program that
/// writes more waits, and is late.
Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return system_failure("pipe", errno);
  ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

std::string content_of(const UniqueFd& pipe) {
  std::array<char, 4096> buffer{};
  const auto size = ::read(pipe.get(), buffer.data(), buffer.size());
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

/// As much of the first line as a log line can bear.
std::string first_line(const std::string& text) {
  constexpr std::size_t kLongest = 400;
  return text.substr(0, std::min(text.find('\n'), kLongest));
}

constexpr int kStateDescriptor = 3;
constexpr int kProgramDescriptor = 4;

}  // namespace

Preflight::Preflight(Loop& loop, std::chrono::milliseconds timeout,
                     std::function<void(const Result<void>&)> on_done)
    : timeout_(timeout), on_done_(std::move(on_done)), late_(loop, [this] {
        is_late_ = true;
        process_->kill(SIGKILL);
      }) {}

Preflight::~Preflight() {
  if (process_ != nullptr) process_->kill(SIGKILL);
}

Result<std::unique_ptr<Preflight>> Preflight::start(Loop& loop, Reaper& reaper, int program, int state,
                                                    const std::vector<std::string>& arguments,
                                                    std::chrono::milliseconds timeout,
                                                    std::function<void(const Result<void>&)> on_done) {
  if (auto is_program = check_is_program(program); !is_program) return tl::unexpected(is_program.error());
  auto answer = make_pipe();
  if (!answer) return tl::unexpected(answer.error());
  auto complaint = make_pipe();
  if (!complaint) return tl::unexpected(complaint.error());
  std::unique_ptr<Preflight> preflight(new Preflight(loop, timeout, std::move(on_done)));
  SpawnRequest request;
  request.arguments =
      to_argv({UpgradeCall::Purpose::kPreflight, kStateDescriptor, kProgramDescriptor, -1, arguments});
  request.descriptors = {-1, answer->in.get(), complaint->in.get(), state, program};
  request.file = descriptor_path(kProgramDescriptor);
  auto process = ChildProcess::spawn(
      loop, reaper, request, [raw = preflight.get()](const ExitStatus& status) { raw->on_exit(status); });
  if (!process) return tl::unexpected(process.error());
  preflight->process_ = std::move(*process);
  preflight->answer_ = std::move(answer->out);
  preflight->complaint_ = std::move(complaint->out);
  preflight->late_.start(timeout);
  return preflight;
}

void Preflight::on_exit(const ExitStatus& status) {
  const auto result = verdict(status);
  const auto tell = on_done_;
  tell(result);
}

Result<void> Preflight::verdict(const ExitStatus& status) const {
  if (is_late_)
    return failure(ExitCode::kTemporary,
                   fmt::format("the new program has not answered within {} (--ready-timeout)",
                               format_duration(timeout_)));
  const auto complaint = first_line(content_of(complaint_));
  if (!status.is_clean()) {
    return failure(ExitCode::kConfig, fmt::format("the new program {}{}{}", status.text(),
                                                  complaint.empty() ? "" : ": ", printable(complaint)));
  }
  if (content_of(answer_) != kPreflightAnswer)
    return failure(ExitCode::kConfig, "the new program is no tcp-echo-master that could take over");
  return {};
}

}  // namespace tcp_echo
