#include "tcp_echo/ipc/text_notice.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/ipc/role_call.hpp"
#include "tcp_echo/ipc/sealed_text.hpp"

namespace tcp_echo {
namespace {

namespace fs = std::filesystem;

constexpr off_t kMostBytes = 1 << 20;  // far more than all addresses of a machine take

/// Opened anew rather than duplicated, through the link that the kernel shows for it. The process with that
/// descriptor may put a pipe there meanwhile, which must not hold us up.
UniqueFd open_notice(const char* name, const fs::path& descriptors) {
  const auto link = std::string("/memfd:") + name + " (deleted)";
  std::error_code error;
  for (fs::directory_iterator entry(descriptors, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    if (fs::read_symlink(entry->path(), gone) == link)
      return UniqueFd(::open(entry->path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  }
  return {};
}

/// A worker puts up no notice, and may have a hundred thousand descriptors to look at.
bool is_a_worker(pid_t pid) {
  std::string name;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm"), name);
  return is_title_of(kWorkerRole, name);
}

std::vector<pid_t> processes_to_ask() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const auto pid = parse_number(entry->path().filename().string());
    if (pid && !is_a_worker(static_cast<pid_t>(*pid))) pids.push_back(static_cast<pid_t>(*pid));
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

/// Root on a machine sees into its containers, whose addresses mean something else there.
bool has_our_network(pid_t pid) {
  const auto network_of = [](const std::string& process) -> std::optional<ino_t> {
    struct stat status {};
    if (::stat(("/proc/" + process + "/ns/net").c_str(), &status) != 0) return std::nullopt;
    return status.st_ino;
  };
  return network_of(std::to_string(pid)) == network_of("self");
}

}  // namespace

Result<UniqueFd> put_up_text_notice(const char* name, const std::string& text) {
  return seal_text(name, text);
}

std::vector<TextNotice> find_text_notices(const char* name, std::optional<pid_t> of) {
  std::vector<TextNotice> notices;
  std::vector<ino_t> seen;
  for (const auto pid : of ? std::vector{*of} : processes_to_ask()) {
    const auto notice = open_notice(name, fs::path("/proc") / std::to_string(pid) / "fd");
    struct stat status {};
    if (!notice || ::fstat(notice.get(), &status) != 0 || !has_our_network(pid)) continue;
    if (status.st_size > kMostBytes) continue;
    const bool is_known = std::find(seen.begin(), seen.end(), status.st_ino) != seen.end();
    auto text = read_sealed_text(notice.get());  // another program's file may have the same name
    if (is_known || !text) continue;
    seen.push_back(status.st_ino);
    notices.push_back({pid, std::move(*text)});
  }
  return notices;
}

}  // namespace tcp_echo
