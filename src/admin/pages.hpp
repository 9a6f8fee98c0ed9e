// What the admin process answers: a table of paths. Pure.
#pragma once

#include <chrono>

#include "http.hpp"
#include "tcp_echo/status/service_status.hpp"

namespace tcp_echo {

/// What there is to tell.
struct Outlook {
  ServiceStatus status;
  /// How long ago the master has last shown that its loop turns.
  std::chrono::milliseconds silence{};
  std::chrono::milliseconds clock{};  ///< now, on the monotonic clock
  std::chrono::milliseconds wall{};   ///< now, since the epoch
  const EventRing& events;
  const SampleRing& samples;
};

/// A master that has been silent for longer does not look after its workers.
inline constexpr std::chrono::seconds kLongestSilence{10};

HttpResponse answer(const HttpRequest& request, const Outlook& outlook);

}  // namespace tcp_echo
