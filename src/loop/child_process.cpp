#include "tcp_echo/loop/child_process.hpp"

#include <spdlog/fmt/fmt.h>

#include "tcp_echo/loop/signal.hpp"

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

std::string ExitStatus::text() const {
  return signal != 0 ? "died from " + signal_name(signal) : fmt::format("exited with code {}", code);
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::spawn(Loop& loop, const SpawnRequest& request,
                                                          std::function<void(const ExitStatus&)> on_exit) {
  std::unique_ptr<ChildProcess> child(new ChildProcess(std::move(on_exit)));
  auto stdio = stdio_of(request.descriptors);
  auto argv = argv_of(request.arguments);
  uv_process_options_t options{};
  options.file = request.file.c_str();
  options.args = argv.data();
  options.stdio = stdio.data();
  options.stdio_count = static_cast<int>(stdio.size());
  options.flags = UV_PROCESS_DETACHED;  // setsid(2): a terminal's Ctrl-C does not reach it
  options.exit_cb = [](uv_process_t* raw, std::int64_t code, int signal) noexcept {
    ProcessHandle::callback_of(raw)(ExitStatus{code, signal});
  };
  if (const int status = uv_spawn(loop.raw(), child->handle_.raw(), &options); status != 0) {
    return tl::unexpected(uv_error("start " + request.file, status));
  }
  return child;
}

void ChildProcess::kill(int signal) noexcept {
  // Once the child has been reaped its pid may be a stranger's.
  if (uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.raw())) != 0)
    uv_process_kill(handle_.raw(), signal);
}

}  // namespace tcp_echo
