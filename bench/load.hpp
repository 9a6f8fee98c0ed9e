// Runs of the load generator against servers, and what both had to do for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "cases.hpp"
#include "comparison.hpp"
#include "server.hpp"
#include "setting.hpp"

namespace tcp_echo::bench {

/// The command line, without the name of the file for the report.
Process::Command load_command(const Setting& setting, const Load& load, std::uint16_t port);

/// Never throws because of what the server or the load generator does: that is in the result.
Run run_load(const Setting& setting, const Load& load, Server& server);

/// One server and the load that it gets.
struct Side {
  Server& server;
  Load load;
};

/// The order within a pair changes from pair to pair.
std::vector<Pair> run_pairs(const Setting& setting, const Side& ours, const Side& theirs);

/// How long one run takes.
std::chrono::milliseconds length_of(const Setting& setting, const Load& load);

}  // namespace tcp_echo::bench
