#include "tcp_echo/master/reloadable.hpp"

#include <string>
#include <string_view>

namespace tcp_echo {

Result<void> check_reloadable(const Config& now, const Config& next) {
  const auto refuse = [](std::string_view option) {
    return failure(ExitCode::kConfig,
                   std::string(option) + " cannot change on a reload, only on a new start");
  };
  if (now.daemon != next.daemon) return refuse("--daemon");
  if (now.user != next.user) return refuse("--user");
  if (now.group != next.group) return refuse("--group");
  if (now.pid_file != next.pid_file) return refuse("--pid-file");
  return {};
}

}  // namespace tcp_echo
