// A client of a daemon's control socket.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo::test {

class ControlClient {
 public:
  /// Waits for somebody to listen there.
  explicit ControlClient(const std::string& path);

  /// The answer to that request; throws if none comes.
  nlohmann::json ask(const nlohmann::json& request) {
    send(request);
    return answer();
  }
  void send(const nlohmann::json& request) { send_text(request.dump() + "\n"); }
  nlohmann::json answer();

  /// As it is. False if the other end has gone.
  bool send_text(std::string_view text);
  /// The next line, or what came before the end.
  std::string receive_line();
  bool has_ended() const noexcept { return has_ended_; }
  void leave() { fd_.reset(); }

 private:
  UniqueFd fd_;
  std::string received_;
  bool has_ended_ = false;
};

}  // namespace tcp_echo::test
