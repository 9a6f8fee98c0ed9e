// The rhythm in which a worker proves that its loop turns, agreed between it and its master.
#pragma once

#include <algorithm>
#include <chrono>

namespace tcp_echo {

/// How often a worker counts WorkerCounters::heartbeats up, and how often the master looks.
constexpr std::chrono::milliseconds heartbeat_interval(std::chrono::milliseconds watchdog) {
  using namespace std::chrono_literals;
  return std::clamp<std::chrono::milliseconds>(watchdog / 8, 10ms, 1s);
}

}  // namespace tcp_echo
