// Stands in for systemd: where NOTIFY_SOCKET leads to, sd_notify(3).
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <stdexcept>
#include <string>

#include "system/daemon.hpp"

namespace tcp_echo::test {

/// Reads only when it is asked what it heard: what its queue has no room for until then is owed to it.
class Manager {
 public:
  Manager() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("bind " + path());
  }
  std::string path() const { return (folder_ / "notify").string(); }
  /// For the environment of a daemon.
  std::string variable() const { return "NOTIFY_SOCKET=" + path(); }
  const std::string& heard() {
    std::array<char, 4096> state{};
    for (;;) {
      const auto size = ::recv(socket_.get(), state.data(), state.size(), MSG_DONTWAIT);
      if (size <= 0) return heard_;
      heard_.append(state.data(), static_cast<std::size_t>(size)).append("\n\n");
    }
  }
  bool hears(const std::string& text) {
    return eventually([&] { return heard().find(text) != std::string::npos; });
  }

 private:
  Folder folder_;
  UniqueFd socket_;
  std::string heard_;
};

}  // namespace tcp_echo::test
