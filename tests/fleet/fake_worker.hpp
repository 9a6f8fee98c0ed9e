// A fake process that behaves as a worker does, where a fleet relies on it: it takes its steps from the
// worker's own state machine. The small world decides when it does something.
#pragma once

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/fake_children.hpp"
#include "worker/worker_fsm.hpp"

namespace tcp_echo::test {

/// "LEND 3".
std::string text_of(const Message& message);

/// What a worker has to do, after the messages that it has heard.
struct Duties {
  WorkerPhase phase = WorkerPhase::kConfiguring;
  bool waits = false;
  std::map<unsigned, std::vector<int>> desks;             ///< listeners to accept from; by slot, from 0
  std::map<std::uint32_t, std::vector<int>> clearings{};  ///< listeners to be emptied; by number

  WorkerAction hear(const FakeProcess::Told& told);
  WorkerAction handle(WorkerEvent event);
  bool serves() const { return phase == WorkerPhase::kServing || phase == WorkerPhase::kAsking; }
  bool accepts() const { return serves() && !waits; }
  bool accepts_from(int listener) const;
};

/// How long something has been so, as far as this was asked.
class Stopwatch {
 public:
  bool exceeds(bool holds, std::chrono::milliseconds now, std::chrono::milliseconds limit) {
    if (!holds) since_.reset();
    if (holds && !since_) since_ = now;
    return holds && now - *since_ > limit;
  }
  void reset() { since_.reset(); }

 private:
  std::optional<std::chrono::milliseconds> since_;
};

/// What is to be known of a worker, and what chance has made of it.
struct Conduct {
  /// Whether it has the place of its slot.
  enum class Place { kCandidate, kHolder, kFormer };

  Place place = Place::kHolder;
  std::optional<std::uint32_t> block = {};  ///< of the scoreboard; none: it was not told
  bool is_ready = false;                    ///< has said so
  bool is_foreign = false;                  ///< speaks another protocol version
  bool stands_still = false;                ///< its loop does not turn
  bool is_deaf = false;
  bool is_out_of_reach = false;  ///< for descriptors
  bool has_emptied = false;      ///< has said so
  bool is_stranded = false;      ///< has said so since it heard of a successor
  bool is_of_the_end = false;    ///< was started after the service had begun to end
  bool has_misbehaved = false;   ///< in a way that may cost it its life
  bool is_unwanted = false;      ///< was a candidate of a change that has failed
  bool is_judged = false;        ///< it was seen that it is to die
  bool is_slow_to_die = false;   ///< time has passed since its SIGKILL
  std::optional<std::chrono::milliseconds> refused_at = {};  ///< a loan

  // Since when, for those who watch it.
  Stopwatch unready = {}, hung = {}, aborted = {}, told_to_stop = {}, left_alone = {};
};

class FakeWorker : public Conduct {
 public:
  FakeWorker(FakeProcess& process, unsigned slot, std::vector<int> listeners, Place its_place)
      : Conduct{its_place},
        process_(process),
        slot_(slot),
        heard_{.desks = {{slot, std::move(listeners)}}},
        outlook_(heard_) {}

  FakeProcess& process() { return process_; }
  const FakeProcess& process() const { return process_; }
  unsigned slot() const { return slot_; }
  /// "worker 2 (pid 104)".
  std::string name() const;

  const Duties& duties() const { return heard_; }
  /// As if it had heard all that it was told.
  const Duties& outlook() const { return outlook_; }
  /// What it was told since the last time that this was asked.
  std::vector<FakeProcess::Told> note_told();
  const FakeProcess::Told* next_unheard() const {
    return heard_count_ < noted_count_ ? &process_.told()[heard_count_] : nullptr;
  }
  WorkerAction hear_next() { return heard_.hear(process_.told()[heard_count_++]); }
  /// It cannot do what the next message asks for.
  void refuse_next();
  WorkerAction handle(WorkerEvent event);
  void forget_clearing(std::uint32_t number);

  bool is_condemned() const { return process_.was_sent(SIGKILL) || process_.was_sent(SIGABRT); }
  /// It has said READY, holds its place, and will neither die nor leave by what it was told so far.
  bool serves() const { return place == Place::kHolder && is_ready && !is_condemned() && outlook_.accepts(); }
  void stand_still(bool still, bool deaf) {
    stands_still = still;
    is_deaf = deaf;
    has_misbehaved |= still;
    process_.be_deaf(deaf);
  }
  void be_out_of_reach(bool out) {
    is_out_of_reach = out;
    process_.be_out_of_reach_for_descriptors(out);
  }

 private:
  FakeProcess& process_;
  unsigned slot_;
  Duties heard_;
  Duties outlook_;
  std::size_t heard_count_ = 0;
  std::size_t noted_count_ = 0;
};

}  // namespace tcp_echo::test
