#include "tcp_echo/ipc/role_call.hpp"

#include <spdlog/fmt/fmt.h>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"

namespace tcp_echo {

std::string title_of(const ChildRole& role, unsigned number) {
  if (role.is_single) return fmt::format("tcp-echo[{}]", role.title);
  return fmt::format("tcp-echo[{}{}]", role.title, number);
}

bool is_title_of(const ChildRole& role, std::string_view title) {
  return title.starts_with(fmt::format("tcp-echo[{}", role.title));
}

std::vector<std::string> to_argv(const ChildRole& role, const RoleCall& call) {
  return {"tcp-echo-master", std::string(role.word), std::to_string(call.number),
          std::to_string(call.listeners)};
}

std::optional<RoleCall> parse_role_call(const ChildRole& role, const std::vector<std::string>& arguments) {
  if (arguments.size() != 3 || arguments[0] != role.word) return std::nullopt;
  const auto number = parse_number(arguments[1]);
  const auto listeners = parse_number(arguments[2]);
  if (!number || *number < 1 || *number > kMostSlots) return std::nullopt;
  if (!listeners || *listeners > kMostListenersOfAChild) return std::nullopt;
  return RoleCall{static_cast<unsigned>(*number), static_cast<std::size_t>(*listeners)};
}

}  // namespace tcp_echo
