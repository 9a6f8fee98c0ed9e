// The control socket and its clients as plain values, for a program that takes over. Descriptors are numbers
// of this process, and not owned here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tcp_echo/base/ticket.hpp"

namespace tcp_echo {

struct ControlSessionRecord {
  int fd = -1;
  Ticket ticket = 0;
  std::string input = {};    ///< of a request that is not complete
  std::string output = {};   ///< of an answer that has not been read
  std::string request = {};  ///< the line that waits for its answer; empty: none does
  bool has_finished = false;
  bool operator==(const ControlSessionRecord&) const = default;
};

struct ControlRecord {
  std::string path = {};
  std::uint64_t device = 0;  ///< these two: the socket's file
  std::uint64_t inode = 0;
  int fd = -1;  ///< -1: there is no control socket
  Ticket last_ticket = 0;
  std::vector<ControlSessionRecord> sessions = {};
  bool operator==(const ControlRecord&) const = default;
};

}  // namespace tcp_echo
