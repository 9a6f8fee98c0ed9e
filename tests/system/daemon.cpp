#include "system/daemon.hpp"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

const char* wrapper() { return std::getenv("ECHO_TEST_WRAPPER"); }

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::vector<std::string> command_line(const Launch& launch) {
  std::vector<std::string> line = launch.prefix;
  if (line.empty() && wrapper() != nullptr) line = words(wrapper());
  line.push_back(launch.program.empty() ? Daemon::program() : launch.program);
  line.insert(line.end(), launch.arguments.begin(), launch.arguments.end());
  return line;
}

std::vector<std::string> environment_of(const Launch& launch, const std::string& token,
                                        const std::string& runtime_folder) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (!text.starts_with("TCP_ECHO_")) all.emplace_back(text);  // what a test means it says itself
  }
  // Under Valgrind, on a machine that is busy with other things, a worker may take longer than it usually
  // has.
  if (wrapper() != nullptr) all.emplace_back("TCP_ECHO_READY_TIMEOUT=1m");
  all.insert(all.end(), launch.environment.begin(), launch.environment.end());
  all.push_back("RUNTIME_DIRECTORY=" + runtime_folder);  // the first of one name counts
  all.push_back(token);
  return all;
}

constexpr std::string_view kListenPid = "LISTEN_PID=";

/// Adds the variables of sd_listen_fds(3). The pid is known only once the process is there.
char* room_for_listen_pid(const Launch& launch, std::vector<std::string>& environment) {
  if (launch.listen_fds.empty()) return nullptr;
  environment.push_back("LISTEN_FDS=" + std::to_string(launch.listen_fds.size()));
  constexpr std::size_t kLongestPid = 20;
  environment.push_back(std::string(kListenPid) + std::string(kLongestPid, '\0'));
  return &environment.back()[kListenPid.size()];
}

/// In the new process.
void pass_listen_fds(std::vector<int>& fds, char* listen_pid) {
  constexpr int kAbove = 200;
  for (int& fd : fds) fd = ::fcntl(fd, F_DUPFD_CLOEXEC, kAbove);
  for (std::size_t i = 0; i < fds.size(); ++i) ::dup2(fds[i], STDERR_FILENO + 1 + static_cast<int>(i));
  std::to_chars(listen_pid, listen_pid + 10, ::getpid());
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<pid_t> all_pids() {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos) pids.push_back(std::stoi(name));
  }
  return pids;
}

}  // namespace

std::chrono::milliseconds since(Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
}

void pause_for(std::chrono::milliseconds time) { ::poll(nullptr, 0, static_cast<int>(time.count())); }

std::string content(const std::filesystem::path& file) {
  const std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();  // ends where reading fails; an istreambuf_iterator would throw
  return text.str();
}

bool is_instrumented() { return wrapper() != nullptr || TCP_ECHO_INSTRUMENTED; }

std::string with_patience(const std::string& limit, const std::string& under_valgrind) {
  return wrapper() != nullptr ? under_valgrind : limit;
}

std::size_t rounds(std::size_t wanted) {
  return is_instrumented() ? std::max<std::size_t>(wanted / 20, 3) : wanted;
}

std::chrono::milliseconds patience() { return wrapper() != nullptr ? 90s : 60s; }

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + patience();
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

Launch Daemon::on_free_port(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--listen", "127.0.0.1:0"});
  return {std::move(arguments)};
}

std::string finding_in(const std::string& log) {
  constexpr std::array kFindings = {
      "exited with code 99",  // --error-exitcode of Valgrind, as tests/CMakeLists.txt starts it
      "ERROR: AddressSanitizer: ", "ERROR: LeakSanitizer: ", "WARNING: ThreadSanitizer: ", "runtime error: "};
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("AddressSanitizer: SEGV") != std::string::npos) continue;  // a test has sent that signal
    const auto is_in_line = [&line](const char* finding) { return line.find(finding) != std::string::npos; };
    if (std::any_of(kFindings.begin(), kFindings.end(), is_in_line)) return line;
  }
  return {};
}

std::string built_program(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

std::string Daemon::program() { return built_program("tcp-echo-master"); }

Daemon::Daemon(Launch launch) {
  static std::atomic<int> count{0};
  token_ = std::string(kTokenName) + "=" + std::to_string(::getpid()) + "." + std::to_string(++count);
  const auto line = command_line(launch);
  auto environment = environment_of(launch, token_, runtime_folder_.path());
  if (launch.user && ::chown(runtime_folder_.path().c_str(), *launch.user, 0) != 0)
    throw std::runtime_error("chown");
  auto* const listen_pid = room_for_listen_pid(launch, environment);
  auto argv = pointers(line);
  auto envp = pointers(environment);
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("pipe2");
  pid_ = ::fork();
  if (pid_ == 0) {  // only async-signal-safe calls from here: the test has threads
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    if (launch.open_files) {
      const rlimit limit{*launch.open_files, *launch.open_files};
      ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (!launch.folder.empty() && ::chdir(launch.folder.c_str()) != 0) ::_exit(126);
    if (launch.dropped_capability) ::prctl(PR_CAPBSET_DROP, *launch.dropped_capability, 0, 0, 0);
    if (!launch.listen_fds.empty()) pass_listen_fds(launch.listen_fds, listen_pid);
    if (launch.user &&
        (::setgroups(0, nullptr) != 0 || ::setgid(*launch.user) != 0 || ::setuid(*launch.user) != 0))
      ::_exit(126);
    for (const int fd : launch.closed_descriptors) ::close(fd);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(err[1]);
  output_pipe_.reset(out[0]);
  log_pipe_.reset(err[0]);
  // What a daemon logs faster than we read is lost, and a test wants every line.
  ::fcntl(log_pipe_.get(), F_SETPIPE_SZ, 1 << 20);
  static constexpr bool kNever = false;
  output_reader_ = std::thread([this] { read(output_pipe_.get(), output_, kNever); });
  log_reader_ = std::thread([this] { read(log_pipe_.get(), log_, log_pauses_); });
}

Daemon::~Daemon() {
  if (!status_) {
    ::kill(pid_, SIGKILL);
    for (const pid_t pid : survivors()) {
      if (pid != pid_) ::kill(pid, SIGKILL);
    }
    wait();
  }
  go_on_reading();
  if (output_reader_.joinable()) output_reader_.join();
  if (log_reader_.joinable()) log_reader_.join();
  EXPECT_EQ(finding_in(log_), "") << log_;
}

void Daemon::read(int fd, std::string& into, const bool& pauses) {
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto size = ::read(fd, buffer.data(), buffer.size());
    if (size <= 0) return;
    std::unique_lock lock(mutex_);
    into.append(buffer.data(), static_cast<std::size_t>(size));
    reads_again_.wait(lock, [&pauses] { return !pauses; });
  }
}

void Daemon::stop_reading() {
  const std::lock_guard lock(mutex_);
  log_pauses_ = true;  // once the read(2) that waits now has got something
  ::fcntl(log_pipe_.get(), F_SETPIPE_SZ, 4096);
}

void Daemon::go_on_reading() {
  const std::lock_guard lock(mutex_);
  log_pauses_ = false;
  reads_again_.notify_all();
}

std::string Daemon::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::string Daemon::output() const {
  const std::lock_guard lock(mutex_);
  return output_;
}

bool Daemon::logs(const std::string& text) const {
  return eventually([&] { return log().find(text) != std::string::npos; });
}

bool Daemon::is_serving() {
  const auto ended = [this] {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0;
  };
  const auto serving = [this] { return log().find("serving on ") != std::string::npos; };
  return eventually([&] { return serving() || ended(); }) && serving();
}

std::vector<std::uint16_t> Daemon::ports() {
  if (!is_serving()) throw std::runtime_error("the daemon does not serve: " + log());
  const auto text = log();
  const auto begin = text.find("serving on ");
  const auto addresses = text.substr(begin, text.find(" with ", begin) - begin);
  static const std::regex port(":([0-9]+)(,|$)");
  std::vector<std::uint16_t> found;
  for (std::sregex_iterator match(addresses.begin(), addresses.end(), port), end; match != end; ++match) {
    found.push_back(static_cast<std::uint16_t>(std::stoi((*match)[1])));
  }
  return found;
}

UniqueFd Daemon::scoreboard() const {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd")) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(entry.path(), error).string();
    if (target.starts_with("/memfd:tcp-echo-scoreboard"))
      return UniqueFd(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC));
  }
  return {};
}

std::vector<pid_t> Daemon::workers(std::size_t count) const {
  std::vector<pid_t> found(count);
  const bool are_there = eventually([&] {
    std::fill(found.begin(), found.end(), 0);
    for (const pid_t pid : survivors()) {
      const auto name = proc_status(pid, "Name");
      for (std::size_t slot = 0; slot < count; ++slot) {
        if (name == "tcp-echo[wrk" + std::to_string(slot + 1) + "]") found[slot] = pid;
      }
    }
    return std::find(found.begin(), found.end(), 0) == found.end();
  });
  if (!are_there)
    throw std::runtime_error(std::to_string(count) + " workers are not to be found; log:\n" + log());
  return found;
}

std::vector<pid_t> Daemon::running_workers() const {
  auto pids = survivors();
  std::erase_if(pids, [](pid_t pid) { return !proc_status(pid, "Name").starts_with("tcp-echo[wrk"); });
  return pids;
}

pid_t Daemon::worker_after(pid_t former) const {
  pid_t successor = former;
  eventually([&] { return (successor = workers(1).front()) != former; });
  return successor;
}

void Daemon::signal(int number) const { ::kill(pid_, number); }

Outcome Daemon::wait() {
  if (!status_) {
    int status = 0;
    const bool ended = eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
    if (!ended) {
      ADD_FAILURE() << "the daemon does not end; log:\n" << log();
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &status, 0);
    }
    status_ = status;
  }
  go_on_reading();
  // Its workers hold the pipe as well; they end after it, or are survivors that a test complains about.
  if (survivors().empty()) {
    if (output_reader_.joinable()) output_reader_.join();
    if (log_reader_.joinable()) log_reader_.join();
  }
  const std::lock_guard lock(mutex_);
  return {WIFEXITED(*status_) ? WEXITSTATUS(*status_) : -WTERMSIG(*status_), output_, log_};
}

Outcome Daemon::stop() {
  signal(SIGTERM);
  return wait();
}

std::vector<pid_t> Daemon::survivors() const {
  std::vector<pid_t> found;
  for (const pid_t pid : all_pids()) {
    if (pid == ::getpid()) continue;
    const auto folder = std::filesystem::path("/proc") / std::to_string(pid);
    const auto environment = content(folder / "environ");
    const auto position = environment.find(token_ + '\0');
    if (position != std::string::npos && proc_status(pid, "State").front() != 'Z') found.push_back(pid);
  }
  return found;
}

bool sees_processes_of_others() {
  const auto effective = std::stoull(proc_status(::getpid(), "CapEff"), nullptr, 16);
  return ::geteuid() == 0 && (effective >> CAP_SYS_PTRACE & 1U) != 0;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

std::uint16_t port_in(const std::string& log) {
  const std::string line = "serving on 127.0.0.1:";
  const auto at = log.find(line);
  const auto is_whole = at != std::string::npos && log.find('\n', at) != std::string::npos;
  return is_whole ? static_cast<std::uint16_t>(std::stoi(log.substr(at + line.size()))) : std::uint16_t{0};
}

std::size_t lost_with_workers(const std::string& log) {
  static const std::regex open(", with ([0-9]+) connections? open");
  std::size_t sum = 0;
  for (std::sregex_iterator match(log.begin(), log.end(), open), end; match != end; ++match)
    sum += std::stoul((*match)[1]);
  return sum;
}

Outcome run(Launch launch) {
  Daemon daemon(std::move(launch));
  auto outcome = daemon.wait();
  EXPECT_TRUE(eventually([&] { return daemon.survivors().empty(); })) << "something of it is still running";
  return outcome;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> found;
  for (const pid_t pid : all_pids()) {
    if (proc_status(pid, "PPid") == std::to_string(parent)) found.push_back(pid);
  }
  return found;
}

std::size_t open_descriptors(pid_t pid) {
  const std::filesystem::directory_iterator folder("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(folder), end(folder)));
}

std::string proc_status(pid_t pid, const std::string& field) {
  std::istringstream stream(content("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(field + ":\t")) continue;
    const auto value = line.find_first_not_of(" \t", field.size() + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return " ";
}

bool is_alive(pid_t pid) { return ::kill(pid, 0) == 0; }

std::chrono::nanoseconds cpu_time(pid_t pid) {
  return std::chrono::nanoseconds(std::stoll(content("/proc/" + std::to_string(pid) + "/schedstat")));
}

}  // namespace tcp_echo::test
