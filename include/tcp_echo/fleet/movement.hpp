// Everything that changes workers on purpose (reload, scale, a single one's restart) is one of these.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/listeners/generation.hpp"

namespace tcp_echo {

/// From the workers as they are to those that shall be.
struct Movement {
  std::shared_ptr<const Generation> generation;  ///< of the new workers, and of all that start later
  unsigned workers = 0;                          ///< slots that serve afterwards
  std::vector<unsigned> renewed;  ///< slots, from 0, that get a new worker; all below `workers`
  /// Called when all of them are READY, before anything changes; a failure keeps everything as it is.
  std::function<Result<void>()> before_change = {};
  /// Called once: everything has changed, or nothing.
  std::function<void(const Result<void>&)> on_done = {};
};

}  // namespace tcp_echo
