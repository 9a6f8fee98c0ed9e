// Random failures against the backoff: never less than none, never more than the maximum, and stable service
// is always forgiven.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "support/dice.hpp"
#include "tcp_echo/process/backoff.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;

/// Never ready, a moment, nearly stable, stable.
Milliseconds random_service(Dice& dice) {
  switch (dice.below(4)) {
    case 0: return 0ms;
    case 1: return Milliseconds(dice.between(1, 1000));
    case 2: return kStableService + Milliseconds(dice.below(3)) - 1ms;
    default: return Milliseconds(dice.below(kStableService.count() * 2000));
  }
}

TEST(BackoffWalk, StaysWithinItsBoundsAndForgivesAfterStableService) {
  take_walks(1000, [](Dice dice) {
    const Milliseconds min(dice.between(1, 1000));
    const Milliseconds max = min * dice.between(1, 1000);
    Backoff backoff(min, max);
    unsigned failures = 0;
    Milliseconds longest{};
    for (std::size_t step = 0; step < 1000; ++step) {
      const auto served_for = random_service(dice);
      const auto wait = backoff.after_failure(served_for);
      const bool is_forgiven = served_for >= kStableService;
      failures = is_forgiven ? 1 : failures + 1;
      if (is_forgiven) longest = 0ms;
      ASSERT_EQ(backoff.failures_in_a_row(), failures) << step;
      if (failures == 1 && served_for > 0ms) {
        ASSERT_EQ(wait, 0ms) << step;
        continue;
      }
      const auto wanted = longest == 0ms ? min : std::min(2 * longest, max);
      ASSERT_EQ(wait, wanted) << step;
      ASSERT_LE(wait, max) << step;
      longest = wait;
    }
  });
}

}  // namespace
}  // namespace tcp_echo::test
