// The admin process's page: answers HTTP for operators, their probes and their monitoring.
//
// What a client can send is parsed here and in no other process: it runs as --user, has no right to write
// into shared memory, and nothing depends on it. It dies with its master.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/exit_code.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/ipc/directed_channel.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/loop/signal.hpp"
#include "tcp_echo/loop/timer.hpp"

namespace tcp_echo {

class HttpServer;
class Silence;
struct HttpRequest;
struct HttpResponse;

/// What an admin process is born with; everything else comes in the master's first message.
struct AdminBirth {
  UniqueFd control;
  std::vector<UniqueFd> listeners;  ///< the master keeps its own descriptors on the same sockets
};

class Admin {
 public:
  /// Throws FatalError if the control channel cannot be used.
  explicit Admin(AdminBirth birth);
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;
  ~Admin();

  /// Serves until the master, a signal or the end of the control channel says otherwise.
  ExitCode run();

 private:
  void on_message(const ToWorker& received, const std::vector<UniqueFd>& descriptors);
  void configure(const ConfigureMessage& message, const std::vector<UniqueFd>& descriptors);
  void serve();
  void on_nonsense(const DecodeError& error);
  HttpResponse answer(const HttpRequest& request) const;
  void beat();
  void say(const ToMaster& message);
  void finish_soon();
  void finish(std::chrono::milliseconds time);
  void fail(ExitCode code, const std::string& why) noexcept;

  Loop loop_;
  AdminBirth birth_;
  ExitCode exit_code_ = ExitCode::kOk;
  std::optional<const Scoreboard> scoreboard_;
  std::unique_ptr<HttpServer> http_;  ///< once it is configured
  std::unique_ptr<Silence> silence_;  ///< of the master
  Timer beat_;
  Timer deadline_;
  Signal terminate_;
  Signal quit_;
  WorkersChannel control_;
};

}  // namespace tcp_echo
