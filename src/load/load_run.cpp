#include "tcp_echo/load/load_run.hpp"

#include <spdlog/fmt/chrono.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "figures.hpp"
#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using Seconds = std::chrono::duration<double>;

/// Of its time that a thread runs, or would if it could: above that it is what sets the pace.
constexpr double kBusy = 0.95;
/// A turn that takes longer than this shows in the latencies of messages that go by the clock.
constexpr std::chrono::milliseconds kLongTurn{10};

LoadTask task_of(const LoadCommand& command, const Endpoint& target) {
  const auto& plan = command.plan;
  return {plan, target, plan.message.empty() ? Pattern() : Pattern(plan.message), {}};
}

std::string utc_now() {
  const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

std::string in_words(OwnLimit limit, std::uint64_t times) {
  const auto often = counted(times, "time");
  switch (limit) {
    case OwnLimit::kDescriptors:
      return fmt::format("descriptors: none was left {} of the {} that are allowed (ulimit -n)", often,
                         open_files_limit());
    case OwnLimit::kPorts:
      return fmt::format("source ports: none was free {}, --source-address brings more", often);
    case OwnLimit::kMemory: return fmt::format("memory: the kernel had none for a socket {}", often);
    case OwnLimit::kNone: break;
  }
  return "none";
}

}  // namespace

LoadRun::LoadRun(const LoadCommand& command, const Endpoint& target, OnInterval on_interval)
    : task_(task_of(command, target)),
      on_interval_(std::move(on_interval)),
      gatherer_(command.plan.threads, [this](const LoadInterval& interval) { pass_on(interval); }),
      mailbox_(loop_, command.plan.threads, [this](LoadMessage message) { on_message(std::move(message)); }) {
  summary_.target = command.plan.target;
  summary_.address = target.text();
  summary_.options = command.options;
  summary_.threads = command.plan.threads;
  summary_.wants_echoes = command.plan.connections > 0;
}

LoadSummary LoadRun::run() {
  const Signal interrupt(loop_, SIGINT, [this](int) { on_signal(); });
  const Signal terminate(loop_, SIGTERM, [this](int) { on_signal(); });
  summary_.started = utc_now();
  task_.begin = std::chrono::steady_clock::now();
  for (unsigned i = 0; i < task_.plan.threads; ++i) threads_.emplace_back(task_, i, mailbox_);
  loop_.run();
  threads_.clear();
  judge_pace();
  judge_limits();
  summary_.timeline = timeline_.take();
  return std::move(summary_);
}

void LoadRun::on_signal() {
  for (auto& thread : threads_) {
    if (summary_.interrupted)
      thread.abort();
    else
      thread.stop();
  }
  summary_.interrupted = true;
}

void LoadRun::on_message(LoadMessage message) {
  gatherer_.add(message.thread, std::move(message.stretch));
  if (!message.result) return;
  take_result(message.thread, *message.result);
  if (++ended_ == threads_.size()) loop_.stop();
}

void LoadRun::pass_on(const LoadInterval& interval) {
  on_interval_(interval);
  if (interval.stage == LoadStage::kMeasuring) timeline_.add(interval);
}

void LoadRun::take_result(unsigned thread, const LoadThreadResult& result) {
  summary_.counts += result.counts;
  summary_.latency.add(result.latency);
  summary_.longest_silence = std::max(summary_.longest_silence, result.longest_silence);
  summary_.seconds = std::max(summary_.seconds, Seconds(result.measured).count());
  if (task_.plan.is_open_loop()) summary_.due = summary_.due.value_or(0) + result.due;
  summary_.never_made += result.never_made;
  summary_.held_back += result.held_back;
  summary_.has_echoed |= result.has_echoed;
  longest_turn_ = std::max(longest_turn_, result.longest_turn);
  summary_.cpu_seconds += Seconds(result.processor.used).count();
  for (std::size_t i = 0; i < kOwnLimits; ++i) {
    own_limits_[i].times += result.own_limits[i].times;
    own_limits_[i].connections += result.own_limits[i].connections;
  }
  judge_processor(thread, result);
}

void LoadRun::judge_processor(unsigned thread, const LoadThreadResult& result) {
  const Seconds measured = result.measured;
  if (measured.count() <= 0) return;
  const double used = Seconds(result.processor.used) / measured;
  const double waited = Seconds(result.processor.waited) / measured;
  if (used >= kBusy) {
    summary_.own_limits.push_back(fmt::format(
        "processor: thread {} was busy {:.0f} % of the time, and set the pace; try more --threads",
        thread + 1, used * 100));
  } else if (used + waited >= kBusy) {
    summary_.own_limits.push_back(fmt::format(
        "processor: thread {} ran {:.0f} % of the time, and waited {:.0f} % for a processor that others "
        "had; latencies are partly its own",
        thread + 1, used * 100, waited * 100));
  }
}

void LoadRun::judge_pace() {
  const auto note = [this](const std::string& what) {
    summary_.own_limits.push_back("--connect-rate: " + what);
  };
  if (summary_.held_back > 0)
    note(fmt::format("the turn of {} never came", counted(summary_.held_back, "connection")));
  if (task_.plan.is_open_loop() && longest_turn_ > kLongTurn) {
    note(
        fmt::format("a connection waited {} for its turn to be made anew; what was due then is late for that",
                    time_in_words(longest_turn_)));
  }
}

void LoadRun::judge_limits() {
  for (const auto limit : {OwnLimit::kDescriptors, OwnLimit::kPorts, OwnLimit::kMemory}) {
    const auto& count = own_limits_[static_cast<std::size_t>(limit)];
    if (count.times == 0) continue;
    summary_.own_limits_failed += count.connections;
    summary_.own_limits.push_back(fmt::format("{}, {} not made", in_words(limit, count.times),
                                              counted(count.connections, "connection")));
  }
}

}  // namespace tcp_echo
