// A fleet without processes, sockets that matter or a clock that runs: the real Fleet and the real Agenda,
// and around them fake workers that do what chance wants. What has to be so is judged by what those workers
// were told and have done, not by the fleet's own books.
#pragma once

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fleet/fake_worker.hpp"
#include "support/dice.hpp"
#include "support/fake_children.hpp"
#include "support/hand_clock.hpp"
#include "tcp_echo/fleet/fleet.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/jobs/agenda.hpp"
#include "tcp_echo/listeners/generation.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo::test {

inline constexpr unsigned kMostSmallWorkers = 5;
/// Of the scoreboard: more than ever run at the same time.
inline constexpr std::size_t kMostSmallBlocks = 64;

/// What takes long to make, and serves all walks of a test one after the other. Nothing is logged meanwhile.
struct Ground {
  Ground();
  ~Ground();
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;

  Scoreboard scoreboard;
  ListenerSet listeners;  ///< at the first address, for as many slots as there may be
  spdlog::level::level_enum log_level;
};

class SmallWorld final : private Launcher {
 public:
  SmallWorld(Ground& ground, Dice dice);

  /// Something happens: a worker dies, time passes, an operator wants something.
  void step();
  /// Nobody fails any more, and whatever is under way comes to its end. Everything has to be served then.
  void expect_to_recover();
  /// The service ends, gracefully or at once, while things go on to fail. Everybody has to be gone then.
  void expect_to_end();

  /// The first thing that was not as it has to be; empty if there was none.
  const std::string& complaint() const { return complaint_; }
  /// The last events, for whoever reads the complaint.
  std::string history() const;

 private:
  using Time = std::chrono::milliseconds;
  /// An accept queue.
  struct Queue {
    std::weak_ptr<const UniqueFd> socket;  ///< closed once nobody has it
    bool is_in_service = false;
    bool clients_may_wait = false;
    std::optional<Time> removed_at;  ///< its address is not served any more
    Stopwatch neglected;
  };

  // Time, and what the operator wants.
  void time_passes();
  void turn(Time time);
  void beat();
  void somebody_wants_something();

  // What workers do.
  Result<std::unique_ptr<Lifeline>> start(const ChildRole& role, unsigned number,
                                          const std::vector<int>& listeners, Lifeline::Ear& ear) override;
  std::unique_ptr<Lifeline> adopt(const ChildRecord& record, Lifeline::Ear& ear) override;
  void something_happens_to_a_worker();
  void turn_again(FakeWorker& worker);
  void beat(const FakeWorker& worker);
  void something_bad_happens_to(FakeWorker& worker);
  void die(FakeWorker& worker);
  void bury_the_killed(bool a_moment_passes);
  void hear_next(FakeWorker& worker);
  void finish_something(FakeWorker& worker);
  void clear_one(FakeWorker& worker);
  void empty_queues(FakeWorker& worker);
  static bool can_be_heard(const FakeWorker& worker);
  void note_emptied(const std::vector<int>& listeners);
  void say(FakeWorker& worker, const ToMaster& message);
  void end(FakeWorker& worker, const ExitStatus& status);
  FakeWorker* in_place(unsigned slot);

  // What a master makes of what the operator wants.
  void begin_next();
  void begin(const Job& job);
  void reload();
  void scale(int by);
  void restart(const Job& job);
  void move(const std::shared_ptr<const Generation>& generation, unsigned workers,
            const std::vector<unsigned>& renewed, std::function<void(bool)> then);
  void take_up(const std::shared_ptr<const Generation>& generation, unsigned workers,
               const std::vector<unsigned>& renewed);
  void learn_of(const ListenerSet& listeners);
  void retry_restarts();

  // The end.
  void drain();
  void stop();
  void on_all_gone();
  bool every_slot_was_tried() const;

  void recover_a_little();
  bool is_calm() const;
  void expect_everybody_served();

  // What has to be so at any time.
  void check();
  void note_told(FakeWorker& worker);
  void check_queues();
  std::string name_of(int listener) const;
  void check_queue(int listener, Queue& queue);
  bool anyone_attends_to(int listener) const;
  bool anyone_can_begin_to_empty() const;
  void check_that_all_drain();
  bool clients_may_wait() const;
  void check_worker(FakeWorker& worker);
  void check_end_of(FakeWorker& worker);
  void check_slot(unsigned slot);
  void check_service(unsigned slot);
  void check_respawn();
  bool anyone_cannot_be_told() const;
  bool anyone_refused_lately() const;
  std::size_t acceptors_of(int listener) const;

  bool goes_wrong(std::size_t once_in) { return misfortune_ && dice_.once_in(once_in); }
  const Config& config() const { return generation_->config; }
  void note(const std::string& what);
  void complain(const std::string& what);

  Ground& ground_;
  Dice dice_;
  HandClock clock_;
  FakeLauncher launcher_;
  std::vector<std::unique_ptr<FakeWorker>> workers_;  ///< all that run
  std::map<int, Queue> queues_;                       ///< by descriptor
  unsigned wanted_;                                   ///< workers
  unsigned most_ever_;                                ///< slots
  std::shared_ptr<const Generation> generation_;
  Agenda agenda_;
  std::vector<Job> failed_restarts_;
  int movements_under_way_ = 0;
  bool is_moving_in_ = false;  ///< candidates are being started
  bool is_up_ = false;
  bool misfortune_ = true;

  std::optional<Time> drained_at_;
  std::optional<Time> stopped_at_;
  std::set<unsigned> tried_in_the_end_;       ///< slots that have had their worker for the end
  bool has_lost_someone_in_the_end_ = false;  ///< who has not emptied its queues
  std::set<unsigned> through_;                ///< slots whose last worker has
  bool is_over_ = false;

  std::map<unsigned, Stopwatch> unserved_, served_twice_, empty_;  ///< by slot
  Stopwatch nobody_comes_;

  std::string complaint_;
  std::deque<std::string> history_;

  Timer heart_;     ///< of all workers
  Timer retry_;     ///< of restarts
  Timer deadline_;  ///< of a graceful stop
  Fleet fleet_;
};

}  // namespace tcp_echo::test
