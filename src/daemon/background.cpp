#include "tcp_echo/daemon/background.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/log.hpp"
#include "tcp_echo/loop/signal.hpp"

namespace tcp_echo {
namespace {

pid_t fork_or_throw() {
  const pid_t pid = ::fork();
  if (pid < 0) throw FatalError(system_error("go to the background", errno));
  return pid;
}

void lead_to_dev_null(std::initializer_list<int> descriptors) noexcept {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return;
  for (const int fd : descriptors) ::dup2(null.get(), fd);
}

/// In the process that was started. The pipe ends without a byte if the daemon dies.
ExitCode wait_for_report(const UniqueFd& daemon) noexcept {
  std::uint8_t code = 0;
  ssize_t size = -1;
  do size = ::read(daemon.get(), &code, sizeof code);
  while (size < 0 && errno == EINTR);
  if (size == sizeof code) return static_cast<ExitCode>(code);
  say_on_stderr("tcp-echo-master: the daemon died before it was ready\n");
  return ExitCode::kSoftware;
}

}  // namespace

tl::expected<Background, ExitCode> Background::enter() {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw FatalError(system_error("pipe", errno));
  UniqueFd ours(pipe[0]);
  UniqueFd daemons(pipe[1]);
  if (const pid_t child = fork_or_throw(); child != 0) {
    daemons.reset();
    release_signals();  // Ctrl-C
    ::waitpid(child, nullptr, 0);
    return tl::unexpected(wait_for_report(ours));
  }
  ours.reset();
  ::setsid();
  // The leader of a session gets a terminal when it opens one by chance; its child does not.
  const pid_t daemon = ::fork();
  if (daemon != 0) {
    if (daemon < 0) {
      say_on_stderr("tcp-echo-master: " + system_error("go to the background", errno).text + "\n");
      Background(std::move(daemons)).report_failure(ExitCode::kOsError);
    }
    ::_exit(0);
  }
  [[maybe_unused]] const int moved = ::chdir("/");  // so that no file system is kept from being unmounted
  lead_to_dev_null({STDIN_FILENO});
  return Background(std::move(daemons));
}

bool Background::report_ready() noexcept {
  lead_to_dev_null({STDOUT_FILENO, STDERR_FILENO});
  return report(ExitCode::kOk);
}

void Background::report_failure(ExitCode code) noexcept { report(code); }

bool Background::report(ExitCode code) noexcept {
  if (!waiting_) return false;
  const auto byte = static_cast<std::uint8_t>(code);
  const bool heard = ::write(waiting_.get(), &byte, sizeof byte) == sizeof byte;  // EPIPE if not
  waiting_.reset();
  return heard;
}

}  // namespace tcp_echo
