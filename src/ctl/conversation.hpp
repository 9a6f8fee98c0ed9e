// A connection to a master's control socket, on which one question follows the other. It blocks.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/control/reply.hpp"
#include "tcp_echo/control/request.hpp"

namespace tcp_echo {

class Conversation {
 public:
  /// Fails with kNoPermission, or with kUnavailable if no master answers there.
  static Result<Conversation> begin(const std::string& path);

  /// The answer, which may say no. A job, and who waits for events, has all the time it takes; other answers
  /// come within seconds, or kUnavailable does. So it does if the master goes away.
  Result<ControlReply> ask(const ControlRequest& request);

  /// Waits until the master's process has ended, which it has said that it will. Fails with kFailed if that
  /// takes too long.
  Result<void> await_end_of_master();

 private:
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;

  Conversation(std::string path, UniqueFd socket) : path_(std::move(path)), socket_(std::move(socket)) {}
  Result<ControlReply> ask_once(const ControlRequest& request, const Deadline& deadline);
  Result<void> begin_again();
  Result<std::string> receive_line(const Deadline& deadline);

  std::string path_;
  UniqueFd socket_;
  std::string received_;
  bool has_ended_ = false;
};

}  // namespace tcp_echo
