// A change under way: new workers beside those that serve, until all of them are READY or one is not.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>

#include "household.hpp"
#include "tcp_echo/fleet/movement.hpp"
#include "tcp_echo/loop/deadline.hpp"

namespace tcp_echo {

/// A worker that is READY to take a place.
struct Candidate {
  std::unique_ptr<Child> worker;
  bool wants_successor = false;  ///< it has been told to leave already
};

class Changeover {
 public:
  /// What becomes of it.
  class Host {
   public:
    virtual ~Host() = default;
    /// All candidates are READY: the moment to let them take their places.
    virtual void on_candidates_ready() = 0;
    /// One of them will not be; the others are not wanted any more.
    virtual void on_candidate_failed(const Error& error) = 0;
  };

  /// Both outlive it.
  Changeover(const Household& household, Host& host);
  ~Changeover();
  Changeover(const Changeover&) = delete;
  Changeover& operator=(const Changeover&) = delete;

  bool is_under_way() const noexcept { return movement_.has_value(); }
  /// Of the change under way.
  const Movement& movement() const noexcept { return *movement_; }

  /// Starts the candidates. The host may hear of its end before this returns.
  void begin(Movement movement);
  /// Ends it. Its candidates can be taken from then on.
  Movement finish();
  /// The candidate for that slot, from 0; no worker if there is none.
  Candidate take(unsigned slot);
  void change_log(int descriptor, const LogMessage& how);

 private:
  class Beginner;
  void on_ready();
  void on_late();

  const Household& household_;
  Host& host_;
  std::optional<Movement> movement_;
  std::map<unsigned, std::unique_ptr<Beginner>> beginners_;  ///< by slot
  Deadline late_;
};

}  // namespace tcp_echo
