// Starts the real tcp-echo-master, listens to its log, and makes sure that nothing of it survives the test.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/folder.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo::test {

using Clock = std::chrono::steady_clock;

std::chrono::milliseconds since(Clock::time_point begin);
void pause_for(std::chrono::milliseconds time);

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
  std::string program = {};                  ///< in place of the one that was built
  std::string folder = {};                   ///< where it is started
  std::optional<uid_t> user = {};            ///< runs as that one, if the test is root
  std::vector<int> listen_fds = {};          ///< passed as a service manager passes sockets, sd_listen_fds(3)
};

/// What a run of the program that ended by itself left behind.
struct Outcome {
  int exit_code = -1;  ///< or minus the signal that ended it
  std::string output;  ///< stdout
  std::string log;     ///< stderr
};

/// The first line of a daemon's log by which Valgrind or a sanitizer says that something is wrong in one of
/// its processes, empty if there is none. Of a worker the master's exit code says nothing.
std::string finding_in(const std::string& log);

/// The path of a program of the same build as this one: they stand in one folder.
std::string built_program(const std::string& name);

class Daemon {
 public:
  /// The variable that marks the processes of a daemon; whatever runs it has to pass it on.
  static constexpr const char* kTokenName = "ECHO_TEST_TOKEN";

  explicit Daemon(Launch launch);
  /// Listens on a free port of 127.0.0.1, with these further arguments.
  static Launch on_free_port(std::vector<std::string> arguments = {});
  /// Kills what is still running. The test fails if a checker has found something in one of the processes.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  pid_t pid() const { return pid_; }
  /// On the memory in which its processes count; none if there is no such memory.
  UniqueFd scoreboard() const;

  /// Of its own, in a folder of its own, unless the Launch names another one.
  std::string control_socket() const { return runtime_folder_ / "tcp-echo.sock"; }

  /// The program, for a Launch that runs another one first.
  static std::string program();

  /// Waits for the line that says so. False if the program ended or took too long.
  bool is_serving();
  /// The ports of its listen addresses, in order.
  std::vector<std::uint16_t> ports();
  std::uint16_t port() { return ports().front(); }

  /// The pids of the workers, in the order of their slots. Waits until there are `count` with their titles
  /// set, and throws if that takes too long: to signal a pid of 0 would be to signal ourselves.
  std::vector<pid_t> workers(std::size_t count) const;
  /// Those that run at this moment, in no order.
  std::vector<pid_t> running_workers() const;
  /// The one that fills slot 1 once that process has gone.
  pid_t worker_after(pid_t former) const;

  std::string log() const;
  std::string output() const;
  /// From now on nobody reads the log, which is a pipe of the smallest size there is.
  void stop_reading();
  void go_on_reading();
  bool logs(const std::string& text) const;

  void signal(int number) const;
  /// Waits for its end.
  Outcome wait();
  Outcome stop();

  /// Processes that descend from this program, whoever their parent is now.
  std::vector<pid_t> survivors() const;

 private:
  void read(int fd, std::string& into, const bool& pauses);

  Folder runtime_folder_;
  std::string token_;
  pid_t pid_ = -1;
  std::optional<int> status_;
  UniqueFd output_pipe_;
  UniqueFd log_pipe_;
  mutable std::mutex mutex_;
  std::condition_variable reads_again_;
  bool log_pauses_ = false;
  std::string log_;
  std::string output_;
  std::thread log_reader_;
  std::thread output_reader_;
};

std::size_t count_of(const std::string& text, const std::string& part);

/// The port in the line of a log by which a daemon says that it serves on 127.0.0.1; 0 before it is there.
std::uint16_t port_in(const std::string& log);

/// Connections that a daemon's log says were open in workers as they died.
std::size_t lost_with_workers(const std::string& log);

/// Built with a sanitizer or for coverage, or run under Valgrind: memory, signals and time are not the
/// program's own.
bool is_instrumented();

/// The first; under Valgrind, where everything takes many times as long, the second.
std::string with_patience(const std::string& limit, const std::string& under_valgrind);

/// Whether a process may be found that runs as somebody else: root needs CAP_SYS_PTRACE for it, and has none
/// in most containers.
bool sees_processes_of_others();

/// How often a test that gains from repetition repeats: less where everything is slow.
std::size_t rounds(std::size_t wanted);

/// What can be read of a file: nothing of one in /proc whose process ends meanwhile.
std::string content(const std::filesystem::path& file);

/// Runs the program to its end.
Outcome run(Launch launch);

/// A field of /proc/PID/status, such as "VmRSS"; empty if the process is gone.
std::string proc_status(pid_t pid, const std::string& field);

/// The processes whose parent that is, zombies as well.
std::vector<pid_t> children_of(pid_t parent);

std::size_t open_descriptors(pid_t pid);

bool is_alive(pid_t pid);

/// Of a process with one thread: how long it has run on a processor.
std::chrono::nanoseconds cpu_time(pid_t pid);

}  // namespace tcp_echo::test
