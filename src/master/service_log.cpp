#include "tcp_echo/master/service_log.hpp"

#include <spdlog/spdlog.h>

#include "tcp_echo/base/log.hpp"
#include "tcp_echo/config/log_settings.hpp"
#include "tcp_echo/config/options.hpp"

namespace tcp_echo {

void ServiceLog::reopen() {
  if (config().log_file.empty()) return;
  const auto reopened = reopen_log_file(config().log_file, descriptor_);
  if (!reopened) return spdlog::error("SIGUSR1: {}; going on with the old one", reopened.error().text);
  tell_all(level());
  spdlog::info("SIGUSR1: reopened the log file");
}

Result<void> ServiceLog::change(const UniqueFd& opened, const Config& next) {
  if (auto replaced = replace_log(opened, descriptor_); !replaced) return replaced;
  if (next.log_level != config().log_level) set_by_hand_.reset();
  set_up_logging(std::string(spdlog::default_logger()->name()), log_settings(next, descriptor_));
  tell_all(set_by_hand_.value_or(next.log_level));
  return {};
}

Result<std::string> ServiceLog::level(const std::string& wanted) {
  if (!wanted.empty()) {
    const auto level = parse_log_level(wanted);
    if (!level) return tl::unexpected(level.error());
    set_level(*level);
  }
  return std::string(name_of(level()));
}

void ServiceLog::set_level(LogLevel level) {
  set_by_hand_ = level;
  tell_all(level);
}

void ServiceLog::tell_all(LogLevel level) {
  spdlog::set_level(static_cast<spdlog::level::level_enum>(level));
  fleet_.change_log(descriptor_, level);
  admin_.change_log(descriptor_, level);
}

}  // namespace tcp_echo
