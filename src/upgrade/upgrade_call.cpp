#include "tcp_echo/upgrade/upgrade_call.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "tcp_echo/daemon/executable.hpp"
#include "tcp_echo/ipc/sealed_text.hpp"

namespace tcp_echo {
namespace {

std::optional<int> descriptor_from(const std::string& text) {
  int fd = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fd);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return fd;
}

}  // namespace

std::vector<std::string> to_argv(const UpgradeCall& call) {
  std::vector<std::string> argv = {
      "tcp-echo-master", call.purpose == UpgradeCall::Purpose::kPreflight ? kPreflightWord : kTakeOverWord,
      std::to_string(call.state), std::to_string(call.program), std::to_string(call.fallback)};
  argv.insert(argv.end(), call.arguments.begin(), call.arguments.end());
  return argv;
}

void execute_upgrade(const UpgradeCall& call) {
  auto argv = to_argv(call);
  std::vector<char*> pointers;
  pointers.reserve(argv.size() + 1);
  for (auto& text : argv) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  ::execve(descriptor_path(call.program).c_str(), pointers.data(), environ);
}

std::optional<UpgradeCall> parse_upgrade_call(const std::vector<std::string>& arguments) {
  constexpr std::size_t kFixed = 4;
  if (arguments.size() < kFixed || (arguments[0] != kPreflightWord && arguments[0] != kTakeOverWord))
    return std::nullopt;
  const auto state = descriptor_from(arguments[1]);
  const auto program = descriptor_from(arguments[2]);
  const auto fallback = descriptor_from(arguments[3]);
  if (!state || !program || !fallback) return std::nullopt;
  return UpgradeCall{.purpose = arguments[0] == kPreflightWord ? UpgradeCall::Purpose::kPreflight
                                                               : UpgradeCall::Purpose::kTakeOver,
                     .state = *state,
                     .program = *program,
                     .fallback = *fallback,
                     .arguments = {arguments.begin() + kFixed, arguments.end()}};
}

Result<UniqueFd> make_state_file(const std::string& text) { return seal_text("tcp-echo-state", text); }

Result<std::string> read_state_file(int fd) {
  auto text = read_sealed_text(fd);
  if (!text) return failure(text.error().code, "there is no state to take over");
  return text;
}

}  // namespace tcp_echo
