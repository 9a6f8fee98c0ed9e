#include "tcp_echo/daemon/executable.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <vector>

#include "tcp_echo/base/environment.hpp"

namespace tcp_echo {
namespace {

namespace fs = std::filesystem;

/// Where a shell would find it, execvp(3).
std::vector<fs::path> places_of(const std::string& called_as) {
  if (called_as.empty()) return {};
  if (called_as.find('/') != std::string::npos) return {called_as};
  std::vector<fs::path> places;
  std::istringstream folders{std::string(environment_variable("PATH"))};
  for (std::string folder; std::getline(folders, folder, ':');)
    places.push_back(fs::path(folder) / called_as);
  return places;
}

}  // namespace

Result<std::string> own_program(const std::string& called_as) {
  // Not /proc/self/exe itself: under Valgrind or qemu-user that leads to them, while readlink tells our own
  // name.
  std::error_code error;
  const auto program = fs::read_symlink("/proc/self/exe", error);
  if (error) return system_failure("read the link /proc/self/exe", error.value());
  for (const auto& place : places_of(called_as)) {
    if (fs::equivalent(place, program, error)) return fs::absolute(place).string();
  }
  return program.string();
}

Result<UniqueFd> open_program(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd) return system_failure("open " + path, errno);
  return fd;
}

Result<void> check_is_program(int fd) {
  const auto path = descriptor_path(fd);
  if (::access(path.c_str(), X_OK) != 0) return {};  // starting it will say so
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  std::array<char, 4> begin{};
  if (!file || ::read(file.get(), begin.data(), begin.size()) < 0) return {};
  const std::string_view text(begin.data(), begin.size());
  if (text ==
          "\x7f"
          "ELF" ||
      text.starts_with("#!"))
    return {};
  return failure(ExitCode::kConfig, "it is no program, and no script that says with #! what runs it");
}

std::string descriptor_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

}  // namespace tcp_echo
