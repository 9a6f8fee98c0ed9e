#include "tcp_echo/master/upgrade_call.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "tcp_echo/master/executable.hpp"

namespace tcp_echo {
namespace {

constexpr const char* kPreflight = "preflight";
constexpr const char* kTakeOver = "take-over";
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

std::optional<int> descriptor_from(const std::string& text) {
  int fd = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fd);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return fd;
}

}  // namespace

std::vector<std::string> to_argv(const UpgradeCall& call) {
  std::vector<std::string> argv = {
      "tcp-echo-master", call.purpose == UpgradeCall::Purpose::kPreflight ? kPreflight : kTakeOver,
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
  if (arguments.size() < kFixed || (arguments[0] != kPreflight && arguments[0] != kTakeOver))
    return std::nullopt;
  const auto state = descriptor_from(arguments[1]);
  const auto program = descriptor_from(arguments[2]);
  const auto fallback = descriptor_from(arguments[3]);
  if (!state || !program || !fallback) return std::nullopt;
  return UpgradeCall{.purpose = arguments[0] == kPreflight ? UpgradeCall::Purpose::kPreflight
                                                           : UpgradeCall::Purpose::kTakeOver,
                     .state = *state,
                     .program = *program,
                     .fallback = *fallback,
                     .arguments = {arguments.begin() + kFixed, arguments.end()}};
}

Result<UniqueFd> make_state_file(const std::string& text) {
  UniqueFd fd(::memfd_create("tcp-echo-state", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const bool written = fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (!written || ::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0)
    return system_failure("write the state down", errno);
  return fd;
}

Result<std::string> read_state_file(int fd) {
  struct stat status {};
  const int seals = ::fcntl(fd, F_GET_SEALS);  // F_SEAL_EXEC may be among them, see vm.memfd_noexec
  if (seals < 0 || (seals & kSeals) != kSeals || ::fstat(fd, &status) != 0)
    return failure(ExitCode::kSoftware, "there is no state to take over");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  if (::pread(fd, text.data(), text.size(), 0) != status.st_size)
    return system_failure("read the state to take over", errno);
  return text;
}

}  // namespace tcp_echo
