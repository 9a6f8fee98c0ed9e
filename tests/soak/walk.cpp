#include "soak/walk.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iomanip>
#include <iostream>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "soak/connections_of.hpp"
#include "system/service.hpp"
#include "tcp_echo/ipc/message.hpp"
#include "tcp_echo/net/listening_socket.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;

constexpr auto kPace = 10ms;
constexpr std::size_t kLogTail = 120;

// Whoever is slow has at most so much left when the walk is over.
constexpr auto kLongestFarewell = 60s;

// A worker that was stopped is stopped at once, unless the machine is very busy.
constexpr auto kLongestStop = 500ms;

std::string in_seconds(Milliseconds time) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << std::chrono::duration<double>(time).count() << " s";
  return text.str();
}

bool has_ended(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

}  // namespace

Walk::Walk(WalkOptions options) : options_(std::move(options)), visitors_(chronicle_, options_.seed) {
  if (!open_pid(::getpid())) throw std::runtime_error("no pidfd can be had here: the walk could harm nobody");
  occupied_ = value_or_throw(open_listener(*Endpoint::parse("127.0.0.1:0"), {.backlog = 1}));
  occupied_address_ = value_or_throw(local_endpoint(occupied_.get())).text();
  std::cout << "random walk with seed " << options_.seed << " for " << in_seconds(options_.duration) << ", "
            << options_.changes_per_minute << " changes a minute\n"
            << std::flush;
}

std::string Walk::run() {
  configure(Dice(options_.seed), false);
  start();
  walk();
  if (!has_failed()) finish();
  return has_failed() ? report() : "";
}

void Walk::walk() {
  begin_ = Clock::now();
  for (const auto& change : draw_plan(options_)) {
    wait_until(begin_ + change.at);
    if (has_failed()) return;
    ++done_[change.kind];
    perform(change);
  }
  wait_until(begin_ + options_.duration);
}

void Walk::note(const std::string& text) { chronicle_.note(text); }

void Walk::wait_until(Moment moment) {
  while (!has_failed()) {
    look();
    const auto left = std::chrono::duration_cast<Milliseconds>(moment - Clock::now());
    if (left <= 0ms) return;
    pause_for(std::min<Milliseconds>(left, kPace));
  }
}

/// What has happened meanwhile, and what is due.
void Walk::look() {
  const auto now = Clock::now();
  thaw_due(now);
  if (now >= faults_end_) {
    site_.faults().become("");
    chronicle_.set_faults(false);
    faults_end_ = Moment::max();
  }
  log_.look();
  fail(visitors_.failure());
  fail(log_.complaint());
  if (site_.runs() && has_ended(site_.daemon().pid())) fail("the master has ended by itself");
}

void Walk::fail(const std::string& what) {
  if (failure_.empty()) failure_ = what;
}

std::string Walk::report() const {
  const auto name = "tcp-echo-walk-" + std::to_string(options_.seed);
  return failure_ + "\nfailed " + in_seconds(since(begin_)) + " after the begin of the walk with seed " +
         std::to_string(options_.seed) + "\n---- the last changes\n" + chronicle_.last_notes() +
         "---- the end of the log (all of it: " + site_.keep_logs(name) + ")\n" + site_.log_tail(kLogTail) +
         "----\n";
}

// ---- changes

void Walk::perform(const Change& change) {
  const Dice dice(change.dice);
  switch (change.kind) {
    case ChangeKind::kReload: return reload(dice);
    case ChangeKind::kBrokenReload: return break_and_reload(dice);
    case ChangeKind::kAddresses:
      configure(dice, true);
      note("HUP, with " + std::to_string(served_.size()) + " addresses");
      return site_.daemon().signal(SIGHUP);
    case ChangeKind::kUpgrade:
      return Dice(dice).once_in(2) ? upgrade(next_program(), "the next program")
                                   : upgrade(Daemon::program(), "the same program");
    case ChangeKind::kBrokenUpgrade: return break_and_upgrade(dice);
    case ChangeKind::kUpgradeThatGoesBack: return upgrade_and_go_back();
    case ChangeKind::kForeignUpgrade: return upgrade(foreign_program(), "one of another protocol version");
    case ChangeKind::kOneMore: note("TTIN"); return site_.daemon().signal(SIGTTIN);
    case ChangeKind::kOneFewer: note("TTOU"); return site_.daemon().signal(SIGTTOU);
    case ChangeKind::kTermWorker: return term(dice);
    case ChangeKind::kKillWorker: return kill(dice);
    case ChangeKind::kStopWorkerBriefly: return stop_for(dice, 20ms, 700ms);
    case ChangeKind::kStopWorkerForLong: return stop_for(dice, 2500ms, 8000ms);
    case ChangeKind::kFreezeAll: return freeze(dice, true);
    case ChangeKind::kFreezeMaster: return freeze(dice, false);
    case ChangeKind::kRotateLog: return rotate_log();
    case ChangeKind::kStatistics: note("USR1"); return site_.daemon().signal(SIGUSR1);
    case ChangeKind::kFaults: return suffer(dice);
    case ChangeKind::kRestart: return restart(dice, false);
    case ChangeKind::kHurriedRestart: return restart(dice, true);
  }
}

/// What is served changes only where that is the point, or hardly a connection would be sure of its address.
void Walk::configure(Dice dice, bool with_other_addresses) {
  if (with_other_addresses || served_.empty()) {
    served_ = {site_.addresses().front()};
    for (std::size_t i = 1; i < site_.addresses().size(); ++i) {
      if (dice.once_in(2)) served_.push_back(site_.addresses()[i]);
    }
  }
  const auto pick = [&dice](std::vector<std::string> choice) { return dice.one_of(choice); };
  std::string text = "listen = [";
  for (const auto& address : served_) text += "\"" + address + "\", ";
  text += "]\nworkers = " + pick({"1", "2", "3", "4"}) + "\nidle_timeout = \"" +
          pick({"0", "2s", "2s", "5s", "60s"}) + "\"\nlinger_timeout = \"" + pick({"1s", "5s"}) +
          "\"\nnodelay = " + pick({"true", "false"}) + "\nbacklog = " + pick({"512", "1024", "4096"}) +
          "\nkeepalive = \"" + pick({"0", "30s"}) + "\"\nwatchdog = \"" + pick({"2s", "3s", "5s"}) +
          "\"\nshutdown_timeout = \"" + pick({"2s", "3s", "4s"}) + "\"\nrespawn_delay_min = \"" +
          pick({"20ms", "100ms"}) +
          "\"\nrespawn_delay_max = \"1s\"\nworker_recycle_after = " + pick({"0", "0", "300"}) +
          "\nworker_connections = " + pick({"0", "0", "1000"}) + "\nlog_level = \"debug\"\n";
  site_.configure(text);
  chronicle_.configured(served_);
}

void Walk::reload(Dice dice) {
  configure(dice, false);
  note("HUP");
  site_.daemon().signal(SIGHUP);
}

void Walk::break_and_reload(Dice dice) {
  const std::vector<std::string> broken = {"workers = many\n",
                                           "no_such_key = 1\n",
                                           "listen = [\n",
                                           "idle_timeout = \"soon\"\n",
                                           "daemon = true\n",
                                           "listen = [\"" + occupied_address_ + "\"]\n",
                                           "listen = [\"192.0.2.1:7\"]\n"};
  const auto& text = dice.one_of(broken);
  site_.configure(text);
  note("HUP, with a broken file: " + text.substr(0, text.size() - 1));
  site_.daemon().signal(SIGHUP);
}

void Walk::upgrade(const std::string& program, const std::string& name) {
  site_.install(program);
  note("USR2, to " + name);
  site_.daemon().signal(SIGUSR2);
}

void Walk::break_and_upgrade(Dice dice) {
  const std::vector<std::string> broken = {"#!/bin/true\n",
                                           "#!/bin/sh\nexit 3\n",
                                           "#!/bin/sh\nkill -SEGV $$\n",
                                           "#!/no/such/interpreter\n",
                                           std::string(5000, '\x7f'),
                                           "",
                                           "#!/bin/sh\nsleep 1\nexit 1\n"};
  const auto index = dice.below(broken.size() + 1);
  if (index == broken.size()) {
    site_.remove_program();
  } else {
    site_.install_text(broken[index]);
  }
  note("USR2, to a broken program (" + std::to_string(index) + ")");
  site_.daemon().signal(SIGUSR2);
}

void Walk::upgrade_and_go_back() {
  site_.faults().become("0 refuse\n");
  chronicle_.set_faults(true);
  faults_end_ = Clock::now() + 1500ms;
  upgrade(next_program(), "one that cannot take over");
}

void Walk::suffer(Dice dice) {
  std::vector<std::string> words = {"abort", "exit", "slow", "mute"};
  const auto line = std::to_string(dice.between(1, 3)) + " " + dice.one_of(words);
  site_.faults().become(line + "\n");
  chronicle_.set_faults(true);
  faults_end_ = Clock::now() + Milliseconds(dice.between(300, 2000));
  note("HUP, with workers that fail: " + line);
  site_.daemon().signal(SIGHUP);
}

void Walk::rotate_log() {
  log_.look();
  site_.rename_log();
  note("USR1, with another log");
  site_.daemon().signal(SIGUSR1);
}

// ---- harm

pid_t Walk::choose_worker(Dice& dice) {
  auto workers = site_.daemon().running_workers();
  std::sort(workers.begin(), workers.end());
  return workers.empty() ? 0 : dice.one_of(workers);
}

void Walk::term(Dice dice) {
  const auto worker = choose_worker(dice);
  if (worker == 0) return;
  note("TERM to worker " + std::to_string(worker));
  chronicle_.note_request(worker);
  signal_pid(open_pid(worker), SIGTERM);
}

/// It stands still while its descriptors are read, so it has no other connections when it dies.
void Walk::add_victim(pid_t pid, const UniqueFd& pidfd, std::optional<Milliseconds> stopped_for) {
  signal_pid(pidfd, SIGSTOP);
  const auto begin = Clock::now();
  while (proc_status(pid, "State").front() != 'T' && since(begin) < kLongestStop) pause_for(1ms);
  chronicle_.add_victim(pid, connections_of(pid), stopped_for);
}

void Walk::kill(Dice dice) {
  const auto worker = choose_worker(dice);
  const auto pidfd = open_pid(worker);
  if (worker == 0 || !pidfd) return;
  const auto begin = Clock::now();
  chronicle_.freeze();
  add_victim(worker, pidfd, std::nullopt);
  note("KILL of worker " + std::to_string(worker));
  signal_pid(pidfd, SIGKILL);
  chronicle_.thaw(begin);
  ++kills_;
}

void Walk::stop_for(Dice dice, Milliseconds least, Milliseconds most) {
  const auto worker = choose_worker(dice);
  auto pidfd = open_pid(worker);
  if (worker == 0 || !pidfd) return;
  const Milliseconds time(
      dice.between(static_cast<std::size_t>(least.count()), static_cast<std::size_t>(most.count())));
  chronicle_.freeze();
  add_victim(worker, pidfd, time);
  note("STOP of worker " + std::to_string(worker) + " for " + std::to_string(time.count()) + " ms");
  auto& thaw = thaws_.emplace_back(Thaw{.at = Clock::now() + time});
  thaw.processes.push_back(std::move(pidfd));
}

/// As a paused container, or a machine that was suspended. Should another change let the master go on before,
/// it takes the workers for hung.
void Walk::freeze(Dice dice, bool with_workers) {
  auto pids = with_workers ? site_.daemon().running_workers() : std::vector<pid_t>{};
  pids.insert(dice.once_in(2) ? pids.begin() : pids.end(), site_.daemon().pid());
  const Milliseconds time(dice.once_in(2) ? dice.between(100, 1000) : dice.between(1000, 6000));
  note(std::string("STOP of ") + (with_workers ? "everything" : "the master") + " for " +
       std::to_string(time.count()) + " ms");
  chronicle_.freeze();
  auto& thaw = thaws_.emplace_back(Thaw{.at = Clock::now() + time});
  for (const auto pid : pids) {
    auto pidfd = open_pid(pid);
    if (!pidfd) continue;
    signal_pid(pidfd, SIGSTOP);
    if (pid != site_.daemon().pid()) add_victim(pid, pidfd, time);
    thaw.processes.push_back(std::move(pidfd));
  }
  thaw.is_noted = true;
}

void Walk::thaw_due(Moment now) {
  for (auto thaw = thaws_.begin(); thaw != thaws_.end();) {
    if (thaw->at > now) {
      ++thaw;
      continue;
    }
    for (const auto& process : thaw->processes) signal_pid(process, SIGCONT);
    if (thaw->is_noted) note("CONT");
    chronicle_.thaw(thaw->frozen_since);
    thaw = thaws_.erase(thaw);
  }
}

// ---- beginning and end

void Walk::start() {
  log_.look();
  chronicle_.comes_up();
  site_.install(Daemon::program());
  site_.start();
  const auto is_up = [this] {
    log_.look();
    return chronicle_.is_surely_served(served_.front(), Clock::now()) || has_ended(site_.daemon().pid());
  };
  if (!eventually(is_up) || has_ended(site_.daemon().pid()))
    fail("the daemon does not start: " + site_.daemon().log());
}

/// Nothing stands still any more, and nothing is made to fail.
void Walk::make_whole() {
  thaw_all();
  site_.faults().become("");
  chronicle_.set_faults(false);
  faults_end_ = Moment::max();
}

void Walk::stop(Milliseconds deadline) {
  make_whole();
  chronicle_.goes_down();
  chronicle_.add_drain(deadline, 60s);
  site_.daemon().signal(SIGTERM);
}

void Walk::restart(Dice dice, bool in_a_hurry) {
  if (in_a_hurry && dice.once_in(2)) {  // in the middle of a hand-over, perhaps
    make_whole();
    reload(dice);
    pause_for(Milliseconds(dice.below(40)));
  }
  note(in_a_hurry ? "TERM, twice" : "TERM");
  stop(in_a_hurry ? 0ms : kShortestShutdown - 300ms);
  if (in_a_hurry) {
    pause_for(Milliseconds(dice.below(dice.once_in(2) ? 300 : 10)));
    site_.daemon().signal(SIGTERM);
  }
  fail(site_.finish());
  log_.look();
  chronicle_.end_drains();
  if (has_failed()) return;
  configure(dice, true);
  pause_for(Milliseconds(dice.below(500)));
  note("start");
  start();
}

void Walk::finish() {
  make_whole();
  site_.install(Daemon::program());
  configure(Dice(options_.seed), false);
  site_.daemon().signal(SIGHUP);
  visitors_.let_leave();
  note("the walk is over; everybody leaves");
  const auto end = Clock::now() + kLongestFarewell;
  while (!visitors_.have_left() && !has_failed()) {
    wait_until(Clock::now() + kPace);
    if (Clock::now() > end) fail("clients are still there long after the end");
  }
  if (has_failed()) return;
  if (!eventually([this] { return books_balance(); })) fail("the books do not balance");
  stop(0ms);
  fail(site_.finish());
  log_.look();
  fail(log_.complaint());
  compare_with_clients();
}

/// Nobody is there any more, and each slot has lost nobody.
bool Walk::books_balance() {
  log_.look();
  log_.forget_ledgers();
  const auto before = log_.count("up for ");
  site_.daemon().signal(SIGUSR1);
  if (!eventually([&] {
        log_.look();
        return log_.count("up for ") > before;
      }))
    return false;
  std::size_t in = 0;
  std::size_t out = 0;
  for (const auto& [slot, ledger] : log_.ledgers()) {
    if (ledger.active != 0 || !ledger.balances()) return false;
    in += ledger.handed_over_in;
    out += ledger.handed_over_out;
  }
  // Who is killed in a hand-over has not counted the last message.
  const auto deaths = log_.count("died from SIGKILL") + log_.count("died from SIGABRT");
  return in >= out && in - out <= kMostHandedOver * deaths;
}

/// A worker may be killed between taking a connection and counting it, and a stop may end one in its queue.
void Walk::compare_with_clients() {
  std::size_t connected = 0;
  std::size_t doubtful = kills_;
  std::size_t unanswered = 0;
  std::size_t lost = 0;
  for (const auto& counts : visitors_.counts()) {
    connected += counts.connected;
    doubtful += counts.ended[static_cast<std::size_t>(Verdict::kCutAtDeadline)];
    unanswered += counts.ended[static_cast<std::size_t>(Verdict::kUnanswered)];
    lost += counts.ended[static_cast<std::size_t>(Verdict::kLostWithWorker)];
  }
  if (lost > log_.lost() + kills_)
    fail(std::to_string(lost) + " connections were lost, but only " + std::to_string(log_.lost()) +
         " were open in workers as they died");
  const auto accepted = log_.accepted_by_those_that_ended();
  if (accepted + doubtful < connected || accepted > connected + unanswered)
    fail(std::to_string(accepted) + " connections were accepted, but " + std::to_string(connected) +
         " were made");
}

// ---- what it was

std::string Walk::table() const {
  std::ostringstream out;
  out << "changes:";
  for (const auto& [kind, count] : done_) out << ' ' << name_of(kind) << ' ' << count << ',';
  out << '\n' << std::left << std::setw(13) << "clients";
  for (const auto name : kVerdictNames) out << std::right << std::setw(11) << name;
  out << std::setw(11) << "MB" << std::setw(14) << "silent for ms" << '\n';
  HabitCounts sum;
  const auto print = [&out](std::string_view name, const HabitCounts& counts) {
    out << std::left << std::setw(13) << name << std::right;
    for (const auto count : counts.ended) out << std::setw(11) << count;
    out << std::setw(11) << counts.bytes / 1'000'000 << std::setw(14) << counts.longest_silence.count()
        << '\n';
  };
  const auto all = visitors_.counts();
  for (std::size_t habit = 0; habit < kHabits.size(); ++habit) {
    print(kHabits[habit].name, all[habit]);
    for (std::size_t i = 0; i < sum.ended.size(); ++i) sum.ended[i] += all[habit].ended[i];
    sum.bytes += all[habit].bytes;
    sum.connected += all[habit].connected;
    sum.longest_silence = std::max(sum.longest_silence, all[habit].longest_silence);
  }
  print("all", sum);
  out << sum.connected << " connections made, " << log_.accepted_by_those_that_ended()
      << " accepted by daemons that have ended; " << log_.lost()
      << " open in workers as they died\nin the log:";
  for (const auto* const text : kCountedLines) out << " \"" << text << "\" " << log_.count(text) << ',';
  out << '\n';
  return out.str();
}

}  // namespace tcp_echo::test
