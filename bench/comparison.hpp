// Pairs of runs of two servers in turn: what the machine does meanwhile meets both, so the ratio of a pair
// holds still where the figures themselves drift. A run that failed says nothing about speed, so its pair is
// in no figure. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "run.hpp"
#include "statistics.hpp"

namespace tcp_echo::bench {

struct Pair {
  Run ours;
  Run theirs;

  bool is_clean() const { return ours.ok && theirs.ok; }
};

/// Runs of one server that failed alike, and so took their pairs out of the comparison.
struct Dropped {
  std::string server;
  std::string complaint;
  std::vector<std::size_t> pairs;  ///< in the order of their runs, the first is 1
};

/// What kept the rate from being higher, as far as it can be told from outside.
enum class Bound {
  kServer,  ///< the server's processor is busy, the client's is not: the rate is the server's own
  kBoth,    ///< both are; a server with time to spare fills it by waking up more often, for fewer events each
  kClient,  ///< only the client's is: the rate is the client's
  kWaiting,  ///< neither: both wait for each other, as with one message under way
  kUnknown,
};

struct Comparison {
  std::string case_name;
  std::string title;
  std::string unit;
  std::string peer;         ///< or what of ours it is compared with
  std::string command;      ///< of the load generator
  unsigned workers = 1;     ///< of ours, each with a processor
  std::vector<Pair> pairs;  ///< all; what follows is of those that are clean, and nothing if none is

  std::size_t clean_pairs() const;
  Estimate ratio() const;  ///< of rates, ours to theirs
  /// Of echoes for a second of the server's processor; only pairs where it is known for both, so it may be of
  /// fewer pairs than ratio().
  Estimate efficiency_ratio() const;
  std::optional<double> median_of(double Run::*figure, Run Pair::*side) const;
  std::optional<double> busy_of(Run Pair::*side) const;  ///< median
  Bound bound_of(Run Pair::*side) const;
  std::vector<Dropped> dropped() const;  ///< one for each server and complaint, ours first
};

}  // namespace tcp_echo::bench
