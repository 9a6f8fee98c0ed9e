#include "tcp_echo/ipc/log_call.hpp"

#include <spdlog/spdlog.h>

#include "tcp_echo/base/log.hpp"
#include "tcp_echo/ipc/role_call.hpp"

namespace tcp_echo {

void follow_log(const LogMessage& how, const std::vector<UniqueFd>& descriptors) {
  spdlog::set_level(static_cast<spdlog::level::level_enum>(how.level));
  if (descriptors.empty())
    return spdlog::warn("no descriptor is left for the new log; going on with the old one");
  if (auto replaced = replace_log(descriptors.front(), kLogDescriptor); !replaced)
    spdlog::warn("{}; going on with the old one", replaced.error().text);
}

}  // namespace tcp_echo
