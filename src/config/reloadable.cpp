#include "tcp_echo/config/reloadable.hpp"

#include <spdlog/fmt/fmt.h>

#include "tcp_echo/config/options.hpp"
#include "value.hpp"

namespace tcp_echo {

Result<void> check_reloadable(const Config& now, const Config& next) {
  for (const auto& option : options()) {
    if (option.takes_effect == TakesEffect::kOnReload) continue;
    if (to_toml(option, now) == to_toml(option, next)) continue;
    return failure(ExitCode::kConfig,
                   fmt::format("{} cannot change on a reload, only on a new start", option.flag()));
  }
  return {};
}

}  // namespace tcp_echo
