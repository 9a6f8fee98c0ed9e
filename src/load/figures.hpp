// The figures of a run as people read them: what the text report and the page both show.
#pragma once

#include <string>
#include <vector>

#include "tcp_echo/load/summary.hpp"

namespace tcp_echo {

/// 0 instead of what is not a number: nothing happened in no time.
double per_second(double amount, double seconds);

/// Three digits and the unit that fits: "412 µs", "4.12 ms", "1.20 s".
std::string time_in_words(double seconds);
std::string time_in_words(std::chrono::nanoseconds time);

/// Three digits in units of 1000, as network speeds are given: "23.2 MB".
std::string bytes_in_words(double bytes);

struct Figure {
  std::string name;
  std::string value;
};

/// Printable, in the order in which they are read.
std::vector<Figure> figures(const LoadSummary& summary);

/// What a correct server on a sound network does not do, and how often: "3 refused, 12 bytes missing"; empty
/// if nothing of it happened.
std::string failures_in_words(const LoadCounts& counts);

/// "ok: every byte came back", or "FAILED: " and what.
std::string verdict(const LoadSummary& summary);

}  // namespace tcp_echo
