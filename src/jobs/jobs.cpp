#include "tcp_echo/jobs/jobs.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/base/version.hpp"
#include "tcp_echo/config/options.hpp"
#include "tcp_echo/config/reloadable.hpp"
#include "tcp_echo/config/worker_count.hpp"
#include "tcp_echo/daemon/log_target.hpp"
#include "tcp_echo/listeners/admin_listener.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;
namespace level = spdlog::level;

/// From `first` on, below `end`.
std::vector<unsigned> slots_between(unsigned first, unsigned end) {
  std::vector<unsigned> slots(end > first ? end - first : 0);
  std::iota(slots.begin(), slots.end(), first);
  return slots;
}

/// To open a FIFO would wait for a program that writes it; and of a pipe, such as bash's <(...), the start
/// has left nothing.
Result<void> check_readable_again(const std::string& file) {
  std::error_code error;
  if (!std::filesystem::is_fifo(file, error)) return {};
  return failure(ExitCode::kConfig, printable(file) + ": a pipe, which cannot be read a second time");
}

Backoff backoff_of(const Config& config) { return {config.respawn_delay_min, config.respawn_delay_max}; }

}  // namespace

Jobs::Jobs(Timekeeper& clock, Fleet& fleet, Scoreboard& scoreboard, Host& host, unsigned workers)
    : fleet_(fleet),
      scoreboard_(scoreboard),
      events_(scoreboard),
      host_(host),
      workers_(workers),
      restart_backoff_(backoff_of(config())),
      due_(clock, [this] { begin_next(); }),
      retry_(clock, [this] {
        for (auto& job : std::exchange(failed_restarts_, {})) ask_for(std::move(job));
      }) {}

void Jobs::ask_for(Job job) {
  agenda_.ask_for(std::move(job));
  proceed();
}

void Jobs::ask_for_reload(std::vector<Ticket> waiting) {
  ask_for({.kind = Job::Kind::kReload, .waiting = std::move(waiting)});
}

void Jobs::ask_for_upgrade(std::vector<Ticket> waiting) {
  ask_for({.kind = Job::Kind::kUpgrade, .waiting = std::move(waiting)});
}

void Jobs::ask_for_more_workers(int by) { ask_for({.kind = Job::Kind::kScale, .by = by}); }

void Jobs::ask_for_workers(unsigned workers, std::vector<Ticket> waiting) {
  ask_for({.kind = Job::Kind::kScale, .workers = workers, .waiting = std::move(waiting)});
}

void Jobs::ask_for_restart(unsigned slot, pid_t worker, std::vector<Ticket> waiting) {
  ask_for({.kind = Job::Kind::kRestart, .slot = slot, .worker = worker, .waiting = std::move(waiting)});
}

void Jobs::ask_for_successor(unsigned slot, pid_t worker) {
  ask_for({.kind = Job::Kind::kRestart, .slot = slot, .worker = worker, .is_tried_until_done = true});
}

// ---- one after the other

/// What is on the agenda, unless something is under way.
void Jobs::begin_next() {
  while (fleet_.is_up() && !fleet_.is_ending() && !is_busy() && !fleet_.is_moving() &&
         !host_.holds_removed_listeners()) {
    const auto next = next_job();
    if (!next) return;
    if (const auto outcome = outcome_at_once(*next)) {
      answer(next->waiting, *outcome);
      continue;
    }
    job_ = next;
    for (auto* const waiter : waiters_) waiter->on_begin(*job_);
    if (auto begun = begin(*job_); !begun) end(begun);
  }
}

/// A program that has taken over has to show first that it can serve: until then it may go back. A reload
/// that was asked for is done by that as well.
std::optional<Job> Jobs::next_job() {
  if (!has_to_prove_itself_) return agenda_.next();
  return Job{.kind = Job::Kind::kReload,
             .waiting = owed_reload_ ? owed_reload_->waiting : std::vector<Ticket>{}};
}

/// A number of workers that is reached already, or a worker that is gone by now, needs no job.
std::optional<Outcome> Jobs::outcome_at_once(const Job& job) const {
  if (job.kind == Job::Kind::kRestart) {
    const auto worker = fleet_.worker_of(job.slot);
    if (worker == job.worker) return std::nullopt;
    const auto former = fmt::format("worker {} (pid {})", job.slot + 1, job.worker);
    if (worker != 0) return former + " has a successor already";
    return failure(ExitCode::kTemporary, former + " does not run any more");
  }
  if (job.kind != Job::Kind::kScale || wanted_after(job) != workers_) return std::nullopt;
  const auto reason = fmt::format("already {}; not changed", counted(workers_, "worker"));
  spdlog::warn("{}", reason);
  return reason;
}

unsigned Jobs::wanted_after(const Job& job) const {
  return static_cast<unsigned>(std::clamp(static_cast<int>(job.workers.value_or(workers_)) + job.by, 1,
                                          static_cast<int>(kMaxWorkers)));
}

Result<void> Jobs::begin(const Job& job) {
  switch (job.kind) {
    case Job::Kind::kUpgrade: host_.upgrade(); return {};
    case Job::Kind::kReload: return reload();
    case Job::Kind::kScale: return scale(wanted_after(job));
    case Job::Kind::kRestart: restart(job); return {};
  }
  return {};
}

/// The waiters are told how the job went, well or not; when the service ends, they are told nothing. Those
/// who have asked for it come last: what they look at next is as it will be.
void Jobs::end(const Result<void>& done) {
  const auto job = *std::exchange(job_, std::nullopt);
  const bool proves_it = job.kind == Job::Kind::kReload && std::exchange(has_to_prove_itself_, false);
  if (proves_it) {
    if (!done && !fleet_.is_ending()) return go_back(done.error());
    host_.prove();
    owed_reload_.reset();
  }
  if (fleet_.is_ending()) return;
  const auto upgraded = fmt::format("upgraded: tcp-echo-master {} goes on", version());
  if (proves_it) events_.note(EventKind::kUpgraded, upgraded);
  const auto outcome = note_end(job, done);
  for (auto* const waiter : waiters_) waiter->on_end(job, outcome);
  answer(job.waiting, outcome);
  if (proves_it) answer(std::exchange(await_upgrade_, {}), upgraded);
  proceed();
}

void Jobs::on_upgrade_failed(const Error& error) {
  failure_.clear();
  end(tl::unexpected(error));
}

void Jobs::go_back(const Error& error) {
  spdlog::error("reload failed: {}; going back to the former program", error.text);
  if (owed_reload_) agenda_.ask_for(*std::exchange(owed_reload_, std::nullopt));
  job_ = Job{.kind = Job::Kind::kUpgrade, .waiting = std::exchange(await_upgrade_, {})};
  failure_ = error.text;
  host_.go_back();
}

void Jobs::answer(const std::vector<Ticket>& waiting, const Outcome& outcome) {
  for (const auto ticket : waiting) host_.answer(ticket, outcome);
}

// ---- what they are

Result<void> Jobs::reload() {
  spdlog::info("reloading");
  auto movement = plan_reload();
  if (!movement) return tl::unexpected(movement.error());
  fleet_.move(std::move(*movement));
  return {};
}

Result<Movement> Jobs::plan_reload() {
  if (auto readable = check_readable_again(config().config_file); !readable)
    return tl::unexpected(readable.error());
  auto given = host_.read_config();
  if (!given) return tl::unexpected(given.error());
  for (const auto& warning : given->warnings) spdlog::warn("{}", warning);
  const auto& next = given->config;
  if (auto unchanged = check_reloadable(config(), next); !unchanged) return tl::unexpected(unchanged.error());
  const bool count_holds = is_set_by_hand_ && next.workers == config().workers;
  const auto workers = count_holds ? workers_ : wanted_workers(next);
  auto listeners = fleet_.generation()->listeners.changed_to(next, workers);
  if (!listeners) return tl::unexpected(listeners.error());
  auto admin = admin_listener(fleet_.generation()->admin, *listeners, next);
  if (!admin) return tl::unexpected(admin.error());
  auto log = open_log(next);
  if (!log) return tl::unexpected(log.error());
  const auto generation = std::make_shared<const Generation>(Generation{
      fleet_.generation()->number + 1, std::move(given->config), std::move(*listeners), std::move(*admin)});
  const auto shared_log = std::make_shared<const UniqueFd>(std::move(*log));
  return Movement{.generation = generation,
                  .workers = workers,
                  .renewed = slots_between(0, workers),
                  .before_change = [this, generation, shared_log]() -> Result<void> {
                    const auto& config = generation->config;
                    if (auto done = begin_to_listen_for_admin(generation->admin, config); !done) return done;
                    if (auto done = generation->listeners.begin_to_listen(config); !done) return done;
                    return host_.change_log(*shared_log, config);
                  },
                  .on_done =
                      [this, workers, count_holds](const Result<void>& done) {
                        if (done) take_up(workers, count_holds);
                        end(done);
                      }};
}

Result<void> Jobs::scale(unsigned workers) {
  spdlog::info("scaling from {} to {}", workers_, counted(workers, "worker"));
  const auto& now = *fleet_.generation();
  auto listeners = now.listeners.grown_to(now.config, workers);
  if (!listeners) return tl::unexpected(listeners.error());
  const auto generation = std::make_shared<const Generation>(
      Generation{now.number, now.config, std::move(*listeners), now.admin});
  fleet_.move(
      {.generation = generation,
       .workers = workers,
       .renewed = slots_between(workers_, workers),
       .before_change = [generation] { return generation->listeners.begin_to_listen(generation->config); },
       .on_done =
           [this, workers](const Result<void>& done) {
             if (done) take_up(workers, true);
             end(done);
           }});
  return {};
}

void Jobs::restart(const Job& job) {
  spdlog::info("starting a successor for worker {} (pid {})", job.slot + 1, job.worker);
  fleet_.move({.generation = fleet_.generation(),
               .workers = workers_,
               .renewed = {job.slot},
               .before_change = [] { return Result<void>{}; },
               .on_done = [this](const Result<void>& done) { end(done); }});
}

void Jobs::take_up(unsigned workers, bool is_set_by_hand) {
  workers_ = workers;
  is_set_by_hand_ = is_set_by_hand;
  restart_backoff_ = backoff_of(config());
  host_.on_changed();
}

// ---- how they went

Outcome Jobs::note_end(const Job& job, const Result<void>& done) {
  switch (job.kind) {
    case Job::Kind::kUpgrade: return note_upgrade(done);
    case Job::Kind::kReload: return note_reload(done);
    case Job::Kind::kScale: return note_scale(done);
    case Job::Kind::kRestart: return note_restart(job, done);
  }
  return {};
}

/// An upgrade that went well is told of by the next program.
Outcome Jobs::note_upgrade(const Result<void>& done) {
  scoreboard_.master().failed_reloads.add(1);
  events_.tell(level::err, EventKind::kUpgradeFailed,
               fmt::format("upgrade failed: {}; this program goes on as before", done.error().text));
  return tl::unexpected(done.error());
}

Outcome Jobs::note_reload(const Result<void>& done) {
  auto& counts = scoreboard_.master();
  const auto& generation = *fleet_.generation();
  if (!done) {
    counts.failed_reloads.add(1);
    events_.tell(level::err, EventKind::kReloadFailed,
                 fmt::format("reload failed: {}; generation {} goes on as before", done.error().text,
                             generation.number));
    return tl::unexpected(done.error());
  }
  counts.reloads.add(1);
  auto text = fmt::format("reloaded: generation {} serves on {} with {}", generation.number,
                          listed(generation.listeners.endpoints()), counted(workers_, "worker"));
  events_.tell(level::info, EventKind::kReloaded, text);
  return text;
}

Outcome Jobs::note_scale(const Result<void>& done) {
  const auto workers = counted(workers_, "worker");
  if (!done) {
    events_.tell(level::err, EventKind::kScaleFailed,
                 fmt::format("scaling failed: {}; {} serve as before", done.error().text, workers));
    return tl::unexpected(done.error());
  }
  events_.tell(level::info, EventKind::kScaled, "scaled to " + workers);
  return "scaled to " + workers;
}

Outcome Jobs::note_restart(const Job& job, const Result<void>& done) {
  const auto former = fmt::format("worker {} (pid {})", job.slot + 1, job.worker);
  if (done) {
    restart_backoff_ = backoff_of(config());
    scoreboard_.master().slots.at(job.slot).restarts_for(RestartReason::kRequested).add(1);
    events_.note(EventKind::kReplaced, former + " has a successor");
    return former + " has a successor";
  }
  auto text = fmt::format("{} has no successor: {}; it serves on", former, done.error().text);
  if (job.is_tried_until_done) text += ", next try in " + format_duration(retry_later(job));
  events_.tell(level::err, EventKind::kReplaceFailed, text);
  return tl::unexpected(done.error());
}

std::chrono::milliseconds Jobs::retry_later(const Job& job) {
  const auto delay = restart_backoff_.after_failure(0ms);
  failed_restarts_.push_back(job);
  failed_restarts_.back().waiting.clear();
  retry_.start(delay);
  return delay;
}

// ---- from program to program

void Jobs::record(UpgradeState& state) const {
  state.workers = workers_;
  state.workers_are_set_by_hand = is_set_by_hand_;
  state.jobs = agenda_.jobs();
  state.jobs.insert(state.jobs.end(), failed_restarts_.begin(), failed_restarts_.end());
  if (job_) state.waiting = job_->waiting;
  state.failure = failure_;
}

void Jobs::restore(const UpgradeState& state, bool has_to_prove_itself) {
  is_set_by_hand_ = state.workers_are_set_by_hand;
  has_to_prove_itself_ = has_to_prove_itself;
  await_upgrade_ = state.waiting;
  for (const auto& job : state.jobs) {
    // This program reloads in any case, to show that it can; should that fail, one that was asked for is
    // owed.
    if (job.kind == Job::Kind::kReload && has_to_prove_itself) {
      owed_reload_ = job;
    } else {
      agenda_.ask_for(job);
    }
  }
}

void Jobs::on_return(const std::string& why) {
  answer(std::exchange(await_upgrade_, {}), failure(ExitCode::kTemporary, why));
}

}  // namespace tcp_echo
