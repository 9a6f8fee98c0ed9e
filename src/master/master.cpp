#include "tcp_echo/master/master.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/log.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/worker_count.hpp"
#include "tcp_echo/daemon/executable.hpp"
#include "tcp_echo/ipc/address_notice.hpp"
#include "tcp_echo/net/listening_socket.hpp"

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

/// As many as a master or a worker holds anyhow, and some room.
constexpr std::size_t kOwnDescriptors = 32;

/// What cannot be had for want of a descriptor would otherwise fail somewhere in the middle, and not always
/// with an error: libuv aborts. The master has a channel to each worker, and the listeners of all.
void check_open_files_limit(const MasterBirth& birth, unsigned workers) {
  const auto inherited = birth.inherited_sockets.size();
  const auto listeners = inherited > 0 ? inherited : birth.config.listen.size() * workers;
  const auto needed = kOwnDescriptors + workers + listeners;
  const auto limit = static_cast<std::size_t>(open_files_limit());
  if (limit >= needed) return;
  throw FatalError(
      {ExitCode::kOsError,
       fmt::format("at most {} files may be open (ulimit -n), and {} with {} need {} at least", limit,
                   counted(workers, "worker"), counted(listeners, "listening socket"), needed)});
}

/// So many connections may be asked for, and not be possible.
void warn_of_few_descriptors(unsigned worker_connections) {
  const auto limit = static_cast<std::size_t>(open_files_limit());
  if (worker_connections + kOwnDescriptors <= limit) return;
  spdlog::warn("--worker-connections: {} connections need {} open files, and {} are allowed (ulimit -n)",
               worker_connections, worker_connections + kOwnDescriptors, limit);
}

}  // namespace

Master::Holdings Master::acquire(MasterBirth& birth) {
  const auto& config = birth.config;
  const auto workers = wanted_workers(config);
  check_open_files_limit(birth, workers);
  auto credentials = value_or_throw(find_credentials(config.user, config.group));
  auto pid_file = hold_pid_file(config);
  auto executable = value_or_throw(open_program(birth.program));
  auto scoreboard = value_or_throw(Scoreboard::create());
  auto listeners = value_or_throw(open_listeners(birth, workers));
  return {workers,
          credentials,
          std::move(pid_file),
          std::move(executable),
          std::move(scoreboard),
          std::make_shared<const Generation>(Generation{1, config, std::move(listeners)})};
}

Master::Master(MasterBirth&& birth, Holdings holdings)
    : birth_(std::move(birth)),
      workers_(holdings.workers),
      credentials_(holdings.credentials),
      pid_file_(std::move(holdings.pid_file)),
      notifier_(loop_),
      reaper_(loop_),
      executable_(std::move(holdings.executable)),
      scoreboard_(std::move(holdings.scoreboard)),
      launcher_(loop_, reaper_, {credentials_, executable_.get(), birth_.log_descriptor}),
      generation_(std::move(holdings.generation)),
      deadline_(loop_, [this] { stop_now(); }),
      alive_(loop_, [this] { keep_alive(); }),
      due_(loop_, [this] { begin_next(); }),
      retry_(loop_, [this] { retry_restarts(); }),
      restart_backoff_(config().respawn_delay_min, config().respawn_delay_max),
      fleet_(loop_, scoreboard_, launcher_, generation_,
             static_cast<unsigned>(std::max<std::size_t>(holdings.slots, workers_)),
             Fleet::Handlers{.on_all_ready = [this] { on_all_ready(); },
                             .on_start_failure = [this](const Error& error) { on_start_failure(error); },
                             .on_change = [this] { on_change(); },
                             .on_leaving = [this](unsigned slot, pid_t worker) { on_leaving(slot, worker); },
                             .on_all_gone = [this] { on_all_gone(); }}) {}

Master::Master(MasterBirth birth) : Master(std::move(birth), acquire(birth)) {}

ExitCode Master::run() {
  handle_signals();
  reaper_.catch_up();
  release_signals();
  keep_alive();
  if (!is_up_) start();
  while (!is_over_) {
    loop_.run();
    if (is_to_be_replaced_) replace_program();
  }
  if (start_failure_) throw FatalError(*start_failure_);
  return ExitCode::kOk;
}

void Master::start() {
  if (!generation_->listeners.is_inherited()) warn_of_short_backlog(config().backlog);
  if (config().worker_connections > 0) warn_of_few_descriptors(config().worker_connections);
  scoreboard_.master().generation.store(generation_->number);
  started_at_ = loop_.now();
  scoreboard_.master().started_at.store(started_at_.count());
  fleet_.start();
}

void Master::handle_signals() {
  const auto handle = [this](int number, std::function<void(int)> handler) {
    signals_.push_back(std::make_unique<Signal>(loop_, number, std::move(handler)));
  };
  for (const int number : {SIGTERM, SIGQUIT, SIGINT})
    handle(number, [this](int received) { on_stop_signal(received); });
  handle(SIGUSR1, [this](int) { reopen_log(); });
  const auto ask = [this, &handle](int number, std::function<void(Agenda&)> what) {
    handle(number, [this, what = std::move(what)](int) {
      what(agenda_);
      proceed();
    });
  };
  ask(SIGHUP, [](Agenda& agenda) { agenda.ask_for_reload(); });
  ask(SIGUSR2, [](Agenda& agenda) { agenda.ask_for_upgrade(); });
  ask(SIGTTIN, [](Agenda& agenda) { agenda.ask_for_workers(1); });
  ask(SIGTTOU, [](Agenda& agenda) { agenda.ask_for_workers(-1); });
}

void Master::on_all_ready() {
  spdlog::info("serving on {} with {}", listed(generation_->listeners.endpoints()),
               counted(workers_, "worker"));
  is_up_ = true;
  put_up_addresses();
  if (!birth_.report_ready()) return stop_gracefully("nobody waits for the start any more");
  notifier_.ready(told_ = status());
  proceed();
}

/// Without it the service is as good, only --probe cannot find it.
void Master::put_up_addresses() {
  auto notice = put_up_notice(generation_->listeners.endpoints());
  if (!notice) spdlog::warn("{}; --probe will not find this service", notice.error().text);
  notice_ = notice ? std::move(*notice) : UniqueFd();
}

void Master::on_start_failure(const Error& error) {
  start_failure_ = Error{error.code, "the workers could not become ready: " + error.text};
  stopping_ = true;
  fleet_.stop();
}

void Master::on_leaving(unsigned slot, pid_t worker) {
  agenda_.ask_for_restart(slot, worker);
  proceed();
}

void Master::on_change() {
  proceed();
  tell_status();
}

void Master::tell_status() {
  if (is_up_ && !stopping_ && !is_busy_ && status() != told_) notifier_.status(told_ = status());
}

std::string Master::status() const {
  return fmt::format("serving on {}; {} of {} ready", listed(generation_->listeners.endpoints()),
                     fleet_.ready_count(), counted(workers_, "worker"));
}

void Master::on_stop_signal(int signal) {
  if (!stopping_) return stop_gracefully(signal_name(signal));
  if (signal == SIGQUIT) return;
  spdlog::info("{}: stopping at once", signal_name(signal));
  stop_now();
}

void Master::stop_gracefully(const std::string& why) {
  stopping_ = true;
  const auto text =
      fmt::format("stopping gracefully, for {} at most", format_duration(config().shutdown_timeout));
  spdlog::info("{}: {}", why, text);
  notifier_.stopping(text);
  notice_.reset();
  generation_->listeners.refuse_handshakes();
  deadline_.start(config().shutdown_timeout + kGraceAfterDeadline);
  fleet_.drain();
}

void Master::stop_now() { fleet_.stop(); }

void Master::reopen_log() {
  if (!config().log_file.empty()) {
    if (auto reopened = reopen_log_file(config().log_file, birth_.log_descriptor); reopened) {
      fleet_.change_log(birth_.log_descriptor);
      spdlog::info("SIGUSR1: reopened the log file");
    } else {
      spdlog::error("SIGUSR1: {}; going on with the old one", reopened.error().text);
    }
  }
  log_statistics();
}

void Master::log_statistics() {
  fleet_.log_statistics();
  const auto& counts = scoreboard_.master();
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(loop_.now() - started_at_);
  spdlog::info("up for {} s, generation {}, {}, {} failed", up.count(), generation_->number,
               counted(counts.reloads.get(), "reload"), counts.failed_reloads.get());
}

void Master::keep_alive() {
  const auto interval = notifier_.alive_interval();
  if (!interval) return;
  notifier_.alive();
  alive_.start(*interval);
}

void Master::on_all_gone() {
  for (unsigned slot = 0; slot < fleet_.slots_with_a_past() && !start_failure_; ++slot) log_service(slot);
  if (!start_failure_) spdlog::info("stopped");
  is_over_ = true;
  loop_.stop();
}

void Master::log_service(unsigned slot) {
  const auto& served = scoreboard_.master().slots.at(slot).past;
  spdlog::info("worker {} served {}: {} received, {} sent", slot + 1,
               counted(served.accepted.get(), "connection"), format_bytes(served.received_bytes.get()),
               format_bytes(served.sent_bytes.get()));
}

}  // namespace tcp_echo
