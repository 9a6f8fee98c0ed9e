#include "results.hpp"

#include <algorithm>

namespace tcp_echo::bench {

ExitCode exit_code(const Results& results) {
  const bool all_clean =
      std::all_of(results.comparisons.begin(), results.comparisons.end(), [](const Comparison& comparison) {
        return !comparison.pairs.empty() && comparison.clean_pairs() == comparison.pairs.size();
      });
  return all_clean && results.failures.empty() && !results.is_interrupted ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace tcp_echo::bench
