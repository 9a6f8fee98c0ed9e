// Which slot's worker empties which slot's accept queues when the service ends. A slot without a worker has
// lent its listeners to the worker of another slot, and any worker may die before its queues are empty. Pure:
// the caller starts the workers and tells them.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace tcp_echo {

class Emptiers {
 public:
  /// Clients may wait on the listeners of that slot, and emptying them is no worker's task so far.
  void expect(std::size_t slot) { queues_.emplace(slot, std::nullopt); }
  /// It is the task of the worker of slot `emptier`. Nothing happens if the queues are empty by now.
  void assign(std::size_t slot, std::size_t emptier);
  /// The worker of slot `emptier` could not do it; it is no worker's task again, unless it is another one's
  /// by now.
  void release(std::size_t slot, std::size_t emptier);
  /// The worker of that slot has emptied all that was its task.
  void on_emptied(std::size_t emptier);
  /// The worker of that slot is dead; what it has not emptied is no worker's task.
  void on_gone(std::size_t emptier);

  /// The slots whose queues are no worker's task, in order.
  std::vector<std::size_t> unassigned() const;

 private:
  std::map<std::size_t, std::optional<std::size_t>> queues_;  ///< by slot, those that may not be empty yet
};

}  // namespace tcp_echo
