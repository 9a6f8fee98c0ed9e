// Events for eyes, or each as a line of JSON. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "style.hpp"
#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

struct EventsView {
  std::string text;        ///< a line for each
  std::uint64_t last = 0;  ///< the number of the last one
};

/// Of what a master answers to "events". Fails with kSoftware if that is something else.
Result<EventsView> events_view(std::string_view json, bool as_json, Style style);

}  // namespace tcp_echo
