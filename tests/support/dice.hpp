// Chance that can be repeated, for tests that try what no author thinks of. Each walk of such a test has a
// seed of its own, which a failure names: ECHO_TEST_SEED=THAT begins with that walk again.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "support/valgrind.hpp"

namespace tcp_echo::test {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : generator_(seed) {}

  /// 0 to sides - 1. Not one of the standard library's distributions: they differ from library to library.
  std::size_t below(std::size_t sides) { return static_cast<std::size_t>(generator_() % sides); }
  std::size_t between(std::size_t least, std::size_t most) { return least + below(most - least + 1); }
  /// True once in so many times.
  bool once_in(std::size_t times) { return below(times) == 0; }
  /// Any number, but small ones and those at the edges of types as often as all others.
  std::uint64_t number() {
    switch (below(3)) {
      case 0: return below(4);
      case 1: return ~std::uint64_t{0} >> below(64);
      default: return generator_();
    }
  }
  template <class List>
  auto& one_of(List& list) {
    return list[below(std::size(list))];
  }

 private:
  std::mt19937_64 generator_;
};

inline std::uint64_t first_seed() {
  const char* const given = std::getenv("ECHO_TEST_SEED");
  return given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
}

/// Fewer where everything is slow: under Valgrind, and in builds without optimisation, as the sanitizers'
/// are.
inline std::size_t walks(std::size_t wanted) {
#ifdef __OPTIMIZE__
  const std::size_t share = runs_under_valgrind() ? 100 : 1;
#else
  const std::size_t share = runs_under_valgrind() ? 1000 : 20;
#endif
  return wanted / share + 1;
}

inline std::string how_to_repeat(std::uint64_t seed) {
  return "ECHO_TEST_SEED=" + std::to_string(seed) + " begins with this walk";
}

/// Calls the walk with dice of many seeds, until one has failed.
template <class Walk>
void take_walks(std::size_t wanted, Walk walk) {
  for (std::size_t i = 0; i < walks(wanted); ++i) {
    const auto seed = first_seed() + i;
    SCOPED_TRACE(how_to_repeat(seed));
    walk(Dice(seed));
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace tcp_echo::test
