// Starts the real tcp-echo-master, listens to its log, and makes sure that nothing of it survives the test.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo::test {

/// How long a condition may take to come true; longer where Valgrind or a sanitizer slows everything down.
std::chrono::milliseconds patience();

/// Whether `condition` comes true in time. Asks it again and again.
bool eventually(const std::function<bool()>& condition);

struct Launch {
  std::vector<std::string> arguments = {};
  std::vector<std::string> environment = {};   ///< "NAME=value", besides what the test itself has
  std::optional<rlim_t> open_files = {};       ///< hard and soft limit
  std::optional<int> dropped_capability = {};  ///< taken away from the bounding set, if the test has it
  std::vector<std::string> prefix = {};  ///< a command with its full path that runs the program, strace say
  std::vector<int> closed_descriptors = {};  ///< it starts without these
};

/// What a run of the program that ended by itself left behind.
struct Outcome {
  int exit_code = -1;  ///< or minus the signal that ended it
  std::string output;  ///< stdout
  std::string log;     ///< stderr
};

class Daemon {
 public:
  explicit Daemon(Launch launch);
  /// Listens on a free port of 127.0.0.1, with these further arguments.
  static Launch on_free_port(std::vector<std::string> arguments = {});
  /// Kills what is still running.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  pid_t pid() const { return pid_; }

  /// Waits for the line that says so. False if the program ended or took too long.
  bool is_serving();
  /// The ports of its listen addresses, in order.
  std::vector<std::uint16_t> ports();
  std::uint16_t port() { return ports().front(); }

  /// The pids of the workers, in the order of their slots. Waits until there are `count` with their titles
  /// set.
  std::vector<pid_t> workers(std::size_t count) const;

  std::string log() const;
  bool logs(const std::string& text) const;

  void signal(int number) const;
  /// Waits for its end.
  Outcome wait();
  Outcome stop();

  /// Processes that descend from this program, whoever their parent is now.
  std::vector<pid_t> survivors() const;

 private:
  void read(UniqueFd fd, std::string& into);

  std::string token_;
  pid_t pid_ = -1;
  std::optional<int> status_;
  mutable std::mutex mutex_;
  std::string log_;
  std::string output_;
  std::thread log_reader_;
  std::thread output_reader_;
};

/// Runs the program to its end.
Outcome run(Launch launch);

/// A field of /proc/PID/status, such as "VmRSS"; empty if the process is gone.
std::string proc_status(pid_t pid, const std::string& field);

/// User and system time that the process has used.
std::chrono::milliseconds cpu_time(pid_t pid);

}  // namespace tcp_echo::test
