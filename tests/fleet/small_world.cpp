#include "fleet/small_world.hpp"

#include <algorithm>
#include <utility>

#include "support/listen_config.hpp"
#include "tcp_echo/ipc/heartbeat.hpp"
#include "tcp_echo/process/patience.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLongestHistory = 60;
// So many rounds in which time passes and every worker has its turn are enough for anything to end.
constexpr int kEnoughRounds = 60;

Config first_config(Dice& dice) {
  auto config = config_for({"127.0.0.1:0"});
  config.ready_timeout = 3s;
  config.respawn_delay_min = 100ms;
  config.respawn_delay_max = 5s;
  config.shutdown_timeout = 4s;
  config.watchdog = dice.once_in(3) ? 0s : 2s;  // every look settles, which hides what does not
  return config;
}

/// The same sockets, each with a life of its own.
ListenerSet first_listeners(const ListenerSet& all, unsigned slots) {
  auto addresses = all.addresses();
  for (auto& address : addresses) {
    address.by_slot.resize(slots);
    for (auto& socket : address.by_slot) {
      auto owner = std::make_shared<ListenerSet::Socket>(socket);
      socket = {owner, owner->get()};
    }
  }
  return ListenerSet::restore(std::move(addresses), false);
}

}  // namespace

Ground::Ground()
    : scoreboard(value_or_throw(Scoreboard::create())),
      listeners(value_or_throw(ListenerSet::open(config_for({"127.0.0.1:0"}), kMostSmallWorkers))),
      log_level(spdlog::default_logger()->level()) {
  spdlog::default_logger()->set_level(spdlog::level::off);
}

Ground::~Ground() { spdlog::default_logger()->set_level(log_level); }

SmallWorld::SmallWorld(Ground& ground, Dice dice)
    : ground_(ground),
      dice_(dice),
      wanted_(static_cast<unsigned>(dice_.between(1, kMostSmallWorkers))),
      most_ever_(wanted_),
      generation_(std::make_shared<const Generation>(
          Generation{1, first_config(dice_), first_listeners(ground.listeners, wanted_)})),
      heart_(clock_, [this] { beat(); }),
      retry_(clock_, [this] { retry_restarts(); }),
      deadline_(clock_, [this] { stop(); }),
      fleet_(clock_, ground.scoreboard, *this, generation_, wanted_,
             Fleet::Handlers{.on_all_ready = [this] { is_up_ = true; },
                             .on_start_failure = [this](const Error&) { stop(); },
                             .on_change = [] {},
                             .on_leaving =
                                 [this](unsigned slot, pid_t worker) {
                                   agenda_.ask_for(
                                       {.kind = Job::Kind::kRestart, .slot = slot, .worker = worker});
                                 },
                             .on_all_gone = [this] { on_all_gone(); }}) {
  for (std::size_t block = 0; block < kMostSmallBlocks; ++block)  // what the walk before has left there
    ground.scoreboard.retire(block, 0);
  learn_of(generation_->listeners);
  for (auto& [descriptor, queue] : queues_) queue.is_in_service = true;
  beat();
  fleet_.start();
  check();
  misfortune_ = dice_.once_in(4);
  for (int i = 0; i < 100 && !is_up_ && !misfortune_; ++i) something_happens_to_a_worker();
  misfortune_ = true;
}

std::string SmallWorld::history() const {
  std::string text;
  for (const auto& line : history_) text += line + "\n";
  return text;
}

void SmallWorld::note(const std::string& what) {
  if (!complaint_.empty()) return;
  history_.push_back(std::to_string(clock_.now().count()) + " ms: " + what);
  if (history_.size() > kLongestHistory) history_.pop_front();
}

void SmallWorld::complain(const std::string& what) {
  if (complaint_.empty()) complaint_ = what + ", at " + std::to_string(clock_.now().count()) + " ms";
}

// ---- what happens

void SmallWorld::step() {
  if (is_over_) return;
  const auto what = dice_.below(20);
  if (what == 0) return somebody_wants_something();
  if (what < 4) return begin_next();
  if (what < 8) return time_passes();
  something_happens_to_a_worker();
}

void SmallWorld::time_passes() { turn(Time(dice_.once_in(30) ? dice_.below(6000) : dice_.below(300))); }

void SmallWorld::turn(Time time) {
  bury_the_killed(time > 300ms);
  note("time passes: " + std::to_string(time.count()) + " ms");
  clock_.turn(time);
  check();
}

void SmallWorld::beat() {
  for (const auto& worker : workers_) {
    if (worker->is_ready && !worker->stands_still) ground_.scoreboard.block(*worker->block).heartbeats.add(1);
  }
  if (config().watchdog > 0s) heart_.start(heartbeat_interval(config().watchdog));
}

void SmallWorld::somebody_wants_something() {
  switch (dice_.below(3)) {
    case 0: return agenda_.ask_for({.kind = Job::Kind::kReload});
    case 1: return agenda_.ask_for({.kind = Job::Kind::kScale, .by = 1});
    default: return agenda_.ask_for({.kind = Job::Kind::kScale, .by = -1});
  }
}

// ---- when all is well again

void SmallWorld::expect_to_recover() {
  misfortune_ = false;
  for (const auto& worker : workers_) {
    if (worker->stands_still) turn_again(*worker);
    worker->be_out_of_reach(false);
  }
  for (int round = 0; round < kEnoughRounds && !is_calm(); ++round) recover_a_little();
  if (!is_calm()) return complain("it does not come to rest");
  if (!is_over_) expect_everybody_served();
}

void SmallWorld::recover_a_little() {
  turn(Time(dice_.below(1000)));
  const auto count = workers_.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (i >= workers_.size()) break;
    auto& worker = *workers_[i];
    if (worker.is_condemned()) {
      die(worker);
      continue;
    }
    while (worker.next_unheard() != nullptr) hear_next(worker);
    finish_something(worker);
  }
  begin_next();
}

bool SmallWorld::is_calm() const {
  if (is_over_) return true;
  const bool nothing_is_wanted = agenda_.jobs().empty() && failed_restarts_.empty();
  const auto is_settled = [](const auto& worker) {
    return worker->serves() && !worker->is_foreign && !worker->stands_still &&
           worker->duties().phase == WorkerPhase::kServing && worker->next_unheard() == nullptr;
  };
  return nothing_is_wanted && movements_under_way_ == 0 && !fleet_.is_moving() &&
         workers_.size() == wanted_ && std::all_of(workers_.begin(), workers_.end(), is_settled) &&
         !retry_.is_running() && fleet_.ready_count() == wanted_;
}

void SmallWorld::expect_everybody_served() {
  turn(2s);  // loans that could not be made before
  for (unsigned slot = 0; slot < wanted_; ++slot) {
    if (in_place(slot) == nullptr) complain("at rest worker " + std::to_string(slot + 1) + " is missing");
  }
  for (unsigned slot = 0; slot < most_ever_; ++slot) {
    for (const auto listener : generation_->listeners.of_slot(slot)) {
      if (acceptors_of(listener) != 1)
        complain("at rest " + std::to_string(acceptors_of(listener)) + " accept for worker " +
                 std::to_string(slot + 1));
    }
  }
  for (const auto& worker : workers_) {
    for (const auto& [slot, listeners] : worker->outlook().desks) {
      if (slot != worker->slot() && slot < wanted_)
        complain(worker->name() + " accepts at rest for worker " + std::to_string(slot + 1));
    }
  }
  for (const auto& [descriptor, queue] : queues_) {
    if (queue.removed_at) complain("at rest a listener of a removed address is open");
  }
}

// ---- the end

void SmallWorld::expect_to_end() {
  if (!stopped_at_) dice_.once_in(4) ? stop() : drain();
  for (auto steps = dice_.below(60); steps > 0 && !is_over_; --steps) {
    if (dice_.once_in(80)) stop();
    dice_.once_in(3) ? time_passes() : something_happens_to_a_worker();
  }
  misfortune_ = dice_.once_in(2);
  if (dice_.once_in(4)) stop();
  for (int round = 0; round < kEnoughRounds && !is_over_; ++round) {
    turn(Time(dice_.below(400)));
    for (auto count = 3 * workers_.size(); count > 0 && !is_over_; --count) something_happens_to_a_worker();
  }
  if (!is_over_) complain("it does not end");
  if (movements_under_way_ != 0) complain("a movement has begun, and nobody heard of its end");
}

void SmallWorld::drain() {
  note("the service is to end");
  drained_at_ = clock_.now();
  for (unsigned slot = 0; slot < most_ever_; ++slot) {
    for (const auto listener : generation_->listeners.of_slot(slot))
      queues_.at(listener).clients_may_wait = true;
  }
  deadline_.start(config().shutdown_timeout + kGraceAfterDeadline);
  fleet_.drain();
  check();
  check_that_all_drain();
}

/// At the deadline, or because somebody has no patience.
void SmallWorld::stop() {
  if (is_over_) return;
  note("the service is to end at once");
  if (!stopped_at_) stopped_at_ = clock_.now();
  fleet_.stop();
}

void SmallWorld::on_all_gone() {
  note("all are gone");
  if (std::exchange(is_over_, true)) complain("the end is told twice");
  if (!drained_at_ && !stopped_at_) complain("it ends though nobody wants it to");
  if (!workers_.empty()) complain(workers_.front()->name() + " outlives the end");
  const bool was_cut_short = stopped_at_ || clock_.now() >= *drained_at_ + config().shutdown_timeout;
  if (was_cut_short || every_slot_was_tried()) return;
  if (clients_may_wait()) complain("the end has come, and clients may still wait");
}

bool SmallWorld::clients_may_wait() const {
  return std::any_of(queues_.begin(), queues_.end(), [](const auto& entry) {
    const auto& queue = entry.second;
    return queue.clients_may_wait && queue.is_in_service && !queue.socket.expired();
  });
}

/// Each slot gets one worker for the end: then no slot is left whose worker could empty anything.
bool SmallWorld::every_slot_was_tried() const { return tried_in_the_end_.size() == most_ever_; }

}  // namespace tcp_echo::test
