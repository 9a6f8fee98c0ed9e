#include "system/control_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

#include "system/daemon.hpp"

namespace tcp_echo::test {

ControlClient::ControlClient(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw std::runtime_error("too long: " + path);
  std::copy(path.begin(), path.end(), address.sun_path);
  const auto connects = [&] {
    fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  };
  if (!eventually(connects)) throw std::runtime_error("nobody listens on " + path);
}

bool ControlClient::send_text(std::string_view text) {
  while (!text.empty()) {
    const auto size = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (size < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

std::string ControlClient::receive_line() {
  for (;;) {
    const auto end = received_.find('\n');
    if (end != std::string::npos || has_ended_) {
      auto line = received_.substr(0, end);
      received_.erase(0, end == std::string::npos ? end : end + 1);
      return line;
    }
    pollfd readable{fd_.get(), POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(patience().count())) <= 0)
      throw std::runtime_error("no answer");
    std::array<char, 65536> bytes{};
    const auto size = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    has_ended_ = size <= 0;
    if (size > 0) received_.append(bytes.data(), static_cast<std::size_t>(size));
  }
}

nlohmann::json ControlClient::answer() {
  const auto line = receive_line();
  if (line.empty()) throw std::runtime_error("the master has gone before it answered");
  return nlohmann::json::parse(line);
}

}  // namespace tcp_echo::test
