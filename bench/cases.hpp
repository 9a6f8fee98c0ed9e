// What is measured, as a table: one row holds everything about a case.
#pragma once

#include <array>
#include <string_view>

namespace tcp_echo::bench {

/// What tcp-echo-load is asked for.
struct Load {
  unsigned connections = 1;
  unsigned message_size = 64;  ///< bytes
  unsigned pipeline = 1;       ///< messages under way on each connection
  unsigned messages = 0;       ///< echoes of a connection until it is closed and made again; 0 = it stays
  unsigned idle = 0;           ///< further connections that say nothing
};

enum class Kind {
  kRate,       ///< echoes a second against each peer
  kAmongIdle,  ///< that, and ours among idle connections against ours without
  kWorkers,    ///< ours with two workers against ours with one
  kMemory,     ///< bytes of memory for an idle connection, each server
  kCounts,     ///< system calls and instructions for an echo
};

struct Case {
  std::string_view name;
  std::string_view title;
  std::string_view unit;  ///< of a rate
  Kind kind;
  Load load;
  bool forking_peers = false;  ///< whether a server that forks for each connection makes sense
};

inline constexpr std::array kCases{
    Case{"1x64", "1 connection, 64 B", "echoes/s", Kind::kRate, {.connections = 1}, true},
    Case{"50x64", "50 connections, 64 B", "echoes/s", Kind::kRate, {.connections = 50}, true},
    Case{"500x64", "500 connections, 64 B", "echoes/s", Kind::kRate, {.connections = 500}},
    Case{"50x16k",
         "50 connections, 16 KiB",
         "echoes/s",
         Kind::kRate,
         {.connections = 50, .message_size = 16384}},
    Case{"4x64k",
         "4 connections, 64 KiB, 4 under way",
         "echoes/s",
         Kind::kRate,
         {.connections = 4, .message_size = 65536, .pipeline = 4}},
    Case{"connect",
         "connect, echo 64 B, close; 50 at a time",
         "cycles/s",
         Kind::kRate,
         {.connections = 50, .messages = 1}},
    Case{"idle",
         "50 connections, 64 B, among idle ones",
         "echoes/s",
         Kind::kAmongIdle,
         {.connections = 50, .idle = 10'000}},
    Case{
        "workers", "1 to 2 workers, 200 connections, 64 B", "echoes/s", Kind::kWorkers, {.connections = 200}},
    Case{"memory", "memory for an idle connection", "bytes", Kind::kMemory, {}},
    Case{"counts", "system calls and instructions for an echo", "", Kind::kCounts, {.connections = 50}},
};

}  // namespace tcp_echo::bench
