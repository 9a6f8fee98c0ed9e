// Who empties which slot's accept queues when the service ends. A slot without a worker has left its
// listeners to the worker of another one, and each of them may die before it is through. Pure: the caller
// starts the workers and tells them.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace tcp_echo {

class Emptiers {
 public:
  /// Clients may wait on the listeners of that slot, and it is nobody's task so far.
  void expect(std::size_t slot) { queues_.emplace(slot, std::nullopt); }
  /// It is that worker's task: of the slot `emptier`. Nothing happens if the queues are empty by now.
  void assign(std::size_t slot, std::size_t emptier);
  /// It could not do that; the task is nobody's again, unless it is another one's by now.
  void release(std::size_t slot, std::size_t emptier);
  /// The worker has emptied all that was its task.
  void on_emptied(std::size_t emptier);
  /// The worker is dead; what it has not emptied is nobody's task.
  void on_gone(std::size_t emptier);

  /// The slots whose queues are nobody's task, in order.
  std::vector<std::size_t> unassigned() const;

 private:
  std::map<std::size_t, std::optional<std::size_t>> queues_;  ///< by slot, those that may not be empty yet
};

}  // namespace tcp_echo
