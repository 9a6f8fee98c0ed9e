// Pairs of runs of two servers in turn: what the machine does meanwhile meets both, so the ratio of a pair
// holds still where the figures themselves drift.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cases.hpp"
#include "load.hpp"
#include "server.hpp"
#include "setting.hpp"
#include "statistics.hpp"

namespace tcp_echo::bench {

struct Pair {
  Run ours;
  Run theirs;
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
  std::string peer;      ///< or what of ours it is compared with
  std::string command;   ///< of the load generator
  unsigned workers = 1;  ///< of ours, each with a processor
  std::vector<Pair> pairs;

  Estimate ratio() const;             ///< of rates, ours to theirs
  Estimate efficiency_ratio() const;  ///< of echoes for a second of the server's processor; 0 if unknown
  double median_of(double Run::*figure, Run Pair::*side) const;
  double busy_of(Run Pair::*side) const;  ///< median; negative if unknown
  Bound bound_of(Run Pair::*side) const;
  std::string first_complaint(Run Pair::*side) const;
};

/// One server and the load that it gets.
struct Side {
  Server& server;
  Load load;
};

/// The order within a pair changes from pair to pair.
std::vector<Pair> run_pairs(const Setting& setting, const Side& ours, const Side& theirs);

}  // namespace tcp_echo::bench
