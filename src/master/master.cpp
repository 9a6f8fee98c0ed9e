#include "tcp_echo/master/master.hpp"

#include <spdlog/fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>
#include <utility>

#include "tcp_echo/base/cpu.hpp"
#include "tcp_echo/base/log.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/options.hpp"
#include "tcp_echo/master/executable.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

struct LaterSignal {
  int number;
  std::string_view purpose;
};

// Caught, so that none of them kills the service by its default action.
constexpr std::array kLaterSignals = {
    LaterSignal{SIGUSR2, "upgrade"},
    LaterSignal{SIGTTIN, "scaling up"},
    LaterSignal{SIGTTOU, "scaling down"},
};

unsigned wanted_workers(const Config& config) {
  if (config.workers != 0) return config.workers;
  return std::min(worker_count_for(usable_cpus().size(), cpu_quota()), kMaxWorkers);
}

std::string listed(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> texts;
  texts.reserve(endpoints.size());
  for (const auto& endpoint : endpoints) texts.push_back(endpoint.text());
  return fmt::format("{}", fmt::join(texts, ", "));
}

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

Master::Master(MasterBirth birth)
    : birth_(std::move(birth)),
      config_(birth_.config),
      workers_(wanted_workers(config_)),
      credentials_(value_or_throw(find_credentials(config_.user, config_.group))),
      pid_file_(hold_pid_file(config_)),
      notifier_(Notifier::from_environment()),
      reaper_(loop_),
      executable_(value_or_throw(open_own_executable())),
      scoreboard_(value_or_throw(Scoreboard::create())),
      listeners_(value_or_throw(open_listeners(birth_, workers_))),
      deadline_(loop_, [this] { stop_now(); }),
      alive_(loop_, [this] { keep_alive(); }),
      fleet_(loop_,
             WorkerResources{config_, scoreboard_, reaper_, credentials_, executable_.get(),
                             birth_.log_descriptor},
             listeners_, workers_,
             Fleet::Handlers{.on_all_ready = [this] { on_all_ready(); },
                             .on_start_failure = [this](const Error& error) { on_start_failure(error); },
                             .on_change = [this] { on_change(); },
                             .on_all_gone = [this] { on_all_gone(); }}) {}

ExitCode Master::run() {
  handle_signals();
  release_signals();
  if (!listeners_.is_inherited()) warn_of_short_backlog(config_.backlog);
  keep_alive();
  fleet_.start();
  loop_.run();
  if (start_failure_) throw FatalError(*start_failure_);
  return ExitCode::kOk;
}

void Master::handle_signals() {
  const auto handle = [this](int number, std::function<void(int)> handler) {
    signals_.push_back(std::make_unique<Signal>(loop_, number, std::move(handler)));
  };
  for (const int number : {SIGTERM, SIGQUIT, SIGINT})
    handle(number, [this](int received) { on_stop_signal(received); });
  handle(SIGHUP, [this](int) { refuse_reload(); });
  handle(SIGUSR1, [this](int) { reopen_log(); });
  for (const auto& later : kLaterSignals) {
    handle(later.number, [&later](int received) {
      spdlog::warn("{}: {} is not supported yet; nothing was done", signal_name(received), later.purpose);
    });
  }
}

void Master::on_all_ready() {
  spdlog::info("serving on {} with {}", listed(listeners_.endpoints()), counted(workers_, "worker"));
  is_up_ = true;
  if (!birth_.report_ready()) return stop_gracefully("nobody waits for the start any more");
  notifier_.ready(told_ = status());
}

void Master::on_start_failure(const Error& error) {
  start_failure_ = Error{error.code, "the workers could not become ready: " + error.text};
  stopping_ = true;
  fleet_.stop();
}

void Master::on_change() {
  if (is_up_ && !stopping_ && status() != told_) notifier_.status(told_ = status());
}

std::string Master::status() const {
  return fmt::format("serving on {}; {} of {} ready", listed(listeners_.endpoints()), fleet_.ready_count(),
                     counted(workers_, "worker"));
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
      fmt::format("stopping gracefully, for {} at most", format_duration(config_.shutdown_timeout));
  spdlog::info("{}: {}", why, text);
  notifier_.stopping(text);
  listeners_.refuse_handshakes();
  deadline_.start(config_.shutdown_timeout + kGraceAfterDeadline);
  fleet_.drain();
}

void Master::stop_now() { fleet_.stop(); }

/// Whoever waits for the end of a reload (systemd does) gets it.
void Master::refuse_reload() {
  spdlog::warn("SIGHUP: reload is not supported yet; nothing was done");
  if (!is_up_ || stopping_) return;
  notifier_.reloading();
  notifier_.ready(status());
}

void Master::reopen_log() {
  if (!config_.log_file.empty()) {
    if (auto reopened = reopen_log_file(config_.log_file, birth_.log_descriptor); reopened) {
      fleet_.pass_on_log(birth_.log_descriptor);
      spdlog::info("SIGUSR1: reopened the log file");
    } else {
      spdlog::error("SIGUSR1: {}; going on with the old one", reopened.error().text);
    }
  }
  fleet_.log_statistics();
}

void Master::keep_alive() {
  const auto interval = notifier_.alive_interval();
  if (!interval) return;
  notifier_.alive();
  alive_.start(*interval);
}

void Master::on_all_gone() {
  for (unsigned slot = 0; slot < workers_ && !start_failure_; ++slot) log_service(slot);
  if (!start_failure_) spdlog::info("stopped");
  loop_.stop();
}

void Master::log_service(unsigned slot) {
  const auto& served = scoreboard_.master().slots.at(slot).past;
  spdlog::info("worker {} served {}: {} received, {} sent", slot + 1,
               counted(served.accepted.get(), "connection"), format_bytes(served.received_bytes.get()),
               format_bytes(served.sent_bytes.get()));
}

}  // namespace tcp_echo
