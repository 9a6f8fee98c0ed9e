// One executable, several roles: parse, choose the role, wire the objects, return the exit code.

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/log.hpp"
#include "tcp_echo/config.h"
#include "tcp_echo/config/loader.hpp"
#include "tcp_echo/config/log_settings.hpp"
#include "tcp_echo/ipc/channel.hpp"
#include "tcp_echo/ipc/worker_call.hpp"
#include "tcp_echo/loop/process_title.hpp"
#include "tcp_echo/loop/signal.hpp"
#include "tcp_echo/master/background.hpp"
#include "tcp_echo/master/inherited_sockets.hpp"
#include "tcp_echo/master/master.hpp"
#include "tcp_echo/worker/orphan.hpp"
#include "tcp_echo/worker/worker.hpp"

namespace tcp_echo {
namespace {

int as_int(ExitCode code) { return static_cast<int>(code); }

/// The one line that a user gets when the program cannot do what it was asked for.
ExitCode complain(const std::string& text, ExitCode code) {
  std::fprintf(stderr, "tcp-echo-master: %s\n", text.c_str());
  return code;
}

ExitCode print(const std::string& text) {
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return written ? ExitCode::kOk : complain("cannot write to standard output", ExitCode::kOsError);
}

/// Nothing if this process was not called by a master.
std::optional<WorkerBirth> worker_birth(const std::vector<std::string>& arguments) {
  const auto call = parse_worker_call(arguments);
  if (!call || !is_channel_end(kControlDescriptor)) return std::nullopt;
  WorkerBirth birth;
  birth.slot = call->slot;
  birth.control = UniqueFd(kControlDescriptor);
  for (int fd = kFirstListenerDescriptor; fd < call->program_descriptor(); ++fd)
    birth.listeners.emplace_back(fd);
  ::close(call->program_descriptor());
  return birth;
}

/// The kernel forbids core dumps where the user may not read the program file (PR_SET_DUMPABLE, prctl(2)).
void allow_core_dumps() { ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }

ExitCode run_worker(WorkerBirth birth) {
  for (const int number : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU}) ignore_signal(number);
  watch_over_master();
  allow_core_dumps();
  const auto title = "tcp-echo[wrk" + std::to_string(birth.slot) + "]";
  set_process_title(title);
  set_up_logging(title, {});
  return Worker(std::move(birth)).run();
}

/// Where the workers log. In the background nobody reads stderr, and an open terminal would be held.
UniqueFd open_log(const Config& config) {
  if (!config.log_file.empty()) return value_or_throw(open_log_file(config.log_file));
  if (config.daemon) return UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  return UniqueFd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

ExitCode serve(const Loaded& loaded, std::vector<UniqueFd> inherited, std::function<bool()> report_ready) {
  constexpr auto kTitle = "tcp-echo[mastr]";
  const auto& config = loaded.config;
  set_process_title(kTitle);
  raise_open_files_limit();
  const auto log = open_log(config);
  set_up_logging(kTitle, log_settings(config, log.get()));
  for (const auto& warning : loaded.warnings) spdlog::warn("{}", warning);
  for (const auto& notice : loaded.notices) spdlog::info("{}", notice);
  try {
    return Master({config, std::move(inherited), log.get(), std::move(report_ready)}).run();
  } catch (const FatalError& error) {
    if (!config.log_file.empty() || config.daemon) spdlog::error("{}", error.what());
    throw;
  }
}

ExitCode serve_in_background(const Loaded& loaded, std::vector<UniqueFd> inherited) {
  auto background = Background::enter();
  if (!background) return background.error();  // this is the process that was started
  try {
    const auto code = serve(loaded, std::move(inherited), [&] { return background->report_ready(); });
    if (background->is_waited_for())
      background->report_failure(complain("stopped before all workers were ready", ExitCode::kTemporary));
    return code;
  } catch (const FatalError& error) {
    background->report_failure(complain(error.what(), error.code()));
    return error.code();
  }
}

ExitCode run_master(const Loaded& loaded) {
  // Until the handlers stand: as PID 1 the kernel would drop signals, elsewhere they would kill us.
  hold_signals();
  auto inherited = value_or_throw(take_inherited_sockets());  // they name this process, so before it may fork
  if (loaded.config.daemon) return serve_in_background(loaded, std::move(inherited));
  return serve(loaded, std::move(inherited), [] { return true; });
}

/// What a start would log.
void warn(const Loaded& loaded) {
  for (const auto& warning : loaded.warnings) std::fprintf(stderr, "tcp-echo-master: %s\n", warning.c_str());
  for (const auto& notice : loaded.notices) std::fprintf(stderr, "tcp-echo-master: %s\n", notice.c_str());
}

ExitCode run_action(const Loaded& loaded) {
  switch (loaded.action) {
    case Action::kRun: return run_master(loaded);
    case Action::kCheck: warn(loaded); return print("configuration ok\n");
    case Action::kPrintConfig: warn(loaded); return print(annotated_toml(loaded));
    case Action::kVersion: return print("tcp-echo-master " TCP_ECHO_VERSION "\n");
    case Action::kHelp: return print(help_text());
  }
  return ExitCode::kSoftware;
}

/// Whoever started us may have closed the first three; a socket that took the number of stderr would get the
/// log.
void keep_standard_descriptors_open() {
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd >= 0) ::close(fd);
}

std::vector<std::string> environment_variables() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  return variables;
}

ExitCode run(const std::vector<std::string>& arguments) {
  keep_standard_descriptors_open();
  ignore_signal(SIGPIPE);
  if (auto birth = worker_birth(arguments)) return run_worker(std::move(*birth));
  const auto loaded = load(arguments, environment_variables());
  if (!loaded) return complain(loaded.error().text, loaded.error().code);
  return run_action(*loaded);
}

}  // namespace
}  // namespace tcp_echo

int main(int argc, char** argv) {
  argv = tcp_echo::prepare_process_title(argc, argv);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    return tcp_echo::as_int(tcp_echo::run(arguments));
  } catch (const tcp_echo::FatalError& error) {
    return tcp_echo::as_int(tcp_echo::complain(error.what(), error.code()));
  } catch (const std::exception& error) {
    return tcp_echo::as_int(tcp_echo::complain(error.what(), tcp_echo::ExitCode::kSoftware));
  }
}
