#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <spdlog/fmt/fmt.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo::bench {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kMoment{5};

volatile std::sig_atomic_t noted_signal = 0;

void pin_to(const std::vector<int>& cpus) {
  if (cpus.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(static_cast<std::size_t>(cpu), &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

[[noreturn]] void become(const std::vector<char*>& arguments, const std::vector<int>& cpus, int output,
                         pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // died before it could be watched
  // Ctrl-C is for us; we end our children ourselves.
  ::setpgid(0, 0);
  pin_to(cpus);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execvp(arguments.front(), arguments.data());
  ::_exit(127);
}

std::optional<double> number_after(const std::string& text, const std::string& name) {
  const auto at = text.find("\n" + name);
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at + 1 + name.size(), nullptr);
}

}  // namespace

void note_signals() {
  struct sigaction action {};
  action.sa_handler = [](int signal) { noted_signal = signal; };
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

void throw_if_interrupted() {
  if (noted_signal != 0) throw Interrupted{noted_signal};
}

void pause_for(milliseconds time) {
  throw_if_interrupted();
  ::poll(nullptr, 0, static_cast<int>(time.count()));
  throw_if_interrupted();
}

Process::Process(const Command& command, const std::vector<int>& cpus) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw FatalError(system_error("pipe2", errno));
  pipe_.reset(ends[0]);
  const UniqueFd written(ends[1]);
  ::fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const auto parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw FatalError(system_error("fork", errno));
  if (pid_ == 0) become(arguments, cpus, written.get(), parent);
}

bool Process::reap(int options) {
  if (status_) return true;
  int status = 0;
  if (::waitpid(pid_, &status, options) != pid_) return false;
  status_ = status;
  return true;
}

bool Process::listen(milliseconds moment) {
  throw_if_interrupted();
  const bool ended = reap(WNOHANG);
  pollfd readable{pipe_.get(), POLLIN, 0};
  if (::poll(&readable, 1, ended ? 0 : static_cast<int>(moment.count())) > 0) {
    std::array<char, 4096> buffer{};
    ssize_t size = 0;
    while ((size = ::read(pipe_.get(), buffer.data(), buffer.size())) > 0)
      output_.append(buffer.data(), static_cast<std::size_t>(size));
    if (size == 0 && !ended)
      ::poll(nullptr, 0, static_cast<int>(moment.count()));  // closed: nothing to wait on
  }
  return !ended;
}

std::optional<std::string> Process::first_line(milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    const bool running = listen(kMoment);
    if (const auto end = output_.find('\n'); end != std::string::npos) return output_.substr(0, end);
    if (!running || Clock::now() > deadline) return std::nullopt;
  }
}

std::optional<int> Process::wait(milliseconds timeout, const std::function<void()>& meanwhile) {
  const auto deadline = Clock::now() + timeout;
  while (listen(kMoment)) {
    meanwhile();
    if (Clock::now() > deadline) {
      was_late_ = true;
      stop(SIGKILL);
    }
  }
  if (!WIFEXITED(*status_)) return std::nullopt;
  return WEXITSTATUS(*status_);
}

std::string Process::ending() const {
  if (was_late_) return "did not end in time and was killed";
  if (!status_) return "has not ended";
  return WIFEXITED(*status_) ? fmt::format("exited with code {}", WEXITSTATUS(*status_))
                             : fmt::format("died from signal {}", WTERMSIG(*status_));
}

void Process::stop(int signal, milliseconds grace) {
  if (reap(WNOHANG)) return;
  ::kill(pid_, signal);
  const auto deadline = Clock::now() + grace;
  while (!reap(WNOHANG) && Clock::now() < deadline) ::poll(nullptr, 0, static_cast<int>(kMoment.count()));
  if (status_) return;
  ::kill(pid_, SIGKILL);
  while (!reap(0)) {  // a signal may interrupt it
  }
}

std::optional<std::string> output_of(const Process::Command& command) {
  Process process(command, {});
  if (process.wait(std::chrono::seconds(10)) != 0) return std::nullopt;
  return process.output();
}

bool is_installed(const std::string& program) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0;
  const char* path = std::getenv("PATH");
  const auto folders = split(path == nullptr ? "/usr/bin:/bin" : path, ':');
  return std::any_of(folders.begin(), folders.end(), [&](const auto& folder) {
    return ::access((std::filesystem::path(folder) / program).c_str(), X_OK) == 0;
  });
}

std::string read_file(const std::string& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  std::istringstream words(
      read_file("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children"));
  for (pid_t child = 0; words >> child;) children.push_back(child);  // NOLINT(*-inefficient-vector-operation)
  return children;
}

std::optional<double> cpu_seconds(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return std::nullopt;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::optional<double> private_memory(pid_t pid) {
  const auto folder = "/proc/" + std::to_string(pid);
  const auto rollup = read_file(folder + "/smaps_rollup");
  const auto clean = number_after(rollup, "Private_Clean:");
  const auto dirty = number_after(rollup, "Private_Dirty:");
  if (clean && dirty) return 1024 * (*clean + *dirty);
  const auto anonymous = number_after(read_file(folder + "/status"), "RssAnon:");
  if (!anonymous) return std::nullopt;
  return 1024 * *anonymous;
}

}  // namespace tcp_echo::bench
