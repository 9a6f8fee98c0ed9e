#include "tcp_echo/loop/child_process.hpp"

#include <csignal>
#include <utility>

namespace tcp_echo {
namespace {

std::vector<uv_stdio_container_t> stdio_of(const std::vector<int>& descriptors) {
  std::vector<uv_stdio_container_t> containers;
  containers.reserve(descriptors.size());
  for (const int fd : descriptors) {
    uv_stdio_container_t container{};
    container.flags = fd < 0 ? UV_IGNORE : UV_INHERIT_FD;
    container.data.fd = fd;
    containers.push_back(container);
  }
  return containers;
}

std::vector<char*> argv_of(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const auto& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));  // libuv takes it non-const, and copies
  argv.push_back(nullptr);
  return argv;
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::spawn(Loop& loop, Reaper& reaper,
                                                          const SpawnRequest& request,
                                                          std::function<void(const ExitStatus&)> on_exit) {
  auto stdio = stdio_of(request.descriptors);
  auto argv = argv_of(request.arguments);
  uv_process_options_t options{};
  options.file = request.file.c_str();
  options.args = argv.data();
  options.stdio = stdio.data();
  options.stdio_count = static_cast<int>(stdio.size());
  options.flags = UV_PROCESS_DETACHED;  // setsid(2): a terminal's Ctrl-C does not reach it
  if (request.user) options.flags |= UV_PROCESS_SETUID;
  if (request.group) options.flags |= UV_PROCESS_SETGID;
  options.uid = request.user.value_or(0);
  options.gid = request.group.value_or(0);
  // The handle lives only for the start. Once it is closed libuv does not wait for the child: it would keep
  // to itself whether a core was dumped.
  Handle<uv_process_t, std::nullptr_t> handle(nullptr);
  if (const int status = uv_spawn(loop.raw(), handle.raw(), &options); status != 0) {
    return tl::unexpected(uv_error("start " + request.file, status));
  }
  return adopt(reaper, handle.raw()->pid, std::move(on_exit));
}

std::unique_ptr<ChildProcess> ChildProcess::adopt(Reaper& reaper, pid_t pid,
                                                  std::function<void(const ExitStatus&)> on_exit) {
  return std::unique_ptr<ChildProcess>(new ChildProcess(reaper, pid, std::move(on_exit)));
}

ChildProcess::ChildProcess(Reaper& reaper, pid_t pid, std::function<void(const ExitStatus&)> on_exit)
    : reaper_(reaper), pid_(pid) {
  reaper.watch(pid, [this, on_exit = std::move(on_exit)](const ExitStatus& status) {
    is_reaped_ = true;  // from now on its pid may be a stranger's
    on_exit(status);
  });
}

ChildProcess::~ChildProcess() {
  if (!is_reaped_) reaper_.forget(pid_);
}

void ChildProcess::kill(int signal) const noexcept {
  if (!is_reaped_) ::kill(pid_, signal);
}

}  // namespace tcp_echo
