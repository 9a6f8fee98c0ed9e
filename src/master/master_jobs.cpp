// The master's part in changing workers on purpose: reload, scale, and a worker that wants to be replaced.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/log_settings.hpp"
#include "tcp_echo/config/options.hpp"
#include "tcp_echo/config/worker_count.hpp"
#include "tcp_echo/daemon/log_target.hpp"
#include "tcp_echo/master/master.hpp"
#include "tcp_echo/master/reloadable.hpp"

namespace tcp_echo {
namespace {

std::vector<unsigned> all_slots(unsigned workers) {
  std::vector<unsigned> slots(workers);
  std::iota(slots.begin(), slots.end(), 0U);
  return slots;
}

/// To open a FIFO would wait for somebody who writes it; and of a pipe, such as bash's <(...), the start has
/// left nothing.
Result<void> check_readable_again(const std::string& file) {
  std::error_code error;
  if (!std::filesystem::is_fifo(file, error)) return {};
  return failure(ExitCode::kConfig, printable(file) + ": a pipe, which cannot be read a second time");
}

}  // namespace

/// Not at once: whoever calls may be in the middle of the very thing that a job would change.
void Master::proceed() { due_.start(std::chrono::milliseconds(0)); }

/// Begins with what is on the agenda, unless something is under way.
void Master::begin_next() {
  while (is_up_ && !stopping_ && !is_busy_ && !fleet_.is_moving()) {
    const auto job = next_job();
    if (!job) return;
    begin(*job);
  }
}

/// A program that has taken over has to show first that it can serve: until then it may go back.
std::optional<Job> Master::next_job() {
  if (former_program_) return Job{.kind = Job::Kind::kReload};
  return agenda_.next();
}

void Master::begin(const Job& job) {
  switch (job.kind) {
    case Job::Kind::kUpgrade: return upgrade();
    case Job::Kind::kReload: return reload();
    case Job::Kind::kScale: return scale(job.by);
    case Job::Kind::kRestart: return restart(job);
  }
}

void Master::reload() {
  is_busy_ = true;
  spdlog::info("reloading");
  notifier_.reloading();
  auto movement = plan_reload();
  if (!movement) return on_reloaded(tl::unexpected(movement.error()));
  fleet_.move(std::move(*movement));
}

Result<Movement> Master::plan_reload() {
  if (auto readable = check_readable_again(config().config_file); !readable)
    return tl::unexpected(readable.error());
  auto loaded = birth_.load();
  if (!loaded) return tl::unexpected(loaded.error());
  for (const auto& warning : loaded->warnings) spdlog::warn("{}", warning);
  const auto& next = loaded->config;
  if (auto unchanged = check_reloadable(config(), next); !unchanged) return tl::unexpected(unchanged.error());
  const bool count_holds = is_scaled_by_hand_ && next.workers == config().workers;
  const auto workers = count_holds ? workers_ : wanted_workers(next);
  auto listeners = generation_->listeners.changed_to(next, workers);
  if (!listeners) return tl::unexpected(listeners.error());
  auto log = open_log(next);
  if (!log) return tl::unexpected(log.error());
  auto generation = std::make_shared<const Generation>(
      Generation{generation_->number + 1, std::move(loaded->config), std::move(*listeners)});
  const auto shared_log = std::make_shared<const UniqueFd>(std::move(*log));
  return Movement{.generation = generation,
                  .workers = workers,
                  .renewed = all_slots(workers),
                  .before_change = [this, generation, shared_log]() -> Result<void> {
                    if (auto done = generation->listeners.begin_to_listen(generation->config); !done)
                      return done;
                    return change_log(*shared_log, generation->config);
                  },
                  .on_done =
                      [this, generation, workers, count_holds](const Result<void>& done) {
                        if (done) take_up(generation, workers, count_holds);
                        on_reloaded(done);
                      }};
}

Result<void> Master::change_log(const UniqueFd& log, const Config& next) {
  if (auto replaced = replace_log(log, birth_.log_descriptor); !replaced) return replaced;
  fleet_.change_log(birth_.log_descriptor);
  set_up_logging(std::string(spdlog::default_logger()->name()), log_settings(next, birth_.log_descriptor));
  return {};
}

/// Whoever waits for the end of a reload (systemd does) gets it either way.
void Master::on_reloaded(const Result<void>& done) {
  if (!done && can_go_back()) {
    spdlog::error("reload failed: {}; going back to the former program", done.error().text);
    return go_back();
  }
  is_busy_ = false;
  former_program_.reset();
  if (stopping_) return;
  auto& counts = scoreboard_.master();
  if (done) {
    counts.reloads.add(1);
    spdlog::info("reloaded: generation {} serves on {} with {}", generation_->number,
                 listed(generation_->listeners.endpoints()), counted(workers_, "worker"));
  } else {
    counts.failed_reloads.add(1);
    spdlog::error("reload failed: {}; generation {} goes on as before", done.error().text,
                  generation_->number);
  }
  notifier_.ready(told_ = status());
  proceed();
}

void Master::scale(int by) {
  const auto wanted = std::clamp(static_cast<int>(workers_) + by, 1, static_cast<int>(kMaxWorkers));
  const auto workers = static_cast<unsigned>(wanted);
  if (workers == workers_) return spdlog::warn("already {}; not changed", counted(workers_, "worker"));
  spdlog::info("scaling from {} to {}", workers_, counted(workers, "worker"));
  is_busy_ = true;
  auto listeners = generation_->listeners.grown_to(config(), workers);
  if (!listeners) return on_scaled(workers, tl::unexpected(listeners.error()));
  auto generation =
      std::make_shared<const Generation>(Generation{generation_->number, config(), std::move(*listeners)});
  std::vector<unsigned> added;
  for (unsigned slot = workers_; slot < workers; ++slot) added.push_back(slot);
  fleet_.move(
      {.generation = generation,
       .workers = workers,
       .renewed = std::move(added),
       .before_change = [generation] { return generation->listeners.begin_to_listen(generation->config); },
       .on_done =
           [this, generation, workers](const Result<void>& done) {
             if (done) take_up(generation, workers, true);
             on_scaled(workers, done);
           }});
}

void Master::on_scaled(unsigned workers, const Result<void>& done) {
  is_busy_ = false;
  if (stopping_) return;
  if (done) {
    spdlog::info("scaled to {}", counted(workers, "worker"));
  } else {
    spdlog::error("scaling failed: {}; {} serve as before", done.error().text, counted(workers_, "worker"));
  }
  tell_status();
  proceed();
}

/// A slot whose worker has died meanwhile has another one already.
void Master::restart(const Job& job) {
  if (fleet_.worker_of(job.slot) != job.worker) return;
  is_busy_ = true;
  spdlog::info("starting a successor for worker {} (pid {})", job.slot + 1, job.worker);
  fleet_.move({.generation = generation_,
               .workers = workers_,
               .renewed = {job.slot},
               .before_change = [] { return Result<void>{}; },
               .on_done = [this, job](const Result<void>& done) { on_restarted(job, done); }});
}

void Master::on_restarted(const Job& job, const Result<void>& done) {
  is_busy_ = false;
  if (stopping_) return;
  tell_status();
  if (done) {
    restart_backoff_ = Backoff(config().respawn_delay_min, config().respawn_delay_max);
    scoreboard_.master().slots.at(job.slot).restarts.add(1);
    return proceed();
  }
  const auto delay = restart_backoff_.after_failure(std::chrono::milliseconds(0));
  spdlog::error("worker {} (pid {}) has no successor: {}; it serves on, next try in {}", job.slot + 1,
                job.worker, done.error().text, format_duration(delay));
  failed_restarts_.push_back(job);
  retry_.start(delay);
  proceed();
}

void Master::retry_restarts() {
  for (const auto& job : std::exchange(failed_restarts_, {})) agenda_.ask_for_restart(job.slot, job.worker);
  proceed();
}

void Master::take_up(const std::shared_ptr<const Generation>& generation, unsigned workers,
                     bool is_scaled_by_hand) {
  generation_ = generation;
  workers_ = workers;
  is_scaled_by_hand_ = is_scaled_by_hand;
  restart_backoff_ = Backoff(config().respawn_delay_min, config().respawn_delay_max);
  scoreboard_.master().generation.store(generation->number);
  put_up_addresses();
}

}  // namespace tcp_echo
