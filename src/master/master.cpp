#include "tcp_echo/master/master.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "tcp_echo/base/signal_name.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/options.hpp"
#include "tcp_echo/config/reader.hpp"
#include "tcp_echo/config/worker_count.hpp"
#include "tcp_echo/daemon/executable.hpp"
#include "tcp_echo/daemon/open_files.hpp"
#include "tcp_echo/ipc/address_notice.hpp"
#include "tcp_echo/listeners/admin_listener.hpp"
#include "tcp_echo/net/listening_socket.hpp"
#include "tcp_echo/process/patience.hpp"
#include "tcp_echo/upgrade/restore.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

std::optional<PidFile> hold_pid_file(const Config& config) {
  if (config.pid_file.empty()) return std::nullopt;
  return value_or_throw(PidFile::hold(config.pid_file));
}

Result<ListenerSet> open_listeners(MasterBirth& birth, unsigned slots) {
  if (birth.inherited_sockets.empty()) return ListenerSet::open(birth.config, slots);
  spdlog::info("using the inherited sockets (LISTEN_FDS), and not --listen");
  return ListenerSet::adopt(std::move(birth.inherited_sockets), birth.config);
}

void warn_of_short_backlog(unsigned wanted) {
  const auto longest = longest_backlog();
  if (longest > 0 && wanted > static_cast<unsigned>(longest)) {
    spdlog::warn("--backlog: the kernel cuts {} to {} (net.core.somaxconn)", wanted, longest);
  }
}

}  // namespace

Master::Holdings Master::acquire(MasterBirth& birth) {
  const auto& config = birth.config;
  const auto workers = wanted_workers(config);
  const auto inherited = birth.inherited_sockets.size();
  value_or_throw(check_open_files_limit(workers, inherited > 0 ? inherited : config.listen.size() * workers));
  auto credentials = value_or_throw(find_credentials(config.user, config.group));
  auto pid_file = hold_pid_file(config);
  auto control_socket = hold_control_socket(config);
  auto executable = value_or_throw(open_program(birth.program));
  auto scoreboard = value_or_throw(Scoreboard::create());
  auto listeners = value_or_throw(open_listeners(birth, workers));
  auto admin = value_or_throw(admin_listener({}, listeners, config));
  value_or_throw(begin_to_listen_for_admin(admin, config));
  return {workers,
          credentials,
          std::move(pid_file),
          std::move(control_socket),
          std::move(executable),
          std::move(scoreboard),
          std::make_shared<const Generation>(Generation{1, config, std::move(listeners), std::move(admin)})};
}

Master::Holdings Master::receive(const MasterBirth& birth, const MasterInheritance& inheritance) {
  const auto& config = birth.config;
  const auto& state = inheritance.state;
  return {state.workers,
          value_or_throw(find_credentials(config.user, config.group)),
          std::nullopt,  // this and the next are held only once nothing can fail any more: their
          std::nullopt,  // destructors remove the files
          copy_of(inheritance.program),
          value_or_throw(Scoreboard::restore(copy_of(state.scoreboard))),
          std::make_shared<const Generation>(
              Generation{state.generation, config, listeners_from(state), admin_listeners_from(state)}),
          state.fleet.slots.size()};
}

Master::Master(MasterBirth&& birth, Holdings holdings)
    : birth_(std::move(birth)),
      credentials_(holdings.credentials),
      pid_file_(std::move(holdings.pid_file)),
      reaper_(loop_),
      executable_(std::move(holdings.executable)),
      scoreboard_(std::move(holdings.scoreboard)),
      events_(scoreboard_),
      launcher_(loop_, reaper_, {credentials_, executable_.get(), birth_.log_descriptor}),
      deadline_(loop_, [this] { fleet_.stop(); }),
      fleet_(loop_, scoreboard_, launcher_, std::move(holdings.generation),
             static_cast<unsigned>(std::max<std::size_t>(holdings.slots, holdings.workers)),
             Fleet::Handlers{
                 .on_all_ready = [this] { on_all_ready(); },
                 .on_start_failure = [this](const Error& error) { on_start_failure(error); },
                 .on_change =
                     [this] {
                       jobs_.proceed();
                       report_.update();
                     },
                 .on_leaving = [this](unsigned slot, pid_t worker) { jobs_.ask_for_successor(slot, worker); },
                 .on_all_gone = [this] { on_all_gone(); }}),
      jobs_(loop_, fleet_, scoreboard_, *this, holdings.workers),
      report_(loop_, fleet_, jobs_, scoreboard_),
      steering_(loop_, fleet_, jobs_, report_, scoreboard_, *this, std::move(holdings.control_socket)),
      admin_(loop_, launcher_, scoreboard_,
             {.on_watched = [this] { report_.look_at_queues(); },
              .on_settled = [this] { jobs_.proceed(); },
              .on_gone = [this] { on_end(); }}),
      log_(fleet_, admin_, birth_.log_descriptor),
      change_(loop_, reaper_, birth_.program, birth_.arguments, executable_.get(),
              {.record = [this] { return record(); },
               .is_off = [this] { return fleet_.is_ending(); },
               .on_failure = [this](const Error& error) { jobs_.on_upgrade_failed(error); }}) {
  jobs_.add(report_);
}

Master::Master(MasterBirth birth) : Master(std::move(birth), acquire(birth)) {}

Master::Master(MasterBirth birth, const MasterInheritance& inheritance)
    : Master(std::move(birth), receive(birth, inheritance)) {
  const auto& state = inheritance.state;
  const bool came_back = inheritance.former < 0;
  fleet_.restore(state.fleet);
  admin_.restore(state.admin, fleet_.generation());
  if (!came_back) change_.came_from(copy_of(inheritance.former));
  if (const auto level = parse_log_level(state.log_level_set_by_hand)) log_.set_level(*level);
  if (state.pid_file >= 0) pid_file_.emplace(PidFile::restore(config().pid_file, copy_of(state.pid_file)));
  steering_.restore(state.control);
  close_all_but(state.descriptors(), birth_.log_descriptor);
  on_changed();
  jobs_.restore(state, change_.may_go_back());
  if (came_back) {
    scoreboard_.master().failed_reloads.add(1);
    report_.ready();
    events_.tell(spdlog::level::err, EventKind::kUpgradeFailed,
                 "the upgrade failed; this program goes on: " + report_.status());
    jobs_.on_return(state.failure.empty() ? "the new program could not take over; the log says why"
                                          : state.failure);
  } else {
    spdlog::info("took over: {}", report_.status());
  }
  jobs_.proceed();
}

ExitCode Master::run() {
  handle_signals();
  reaper_.catch_up();
  release_signals();
  report_.keep_alive();
  if (!fleet_.is_up()) start();
  while (!is_over_) {
    loop_.run();
    if (change_.is_due()) change_.carry_out();
  }
  if (start_failure_) throw FatalError(*start_failure_);
  return ExitCode::kOk;
}

void Master::start() {
  const auto& generation = *fleet_.generation();
  if (!generation.listeners.is_inherited()) warn_of_short_backlog(config().backlog);
  if (config().worker_connections > 0) warn_of_few_descriptors(config().worker_connections);
  report_.starting();
  admin_.serve(fleet_.generation());
  fleet_.start();
}

// ---- commands

void Master::handle_signals() {
  for (const auto& row : commands()) {
    for (const int number : row.signals) {
      signals_.push_back(std::make_unique<Signal>(
          loop_, number, [this, command = row.command](int received) { obey(command, received); }));
    }
  }
}

void Master::obey(Command command, int signal) {
  switch (command) {
    case Command::kStop: return stop(signal);
    case Command::kReopenLog: log_.reopen(); return report_.log_statistics();
    case Command::kReload: return jobs_.ask_for_reload();
    case Command::kUpgrade: return jobs_.ask_for_upgrade();
    case Command::kScale: return jobs_.ask_for_more_workers(signal == SIGTTIN ? 1 : -1);
  }
}

void Master::stop(int signal) {
  if (!fleet_.is_ending()) return stop_gracefully(signal_name(signal));
  if (signal == SIGQUIT) return;
  spdlog::info("{}: stopping at once", signal_name(signal));
  fleet_.stop();
}

void Master::stop_gracefully(const std::string& why) {
  const auto text =
      fmt::format("stopping gracefully, for {} at most", format_duration(config().shutdown_timeout));
  spdlog::info("{}: {}", why, text);
  report_.stopping(text);
  steering_.on_stopping();
  notice_.reset();
  fleet_.generation()->listeners.refuse_handshakes();
  deadline_.start(config().shutdown_timeout + kGraceAfterDeadline);
  fleet_.drain();
}

// ---- what the fleet tells

void Master::on_all_ready() {
  events_.tell(spdlog::level::info, EventKind::kStarted,
               fmt::format("serving on {} with {}", listed(fleet_.generation()->listeners.endpoints()),
                           counted(jobs_.workers(), "worker")));
  put_up_addresses();
  if (!birth_.report_ready()) return stop_gracefully("nobody waits for the start any more");
  report_.ready();
  jobs_.proceed();
}

void Master::on_start_failure(const Error& error) {
  start_failure_ = Error{error.code, "the workers could not become ready: " + error.text};
  fleet_.stop();
}

void Master::on_all_gone() {
  if (!start_failure_) report_.log_what_was_served();
  admin_.end();
}

void Master::on_end() {
  if (!start_failure_) spdlog::info("stopped");
  steering_.on_stopped();
  is_over_ = true;
  loop_.stop();
}

// ---- what an operator asks for

void Master::stop_for(const std::string& who) {
  if (!fleet_.is_ending()) stop_gracefully(who);
}

// ---- what a job needs

void Master::on_changed() {
  report_.on_changed();
  put_up_addresses();
  admin_.serve(fleet_.generation());
}

/// Without it the service is as good, only --probe cannot find it.
void Master::put_up_addresses() {
  auto notice = put_up_notice(fleet_.generation()->listeners.endpoints());
  if (!notice) spdlog::warn("{}; --probe will not find this service", notice.error().text);
  notice_ = notice ? std::move(*notice) : UniqueFd();
}

void Master::upgrade() {
  spdlog::info("upgrading: asking {} whether it can take over", printable(birth_.program));
  change_.begin(config().ready_timeout);
}

UpgradeState Master::record() {
  scoreboard_.stamp();
  const auto& generation = *fleet_.generation();
  UpgradeState state;
  state.program = birth_.program;
  state.folder = birth_.folder;
  state.configuration = effective_toml(config());
  state.generation = generation.number;
  state.scoreboard = scoreboard_.fd();
  state.log = birth_.log_descriptor;
  state.pid_file = pid_file_ ? pid_file_->fd() : -1;
  state.listeners_are_inherited = generation.listeners.is_inherited();
  state.addresses = records_of(generation.listeners);
  state.next_listener_id = generation.listeners.next_id();
  state.admin_addresses = records_of(generation.admin);
  state.fleet = fleet_.record();
  state.admin = admin_.record();
  if (const auto level = log_.level_set_by_hand()) state.log_level_set_by_hand = name_of(*level);
  jobs_.record(state);
  state.control = steering_.record();
  return state;
}

}  // namespace tcp_echo
