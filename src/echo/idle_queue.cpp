#include "tcp_echo/echo/idle_queue.hpp"

#include <algorithm>

namespace tcp_echo {
namespace {

// Thousands may fall due in one moment; between portions the busy connections get their turn.
constexpr int kExpiriesPerTurn = 64;

// A timer that is due already when it is started from a timer's callback rings in that same turn (libuv 1.44,
// uv__run_timers).
constexpr std::chrono::milliseconds kNextTurn{1};

}  // namespace

IdleQueue::IdleQueue(Loop& loop, std::chrono::milliseconds timeout, std::function<void(IdleNode&)> on_expired)
    : loop_(loop), timeout_(timeout), on_expired_(std::move(on_expired)), timer_(loop, [this] { expire(); }) {
  end_.older_ = end_.newer_ = &end_;
}

void IdleQueue::add(IdleNode& node) {
  node.last_activity_ = loop_.now();
  append(node);
  set_timer();
}

void IdleQueue::insert(IdleNode& node, std::chrono::milliseconds last_activity) {
  insert_near(&end_, node, last_activity);
}

void IdleQueue::insert_near(IdleNode* newer, IdleNode& node, std::chrono::milliseconds last_activity) {
  node.last_activity_ = last_activity;
  while (newer != &end_ && newer->last_activity_ <= last_activity) newer = newer->newer_;
  while (newer->older_ != &end_ && newer->older_->last_activity_ > last_activity) newer = newer->older_;
  put_before(*newer, node);
  if (oldest() == &node) timer_.stop();  // the timer waits for a member that is due later
  set_timer();
}

IdleQueue::Cursor::Cursor(IdleQueue& queue) : queue_(queue) {
  mark_.last_activity_ = queue_.loop_.now();
  queue_.marks_.push_back(&mark_);
  queue_.append(mark_);
}

IdleQueue::Cursor::~Cursor() {
  std::erase(queue_.marks_, &mark_);
  unlink(mark_);
}

void IdleQueue::Cursor::insert(IdleNode& node, std::chrono::milliseconds last_activity) {
  queue_.insert_near(mark_.newer_, node, last_activity);
  unlink(mark_);
  mark_.last_activity_ = last_activity;
  put_before(node, mark_);
}

bool IdleQueue::is_mark(const IdleNode* node) const noexcept {
  return std::find(marks_.begin(), marks_.end(), node) != marks_.end();
}

IdleNode* IdleQueue::oldest() const noexcept {
  IdleNode* node = end_.newer_;
  while (is_mark(node)) node = node->newer_;
  return node == &end_ ? nullptr : node;
}

IdleNode* IdleQueue::newest() const noexcept {
  IdleNode* node = end_.older_;
  while (is_mark(node)) node = node->older_;
  return node == &end_ ? nullptr : node;
}

void IdleQueue::touch(IdleNode& node) noexcept {
  node.last_activity_ = loop_.now();
  if (end_.older_ == &node) return;
  unlink(node);
  append(node);
}

void IdleQueue::remove(IdleNode& node) noexcept { unlink(node); }

void IdleQueue::set_timeout(std::chrono::milliseconds timeout) {
  timeout_ = timeout;
  timer_.stop();
  set_timer();
}

void IdleQueue::expire() {
  for (int i = 0; i < kExpiriesPerTurn; ++i) {
    IdleNode* const next = oldest();
    if (next == nullptr || loop_.now() - next->last_activity_ < timeout_) break;
    on_expired_(*next);
  }
  set_timer();
}

/// A running timer may ring too early, for a member that was touched since: it is set again then. So a touch
/// need not set it.
void IdleQueue::set_timer() {
  if (timeout_.count() == 0 || is_empty() || timer_.is_running()) return;
  timer_.start(std::max(oldest()->last_activity_ + timeout_ - loop_.now(), kNextTurn));
}

void IdleQueue::put_before(IdleNode& newer, IdleNode& node) noexcept {
  node.older_ = newer.older_;
  node.newer_ = &newer;
  newer.older_->newer_ = &node;
  newer.older_ = &node;
}

void IdleQueue::unlink(IdleNode& node) noexcept {
  node.older_->newer_ = node.newer_;
  node.newer_->older_ = node.older_;
  node.older_ = node.newer_ = nullptr;
}

}  // namespace tcp_echo
