// Which connection has been quiet for longest: an intrusive list, oldest first, with one timer for all of it.
//
// A touch costs a few pointer writes; no work here grows with the number of members, save for those that are
// due.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

/// What a member of a queue derives from; in at most one queue at a time.
class IdleNode {
 public:
  std::chrono::milliseconds last_activity() const noexcept { return last_activity_; }

 private:
  friend class IdleQueue;
  IdleNode* older_ = nullptr;
  IdleNode* newer_ = nullptr;
  std::chrono::milliseconds last_activity_{};
};

class IdleQueue {
 public:
  /// A timeout of 0 never ends. `on_expired` removes or touches the node it is given.
  IdleQueue(Loop& loop, std::chrono::milliseconds timeout, std::function<void(IdleNode&)> on_expired);
  IdleQueue(const IdleQueue&) = delete;
  IdleQueue& operator=(const IdleQueue&) = delete;

  void add(IdleNode& node);
  /// One that was active at that time, perhaps long ago. Costs a step for each member that was so later.
  void insert(IdleNode& node, std::chrono::milliseconds last_activity);

  /// For many inserts whose order is that of their activity, or the reverse: all of them together cost no
  /// more steps than the queue has members at the end. The queue outlives it.
  class Cursor {
   public:
    explicit Cursor(IdleQueue& queue);
    ~Cursor();
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;
    void insert(IdleNode& node, std::chrono::milliseconds last_activity);

   private:
    IdleQueue& queue_;
    IdleNode mark_;  ///< stands in the ring, before the one that was inserted last
  };

  void touch(IdleNode& node) noexcept;
  void remove(IdleNode& node) noexcept;

  /// Counts for members that are waiting already, too.
  void set_timeout(std::chrono::milliseconds timeout);

  bool is_empty() const noexcept { return oldest() == nullptr; }
  /// The member that was active last; nullptr if there is none.
  IdleNode* newest() const noexcept;

 private:
  IdleNode* oldest() const noexcept;
  bool is_mark(const IdleNode* node) const noexcept;
  void insert_near(IdleNode* newer, IdleNode& node, std::chrono::milliseconds last_activity);
  void expire();
  void set_timer();
  void append(IdleNode& node) noexcept { put_before(end_, node); }
  static void put_before(IdleNode& newer, IdleNode& node) noexcept;
  static void unlink(IdleNode& node) noexcept;

  Loop& loop_;
  std::chrono::milliseconds timeout_;
  std::function<void(IdleNode&)> on_expired_;
  std::vector<const IdleNode*> marks_;  // of the cursors: a few
  IdleNode end_;  // closes the ring: its newer_ is the oldest member, its older_ the newest
  Timer timer_;
};

}  // namespace tcp_echo
