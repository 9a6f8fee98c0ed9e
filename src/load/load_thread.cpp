#include "tcp_echo/load/load_thread.hpp"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <optional>
#include <utility>

namespace tcp_echo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBufferSize = 64UL * 1024;
/// Handshakes under way per thread: a burst of more would overrun a server's accept queue, whose answer is
/// silence, and a repeated SYN a second later.
constexpr std::size_t kMostConnecting = 128;

/// Of this thread. The time waited is the second number of /proc/thread-self/schedstat, where the kernel
/// keeps it (Documentation/scheduler/sched-stats.rst).
ProcessorTime processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  std::int64_t on_processor = 0;
  std::int64_t waited = 0;
  std::ifstream("/proc/thread-self/schedstat") >> on_processor >> waited;
  return {std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec),
          std::chrono::nanoseconds(waited)};
}

/// The part of `whole` that falls to the thread `index` of `threads`, and those before it.
std::uint64_t share_begin(std::uint64_t whole, unsigned index, unsigned threads) noexcept {
  return whole / threads * index + std::min<std::uint64_t>(whole % threads, index);
}

}  // namespace

LoadThread::LoadThread(const LoadTask& task, unsigned index, Mailbox& mailbox)
    : task_(task),
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
      wanted_.push_back(&connections_.emplace_back(*this, first_number + i, role));
  };
  share_of(plan().idle, LoadConnection::Role::kIdler, plan().connections);
  share_of(plan().connections, LoadConnection::Role::kSpeaker, 0);
  idle_ = connections_.size();
  due_queue_.reserve(connections_.size() + 3);
  next_connect_ = task_.begin;
}

void LoadThread::want_connection(LoadConnection& connection) noexcept {
  wanted_.push_back(&connection);
  connect_some();
}

void LoadThread::connect_some() noexcept {
  while (!wanted_.empty() && connecting_ < kMostConnecting && !is_over()) {
    const auto now = Clock::now();
    if (plan().connect_rate > 0) {
      if (now < next_connect_) return due_queue_.schedule(pacer_, next_connect_);
      // The rate is that of the whole run. A time that was missed is not made up for.
      const std::chrono::duration<double> pause(plan().threads / plan().connect_rate);
      next_connect_ = std::max(next_connect_, now - std::chrono::milliseconds(10)) +
                      std::chrono::duration_cast<std::chrono::nanoseconds>(pause);
    }
    auto* const connection = wanted_.front();
    wanted_.pop_front();
    --idle_;
    ++connecting_;
    connection->connect(now);
  }
}

void LoadThread::on_connected() noexcept {
  ++current_.counts.connected;
  ++open_;
  on_not_connected();
}

void LoadThread::on_not_connected() noexcept {
  --connecting_;
  // Not here and now: this is called from within a connection's own affairs.
  if (!wanted_.empty() && !pacer_.is_scheduled()) due_queue_.schedule(pacer_, Clock::now());
}

void LoadThread::on_idle(LoadConnection& connection, Time again) noexcept {
  ++idle_;
  const auto now = Clock::now();
  if (is_over()) return end_if_idle(now);
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

void LoadThread::count_echo(Time due, Time now) noexcept {
  ++current_.counts.echoes;
  if (current_.stage == LoadStage::kWarmup || due >= measuring_since_) current_.latency.record(now - due);
}

void LoadThread::count_lost(Time due, Time now, std::uint64_t messages) noexcept {
  if (current_.stage == LoadStage::kWarmup || due >= measuring_since_)
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
  current_.stage = LoadStage::kMeasuring;
  measuring_since_ = now;
  stage_begin_ = begin;
  processor_before_ = processor_time();
  stage_end_ = Time::max();
  if (plan().duration.count() > 0) end_stage_at(begin + plan().duration);
}

void LoadThread::begin_waiting(Time now) {
  const auto end = std::min(now, stage_end_);
  end_intervals(end);
  end_interval(end);
  if (current_.stage == LoadStage::kMeasuring) {
    result_.measured = now - measuring_since_;
    const auto processor = processor_time();
    result_.processor = {processor.used - processor_before_.used,
                         processor.waited - processor_before_.waited};
  }
  current_.stage = LoadStage::kWaiting;
  due_queue_.cancel(interval_bell_);
  due_queue_.cancel(pacer_);
  end_stage_at(now + plan().wait);
  for (auto& connection : connections_) connection.finish(end, now);
  end_if_idle(now);
}

void LoadThread::give_up(Time now) {
  if (!is_over()) begin_waiting(now);
  due_queue_.cancel(stage_bell_);
  for (auto& connection : connections_) connection.give_up(now);
}

/// Once the last connection has closed.
void LoadThread::end_if_idle(Time now) {
  if (!is_over() || is_done_ || idle_ < connections_.size()) return;
  is_done_ = true;
  for (auto& connection : connections_) {
    connection.give_up(now);  // it may wait for its turn to connect
    if (connection.lack() != OwnLimit::kNone) ++own_limit(connection.lack()).connections;
  }
  due_queue_.cancel(stage_bell_);
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

/// Those that were to end by then, however late it is: the others count on their numbers.
void LoadThread::end_intervals(Time until) {
  // At either end of a stage too short a time for an interval of its own may be left.
  const auto enough = plan().interval / 2;
  for (; next_interval_ <= until; next_interval_ += plan().interval) {
    if (next_interval_ - stage_begin_ > enough && stage_end_ - next_interval_ > enough)
      end_interval(next_interval_);
  }
}

/// Adds it to the result, as far as it belongs there, and sends it on.
void LoadThread::end_interval(Time end) {
  current_.end = seconds_since_begin(end);
  current_.open = open_;
  auto counts = current_.counts;
  if (current_.stage != LoadStage::kMeasuring) counts.echoes = counts.sent_bytes = counts.received_bytes = 0;
  if (current_.stage == LoadStage::kWarmup) counts.skipped = 0;
  result_.counts += counts;
  if (current_.stage != LoadStage::kWarmup) result_.latency.add(current_.latency);

  LoadMessage message{index_, interval_number_++, current_, std::nullopt};
  if (is_done_) message.result = std::move(result_);
  mailbox_.post(std::move(message));
  current_.begin = current_.end;
  current_.counts = {};
  current_.latency.clear();
}

double LoadThread::seconds_since_begin(Time time) const noexcept {
  return std::chrono::duration<double>(time - task_.begin).count();
}

}  // namespace tcp_echo
