// One row per role; below each of them is wired from its parts.

#include "roles.hpp"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tcp_echo/admin/admin.hpp"
#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/log.hpp"
#include "tcp_echo/base/version.hpp"
#include "tcp_echo/config/log_settings.hpp"
#include "tcp_echo/config/manual.hpp"
#include "tcp_echo/config/reader.hpp"
#include "tcp_echo/config/reloadable.hpp"
#include "tcp_echo/daemon/background.hpp"
#include "tcp_echo/daemon/credentials.hpp"
#include "tcp_echo/daemon/executable.hpp"
#include "tcp_echo/daemon/inherited_sockets.hpp"
#include "tcp_echo/daemon/log_target.hpp"
#include "tcp_echo/daemon/pid_file.hpp"
#include "tcp_echo/ipc/channel.hpp"
#include "tcp_echo/ipc/role_call.hpp"
#include "tcp_echo/loop/process_title.hpp"
#include "tcp_echo/loop/signal.hpp"
#include "tcp_echo/master/master.hpp"
#include "tcp_echo/probe/probe.hpp"
#include "tcp_echo/upgrade/upgrade_call.hpp"
#include "tcp_echo/upgrade/upgrade_state.hpp"
#include "tcp_echo/worker/fault.hpp"
#include "tcp_echo/worker/orphan.hpp"
#include "tcp_echo/worker/worker.hpp"

namespace tcp_echo {
namespace {

constexpr auto kMasterTitle = "tcp-echo[mastr]";

ExitCode print(const std::string& text) {
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return written ? ExitCode::kOk : complain("cannot write to standard output", ExitCode::kOsError);
}

/// What every child of a master is born with.
struct ChildBirth {
  unsigned number = 0;
  UniqueFd control;
  std::vector<UniqueFd> listeners;
};

/// Nothing if this process was not called by a master.
std::optional<ChildBirth> child_birth(const ChildRole& role, const std::vector<std::string>& arguments) {
  const auto call = parse_role_call(role, arguments);
  if (!call || !is_channel_end(kControlDescriptor)) return std::nullopt;
  ChildBirth birth;
  birth.number = call->number;
  birth.control = UniqueFd(kControlDescriptor);
  for (int fd = kFirstListenerDescriptor; fd < call->program_descriptor(); ++fd)
    birth.listeners.emplace_back(fd);
  ::close(call->program_descriptor());
  ::dup2(call->log_descriptor(), kLogDescriptor);
  ::close(call->log_descriptor());
  return birth;
}

/// Signals that a terminal or an operator sends to all processes of the service are the master's.
void leave_signals_to_master() {
  for (const int number : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU}) ignore_signal(number);
}

/// The kernel forbids core dumps where the user may not read the program file (PR_SET_DUMPABLE, prctl(2)).
void allow_core_dumps() { ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }

/// A TERM or QUIT that comes before its handler stands waits for it; one that comes when the handler has gone
/// finds a worker that leaves anyhow. Its default action would be a death that looks like a crash.
std::optional<ExitCode> run_worker(const Call& call) {
  auto birth = child_birth(kWorkerRole, call.arguments);
  if (!birth) return std::nullopt;
  hold_signals();
  leave_signals_to_master();
  watch_over_master();
  allow_core_dumps();
  const auto title = title_of(kWorkerRole, birth->number);
  set_process_title(title);
  set_up_logging(title, {});
  Worker worker({birth->number, std::move(birth->control), std::move(birth->listeners)});
  release_signals();
  const auto code = worker.run();
  hold_signals();
  return code;
}

/// The echo comes first: where processors are scarce, a flood of requests gets a tenth of a worker's share.
/// Each of our processes has a session, so that it may be an autogroup as well, which has a nice value of its
/// own (sched(7)).
void give_way_to_workers() {
  constexpr int kNice = 10;
  ::setpriority(PRIO_PROCESS, 0, kNice);
  const UniqueFd autogroup(::open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC));
  if (autogroup) static_cast<void>(!::write(autogroup.get(), "10", 2));
}

/// Whatever state it is in, it does not outlive its master: the kernel kills it then. (Once it runs as the
/// user it is to run as: a change of user clears that.)
std::optional<ExitCode> run_admin(const Call& call) {
  auto birth = child_birth(kAdminRole, call.arguments);
  if (!birth) return std::nullopt;
  hold_signals();
  leave_signals_to_master();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  allow_core_dumps();
  give_way_to_workers();
  const auto title = title_of(kAdminRole, birth->number);
  set_process_title(title);
  set_up_logging(title, {});
  Admin admin({std::move(birth->control), std::move(birth->listeners)});
  release_signals();
  const auto code = admin.run();
  hold_signals();
  return code;
}

std::vector<std::string> environment_variables() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  return variables;
}

Result<GivenConfig> read_config_for(const Call& call) {
  return read_config(call.arguments, environment_variables(), call.folder);
}

ExitCode serve(const GivenConfig& given, const Call& call, std::vector<UniqueFd> inherited,
               std::function<bool()> report_ready) {
  const auto& config = given.config;
  set_process_title(kMasterTitle);
  raise_open_files_limit();
  const auto log = value_or_throw(open_log(config));
  set_up_logging(kMasterTitle, log_settings(config, log.get()));
  for (const auto& warning : given.warnings) spdlog::warn("{}", warning);
  for (const auto& notice : given.notices) spdlog::info("{}", notice);
  try {
    return Master({.config = config,
                   .program = call.program,
                   .arguments = call.arguments,
                   .folder = call.folder,
                   .read_config = [&call] { return read_config_for(call); },
                   .inherited_sockets = std::move(inherited),
                   .log_descriptor = log.get(),
                   .report_ready = std::move(report_ready)})
        .run();
  } catch (const FatalError& error) {
    if (!config.log_file.empty() || config.daemon) spdlog::error("{}", error.what());
    throw;
  }
}

ExitCode serve_in_background(const GivenConfig& given, const Call& call, std::vector<UniqueFd> inherited) {
  auto background = Background::enter();
  if (!background) return background.error();  // this is the process that was started
  try {
    const auto code = serve(given, call, std::move(inherited), [&] { return background->report_ready(); });
    if (background->is_waited_for())
      background->report_failure(complain("stopped before all workers were ready", ExitCode::kTemporary));
    return code;
  } catch (const FatalError& error) {
    background->report_failure(complain(error.what(), error.code()));
    return error.code();
  }
}

ExitCode run_master(const GivenConfig& given, Call call) {
  call.program = value_or_throw(own_program(call.program));  // relative to this folder, perhaps
  // Until the handlers stand: as PID 1 the kernel would drop signals, elsewhere they would kill us.
  hold_signals();
  auto inherited = value_or_throw(take_inherited_sockets());  // they name this process, so before it may fork
  if (given.config.daemon) return serve_in_background(given, call, std::move(inherited));
  return serve(given, call, std::move(inherited), [] { return true; });
}

UpgradeState state_of(const UpgradeCall& call) {
  return value_or_throw(parse_upgrade_state(value_or_throw(read_state_file(call.state))));
}

/// Everything that a take-over needs, up to where it would begin to change something.
std::optional<ExitCode> run_preflight(const Call& called) {
  const auto call = parse_upgrade_call(called.arguments);
  if (!call) return std::nullopt;
  const auto state = state_of(*call);
  const auto now = value_or_throw(parse_effective_toml(state.configuration));
  const auto next =
      value_or_throw(read_config(call->arguments, environment_variables(), state.folder)).config;
  if (auto reloadable = check_reloadable(now, next); !reloadable) throw FatalError(reloadable.error());
  value_or_throw(find_credentials(next.user, next.group));
  return print(kPreflightAnswer);
}

std::unique_ptr<Master> restore_master(const UpgradeCall& upgrade) {
  set_process_title(kMasterTitle);
  const auto state = state_of(upgrade);
  const auto config = value_or_throw(parse_effective_toml(state.configuration));
  set_up_logging(kMasterTitle, log_settings(config, state.log));
  spdlog::info("version {} takes over", version());
  if (upgrade.fallback >= 0) suffer_in_take_over();
  const Call call{state.program, upgrade.arguments, state.folder};
  return std::make_unique<Master>(
      MasterBirth{.config = config,
                  .program = call.program,
                  .arguments = call.arguments,
                  .folder = call.folder,
                  .read_config = [call] { return read_config_for(call); },
                  .log_descriptor = state.log,
                  .report_ready = [] { return true; }},
      MasterInheritance{.state = state, .program = upgrade.program, .former = upgrade.fallback});
}

/// Of no return, unless that fails.
void go_back(const UpgradeCall& call) {
  ::fcntl(call.program, F_SETFD, FD_CLOEXEC);
  execute_upgrade({UpgradeCall::Purpose::kTakeOver, call.state, call.fallback, -1, call.arguments});
  spdlog::error("the former program cannot be executed: {}; the service ends", std::strerror(errno));
}

/// The former program was told that all was well, and is no more; its file is still there, under a
/// descriptor.
std::optional<ExitCode> run_take_over(const Call& called) {
  const auto call = parse_upgrade_call(called.arguments);
  if (!call) return std::nullopt;
  hold_signals();
  set_up_logging(kMasterTitle, {});  // on stderr, until it is known where the former program has logged
  std::unique_ptr<Master> master;
  try {
    master = restore_master(*call);
  } catch (const std::exception& error) {
    const bool may_go_back = call->fallback >= 0;
    spdlog::error("this program cannot take over: {}; {}", error.what(),
                  may_go_back ? "going back to the former one" : "the service ends");
    if (may_go_back) go_back(*call);
    throw;
  }
  for (const int fd : {call->state, call->program, call->fallback}) ::close(fd);
  return master->run();
}

ExitCode run_probe(const std::string& pid_file) {
  constexpr std::chrono::seconds kPatience{2};
  std::optional<pid_t> master;
  if (!pid_file.empty()) master = value_or_throw(read_pid_file(pid_file));
  return print(listed(value_or_throw(probe_service(master, kPatience))) + ": ok\n");
}

/// What a start would log.
void warn(const GivenConfig& given) {
  for (const auto& warning : given.warnings) std::fprintf(stderr, "tcp-echo-master: %s\n", warning.c_str());
  for (const auto& notice : given.notices) std::fprintf(stderr, "tcp-echo-master: %s\n", notice.c_str());
}

ExitCode run_action(const GivenConfig& given, const Call& call) {
  switch (given.action) {
    case MasterAction::kRun: return run_master(given, call);
    case MasterAction::kCheck: warn(given); return print("configuration ok\n");
    case MasterAction::kPrintConfig: warn(given); return print(annotated_toml(given));
    case MasterAction::kProbe: return run_probe(given.config.pid_file);
    case MasterAction::kVersion: return print(fmt::format("tcp-echo-master {}\n", version()));
    case MasterAction::kHelp: return print(help_text(columns_of_output()));
  }
  return ExitCode::kSoftware;
}

ExitCode run_command(const Call& call) {
  const auto given = read_config_for(call);
  return given ? run_action(*given, call) : complain(given.error().text, given.error().code);
}

struct Role {
  std::string_view word;  ///< the first argument
  /// Nothing if the other arguments do not fit: then the word is a user's.
  std::optional<ExitCode> (*run)(const Call&);
};

constexpr Role kRoles[] = {
    {kWorkerRole.word, run_worker},
    {kAdminRole.word, run_admin},
    {kPreflightWord, run_preflight},
    {kTakeOverWord, run_take_over},
};

}  // namespace

ExitCode complain(const std::string& text, ExitCode code) {
  say_on_stderr(fmt::format("tcp-echo-master: {}\n", text));
  return code;
}

ExitCode run_role(const Call& call) {
  for (const auto& [word, run] : kRoles) {
    if (call.arguments.empty() || call.arguments[0] != word) continue;
    if (const auto code = run(call)) return *code;
  }
  return run_command(call);
}

}  // namespace tcp_echo
