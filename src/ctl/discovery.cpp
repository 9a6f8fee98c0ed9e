#include "discovery.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/control/socket.hpp"
#include "tcp_echo/ipc/text_notice.hpp"

namespace tcp_echo {
namespace {

bool is_ours(pid_t pid) {
  struct stat status {};
  return ::stat(fmt::format("/proc/{}", pid).c_str(), &status) == 0 && status.st_uid == ::geteuid();
}

/// Sockets by their paths, each once: a folder may have several names.
class Candidates {
 public:
  void add(std::string path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
    const FileId file{status.st_dev, status.st_ino};
    if (std::find(files_.begin(), files_.end(), file) != files_.end()) return;
    files_.push_back(file);
    paths_.push_back(std::move(path));
  }
  const std::vector<std::string>& paths() const noexcept { return paths_; }

 private:
  std::vector<FileId> files_;
  std::vector<std::string> paths_;
};

/// In the usual places, and wherever a master of this user says that it has one.
std::vector<std::string> candidates() {
  Candidates all;
  for (auto& path : usual_control_sockets()) all.add(std::move(path));
  for (auto& notice : find_text_notices(kControlNotice)) {
    if (is_ours(notice.pid)) all.add(std::move(notice.text));
  }
  return all.paths();
}

}  // namespace

Result<std::string> find_control_socket() {
  std::vector<std::string> alive;
  std::string list;
  std::optional<Error> forbidden;
  for (const auto& path : candidates()) {
    const auto socket = connect_to_control_socket(path);
    if (socket) {
      const auto master = peer_of(socket->get());
      list +=
          fmt::format("{}{} (pid {})", list.empty() ? "" : ", ", printable(path), master ? master->pid : 0);
      alive.push_back(path);
    } else if (socket.error().code == ExitCode::kNoPermission) {
      forbidden = socket.error();
    }
  }
  if (alive.size() == 1) return alive.front();
  if (alive.size() > 1)
    return failure(ExitCode::kUsage, "several masters run; name one with --socket: " + list);
  if (forbidden) return tl::unexpected(*forbidden);
  return failure(ExitCode::kUnavailable, "no tcp-echo-master of this user with a control socket runs here");
}

}  // namespace tcp_echo
