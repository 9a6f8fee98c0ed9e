#include "tcp_echo/load/load_thread.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace tcp_echo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBufferSize = 64UL * 1024;
/// The longest time for which a turn of our own loop may keep handshakes waiting.
constexpr std::chrono::milliseconds kOwnDelay{50};

/// The part of `whole` that falls to the thread `index` of `threads`, and those before it.
std::uint64_t share_begin(std::uint64_t whole, unsigned index, unsigned threads) noexcept {
  return whole / threads * index + std::min<std::uint64_t>(whole % threads, index);
}

}  // namespace

LoadThread::LoadThread(const LoadTask& task, unsigned index, Mailbox& mailbox)
    : task_(task),
      most_under_way_(task.plan.most_under_way()),
      index_(index),
      mailbox_(mailbox),
      due_queue_(loop_),
      waker_(loop_, [this] { on_wake(); }),
      pacer_(*this),
      stage_bell_(*this, &LoadThread::on_stage_over),
      interval_bell_(*this, &LoadThread::on_interval_over),
      buffer_(kBufferSize) {
  make_connections();
  thread_ = std::thread([this] { run(); });
}

LoadThread::~LoadThread() {
  abort();
  thread_.join();
}

void LoadThread::stop() noexcept {
  stop_ = true;
  waker_.wake();
}

void LoadThread::abort() noexcept {
  abort_ = true;
  waker_.wake();
}

void LoadThread::run() {
  current_.stage = LoadStage::kWarmup;
  stage_begin_ = task_.begin;
  if (plan().warmup.count() > 0)
    end_stage_at(task_.begin + plan().warmup);
  else
    begin_measuring(task_.begin, task_.begin);
  next_interval_ = task_.begin + plan().interval;
  due_queue_.schedule(interval_bell_, next_interval_);
  connect_some();
  loop_.run();
}

void LoadThread::make_connections() {
  const auto share_of = [this](std::uint64_t whole, LoadConnection::Role role, std::uint64_t first_number) {
    const auto end = share_begin(whole, index_ + 1, plan().threads);
    for (auto i = share_begin(whole, index_, plan().threads); i < end; ++i)
      wanted_.push_back({&connections_.emplace_back(*this, first_number + i, role), task_.begin});
  };
  share_of(plan().idle, LoadConnection::Role::kIdler, plan().connections);
  share_of(plan().connections, LoadConnection::Role::kSpeaker, 0);
  due_queue_.reserve(connections_.size() + 3);
  next_connect_ = task_.begin;
}

void LoadThread::want_connection(LoadConnection& connection) noexcept {
  wanted_.push_back({&connection, Clock::now()});
  connect_some();
}

void LoadThread::connect_some() noexcept {
  while (!wanted_.empty() && connecting_ < kMostConnecting) {
    const auto now = Clock::now();
    if (plan().connect_rate > 0) {
      if (now < next_connect_) return due_queue_.schedule(pacer_, next_connect_);
      // The rate is that of the whole run. A time that was missed is not made up for.
      const std::chrono::duration<double> pause(plan().threads / plan().connect_rate);
      next_connect_ = std::max(next_connect_, now - std::chrono::milliseconds(10)) +
                      std::chrono::duration_cast<std::chrono::nanoseconds>(pause);
    }
    let_connect(now);
  }
  const bool is_held_up = connecting_ >= kMostConnecting && !wanted_.empty();
  if (is_held_up && held_up_since_ == Time::max()) held_up_since_ = Clock::now();
}

void LoadThread::let_connect(Time now) noexcept {
  const auto [connection, since] = wanted_.front();
  wanted_.pop_front();
  ++connecting_;
  if (plan().connect_rate > 0 && connection->was_tried())
    result_.longest_turn = std::max(result_.longest_turn, now - since);
  // Had the server answered the other handshakes in time, this connection's turn would have come then.
  connection->begin_schedule(now - held_up_);
  connection->connect(now);
}

/// While the most handshakes are under way that may be, no connection's turn comes. That is the server's
/// doing, unless it was our loop that did not get to them.
void LoadThread::note_held_up(Time now) noexcept {
  const auto since = std::exchange(held_up_since_, Time::max());
  if (since != Time::max() && now - since > kOwnDelay) held_up_ += now - since;
}

void LoadThread::on_connected() noexcept {
  ++current_.counts.connected;
  ++open_;
  on_not_connected();
}

void LoadThread::on_not_connected() noexcept {
  const bool was_full = connecting_-- == kMostConnecting;
  if (!was_full || wanted_.empty()) return;
  const auto now = Clock::now();
  note_held_up(now);
  // Not here and now: this is called from within a connection's own affairs.
  due_queue_.schedule(pacer_, now);
}

void LoadThread::on_idle(LoadConnection& connection, Time again) noexcept {
  const auto now = Clock::now();
  if (is_over() && !connection.owes_messages()) {
    --unfinished_;
    return end_if_finished(now);
  }
  if (again <= now) return want_connection(connection);  // through the queue it would cost a system call
  if (again != Time::max()) connection.connect_later(again);
}

const Endpoint* LoadThread::next_source() noexcept {
  const auto& sources = plan().sources;
  if (sources.empty()) return nullptr;
  // Each thread begins elsewhere, so that they do not all use one address at the same time.
  const auto first = share_begin(sources.size(), index_, plan().threads);
  return &sources[(first + next_source_++) % sources.size()];
}

bool LoadThread::is_measured(Time due) const noexcept {
  return current_.stage == LoadStage::kWarmup || due >= measuring_since_;
}

/// By the clock a message counts for the time in which it was due, else for that in which it ends.
bool LoadThread::is_counted(Time due) const noexcept { return !plan().is_open_loop() || is_measured(due); }

void LoadThread::count_echo(Time due, Time now) noexcept {
  result_.has_echoed = true;
  if (is_counted(due)) ++current_.counts.echoes;
  if (is_measured(due)) current_.latency.record(now - due);
}

void LoadThread::count_lost(Time due, Time now) noexcept {
  if (is_counted(due)) ++current_.counts.lost;
  if (is_measured(due)) current_.latency.record(now - due);
}

void LoadThread::count_skipped(Time due, Time now, std::uint64_t messages) noexcept {
  if (!is_measured(due)) return;
  current_.counts.skipped += messages;
  current_.latency.record(now - due, messages);
}

void LoadThread::note_silence(std::chrono::nanoseconds silence) noexcept {
  result_.longest_silence = std::max(result_.longest_silence, silence);
}

void LoadThread::end_stage_at(Time time) {
  stage_end_ = time;
  due_queue_.schedule(stage_bell_, time);
}

void LoadThread::on_stage_over(Time now) {
  switch (current_.stage) {
    case LoadStage::kWarmup: return begin_measuring(stage_end_, now);
    case LoadStage::kMeasuring: return begin_waiting(now);
    case LoadStage::kWaiting: return give_up(now);
  }
}

/// `begin` is when it should have begun: the stages and intervals of all threads end at the same times,
/// however late one of them is.
void LoadThread::begin_measuring(Time begin, Time now) {
  if (stage_end_ != Time::max()) {  // there was a warm-up
    end_intervals(begin);
    end_interval(begin);
  }
  enter(LoadStage::kMeasuring);
  measuring_since_ = now;
  stage_begin_ = begin;
  processor_before_ = ProcessorClock().read();
  stage_end_ = Time::max();
  if (plan().duration.count() > 0) end_stage_at(begin + plan().duration);
}

void LoadThread::begin_waiting(Time now) {
  const auto end = std::min(now, stage_end_);
  end_intervals(end);
  end_interval(end);
  if (current_.stage == LoadStage::kMeasuring) {
    result_.measured = now - measuring_since_;
    const auto processor = ProcessorClock().read();
    result_.processor = {processor.used - processor_before_.used,
                         processor.waited - processor_before_.waited};
  }
  enter(LoadStage::kWaiting);
  due_queue_.cancel(interval_bell_);
  due_queue_.cancel(pacer_);
  end_stage_at(now + plan().wait);
  begin_schedules_of_untried(now);
  unfinished_ = connections_.size();
  for (auto& connection : connections_) {
    connection.finish(end, now);
    result_.due += connection.due_since(measuring_since_);
    if (connection.is_idle() && !connection.owes_messages()) --unfinished_;
  }
  std::erase_if(wanted_, [](const Wanted& wanted) { return !wanted.connection->owes_messages(); });
  connect_some();
  end_if_finished(now);
}

/// At the end of the run. A connection whose turn by --connect-rate has not come was not wanted yet; one
/// whose turn would have come but for the server has been due like all others.
void LoadThread::begin_schedules_of_untried(Time now) {
  const bool paced = plan().connect_rate > 0 && connecting_ < kMostConnecting;
  note_held_up(now);
  for (const auto& [connection, since] : wanted_) {
    if (connection->was_tried()) continue;
    if (paced)
      ++result_.held_back;
    else
      connection->begin_schedule(now - held_up_);
  }
}

void LoadThread::give_up(Time now) {
  if (!is_over()) begin_waiting(now);
  due_queue_.cancel(stage_bell_);
  due_queue_.cancel(pacer_);
  wanted_.clear();
  for (auto& connection : connections_) {
    const bool is_waiting = connection.is_idle() && connection.owes_messages();
    connection.give_up(now);
    if (is_waiting) --unfinished_;
  }
  end_if_finished(now);
}

/// Once the last connection has closed, and none has to be made.
void LoadThread::end_if_finished(Time now) {
  if (!is_over() || is_done_ || unfinished_ > 0) return;
  is_done_ = true;
  std::uint64_t unmade = 0;
  for (const auto& connection : connections_) {
    const bool is_lacking = connection.lack() != OwnLimit::kNone;
    if (is_lacking) ++own_limit(connection.lack()).connections;
    if (!connection.was_made() && !is_lacking) ++unmade;
  }
  result_.never_made = unmade - result_.held_back;
  due_queue_.cancel(stage_bell_);
  due_queue_.cancel(pacer_);
  end_interval(now);
  loop_.stop();
}

void LoadThread::on_wake() {
  const auto now = Clock::now();
  if (is_done_) return;
  if (abort_) return give_up(now);
  if (stop_ && !is_over()) begin_waiting(now);
}

void LoadThread::on_interval_over(Time now) {
  end_intervals(std::min(now, stage_end_));
  due_queue_.schedule(interval_bell_, next_interval_);
}

/// Those that were to end by then, however late it is: the intervals of all threads have the same numbers.
void LoadThread::end_intervals(Time until) {
  // At either end of a stage too short a time for an interval of its own may be left.
  const auto enough = plan().interval / 2;
  for (; next_interval_ <= until; next_interval_ += plan().interval) {
    if (next_interval_ - stage_begin_ > enough && stage_end_ - next_interval_ > enough)
      end_interval(next_interval_);
  }
}

void LoadThread::enter(LoadStage stage) noexcept {
  current_.stage = stage;
  interval_number_ = 0;
}

/// Adds it to the result, as far as it belongs there, and sends it on.
void LoadThread::end_interval(Time end) {
  current_.end = seconds_since_begin(end);
  auto counts = current_.counts;
  if (current_.stage == LoadStage::kWaiting) counts.late = counts.echoes;
  if (current_.stage != LoadStage::kMeasuring) counts.echoes = counts.sent_bytes = counts.received_bytes = 0;
  if (current_.stage == LoadStage::kWarmup) counts.skipped = counts.lost = 0;
  result_.counts += counts;
  if (current_.stage != LoadStage::kWarmup) result_.latency.add(current_.latency);

  const auto opened = static_cast<std::int64_t>(open_ - std::exchange(told_open_, open_));
  LoadInterval next;
  next.begin = current_.end;
  next.stage = current_.stage;
  Stretch stretch{interval_number_, interval_number_, std::exchange(current_, std::move(next)), opened};
  ++interval_number_;
  mailbox_.post({index_, std::move(stretch), is_done_ ? std::optional(std::move(result_)) : std::nullopt});
}

double LoadThread::seconds_since_begin(Time time) const noexcept {
  return std::chrono::duration<double>(time - task_.begin).count();
}

}  // namespace tcp_echo
