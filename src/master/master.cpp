#include "tcp_echo/master/master.hpp"

#include <spdlog/fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>
#include <utility>

#include "tcp_echo/base/cpu.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/options.hpp"
#include "tcp_echo/master/executable.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

// Workers end their drain by themselves; this is for one that hangs.
constexpr auto kGraceAfterDeadline = 500ms;

struct LaterSignal {
  int number;
  std::string_view purpose;
};

// Caught, so that none of them kills the service by its default action.
constexpr std::array kLaterSignals = {
    LaterSignal{SIGHUP, "reload"},        LaterSignal{SIGUSR1, "reopening the log"},
    LaterSignal{SIGUSR2, "upgrade"},      LaterSignal{SIGTTIN, "scaling up"},
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

void warn_of_short_backlog(unsigned wanted) {
  const auto longest = longest_backlog();
  if (longest > 0 && wanted > static_cast<unsigned>(longest)) {
    spdlog::warn("--backlog: the kernel cuts {} to {} (net.core.somaxconn)", wanted, longest);
  }
}

}  // namespace

Master::Master(Config config, int log_descriptor)
    : config_(std::move(config)),
      workers_(wanted_workers(config_)),
      executable_(value_or_throw(open_own_executable())),
      scoreboard_(value_or_throw(Scoreboard::create())),
      listeners_(value_or_throw(ListenerSet::open(config_, workers_))),
      deadline_(loop_, [this] { stop_now(); }),
      fleet_(loop_, Fleet::Resources{config_, listeners_, scoreboard_, executable_.get(), log_descriptor},
             workers_,
             Fleet::Handlers{.on_all_ready = [this] { on_all_ready(); },
                             .on_start_failure = [this](const Error& error) { on_start_failure(error); },
                             .on_all_gone = [this] { on_all_gone(); }}) {}

ExitCode Master::run() {
  handle_signals();
  release_signals();
  warn_of_short_backlog(config_.backlog);
  fleet_.start();
  loop_.run();
  if (start_failure_) throw FatalError(*start_failure_);
  return ExitCode::kOk;
}

void Master::handle_signals() {
  for (const int number : {SIGTERM, SIGQUIT, SIGINT}) {
    signals_.push_back(
        std::make_unique<Signal>(loop_, number, [this](int received) { stop_gracefully(received); }));
  }
  for (const auto& later : kLaterSignals) {
    signals_.push_back(std::make_unique<Signal>(loop_, later.number, [&later](int received) {
      spdlog::warn("{}: {} is not supported yet; nothing was done", signal_name(received), later.purpose);
    }));
  }
}

void Master::on_all_ready() {
  spdlog::info("serving on {} with {}", listed(listeners_.endpoints()), counted(workers_, "worker"));
}

void Master::on_start_failure(const Error& error) {
  start_failure_ = Error{error.code, "the workers could not become ready: " + error.text};
  stopping_ = true;
  fleet_.stop();
}

void Master::stop_gracefully(int signal) {
  if (!std::exchange(stopping_, true)) {
    spdlog::info("{}: stopping gracefully, for {} at most", signal_name(signal),
                 format_duration(config_.shutdown_timeout));
    deadline_.start(config_.shutdown_timeout + kGraceAfterDeadline);
    return fleet_.drain();
  }
  if (signal != SIGQUIT) {
    spdlog::info("{}: stopping at once", signal_name(signal));
    stop_now();
  }
}

void Master::stop_now() { fleet_.stop(); }

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
