// Where a report goes, whatever name it was given: two names may well be one file, or standard output.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/load/plan.hpp"

namespace tcp_echo {

/// A name of something that is open already: /dev/stderr may well be a regular file, and to put another one
/// in its place would take it from the programs that have it open.
bool names_open_file(std::string_view path);

/// Where symbolic links lead, so that they stay what they are. A chain without an end is left to open(2) to
/// complain about.
std::string end_of_links(const std::string& path);

/// Standard output or standard error, if it leads where this report is to go. It has to go through that
/// descriptor then: each that is opened anew has a place in the file of its own, and what is written through
/// one would overwrite what was written through the other.
std::optional<int> standard_descriptor_at(const std::string& path);

/// Gives those reports the name "-" that go to standard output by another one, so that the text does not go
/// there as well. kUsage if two would go to the same place.
Result<void> settle_reports(LoadPlan& plan);

}  // namespace tcp_echo
