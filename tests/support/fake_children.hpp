// Children without processes: a test sees what they were told, and says what they do.
#pragma once

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tcp_echo/process/lifeline.hpp"

namespace tcp_echo::test {

/// What would be the other side of a lifeline. It stays when that is gone.
class FakeProcess {
 public:
  FakeProcess(pid_t pid, unsigned number, std::size_t listeners)
      : pid_(pid), number_(number), listeners_(listeners) {}

  // What it does.
  void say(const ToMaster& message) { ear_->on_message(message); }
  void become_ready() { say(ReadyMessage{}); }
  void exit_with(int code) { end({.code = code}); }
  void die_from(int signal) { end({.signal = signal}); }
  void speak_nonsense() { ear_->on_nonsense("nonsense"); }
  void speak_another_version() {
    understands_ = false;
    ear_->on_foreign("protocol version 99");
  }
  /// Its channel takes nothing for as long.
  void be_deaf(bool deaf) { is_deaf_ = deaf; }
  /// Too many descriptors of the user are on their way: its channel takes none for as long.
  void be_out_of_reach_for_descriptors(bool out) { is_out_of_reach_for_descriptors_ = out; }

  // What it saw.
  struct Told {
    ToWorker message;
    std::vector<int> descriptors;
  };
  const std::vector<Told>& told() const { return told_; }
  pid_t pid() const { return pid_; }
  unsigned number() const { return number_; }
  std::size_t listeners() const { return listeners_; }
  const std::vector<int>& signals() const { return signals_; }
  bool was_sent(int signal) const {
    return std::find(signals_.begin(), signals_.end(), signal) != signals_.end();
  }
  bool runs() const { return ear_ != nullptr; }
  bool was_hung_up_on() const { return was_hung_up_on_; }

  /// How many messages of that kind it was told.
  template <class T>
  std::size_t count() const {
    std::size_t count = 0;
    for (const auto& told : told_) count += std::holds_alternative<T>(told.message) ? 1U : 0U;
    return count;
  }
  template <class T>
  bool was_told() const {
    return count<T>() > 0;
  }
  /// The last message of that kind.
  template <class T>
  T last() const {
    const auto found = std::find_if(told_.rbegin(), told_.rend(),
                                    [](const Told& told) { return std::holds_alternative<T>(told.message); });
    return found == told_.rend() ? T{} : std::get<T>(found->message);
  }
  /// How many descriptors came with the last message of any kind.
  std::size_t last_descriptors() const { return told_.empty() ? 0 : told_.back().descriptors.size(); }

 private:
  friend class FakeLauncher;
  friend class FakeLifeline;

  void end(const ExitStatus& status) {
    auto* const ear = std::exchange(ear_, nullptr);
    ear->on_exit(status);
  }

  pid_t pid_;
  unsigned number_;
  std::size_t listeners_;
  std::vector<Told> told_;
  std::vector<int> signals_;
  bool understands_ = true;
  bool is_deaf_ = false;
  bool is_out_of_reach_for_descriptors_ = false;
  bool was_hung_up_on_ = false;
  Lifeline::Ear* ear_ = nullptr;  ///< null: the process has ended, or its Lifeline is gone
};

class FakeLifeline final : public Lifeline {
 public:
  explicit FakeLifeline(FakeProcess& process) : process_(process) {}
  ~FakeLifeline() override { process_.ear_ = nullptr; }

  pid_t pid() const noexcept override { return process_.pid_; }
  void kill(int signal) noexcept override { process_.signals_.push_back(signal); }
  Result<void> send(const ToWorker& message, std::span<const int> descriptors) override {
    if (!process_.understands_) return failure(ExitCode::kSoftware, "it speaks another protocol version");
    if (process_.is_deaf_ || !process_.runs()) return failure(ExitCode::kOsError, "it does not listen");
    if (!descriptors.empty() && process_.is_out_of_reach_for_descriptors_)
      return failure(ExitCode::kOsError, "too many references");
    process_.told_.push_back({message, {descriptors.begin(), descriptors.end()}});
    return {};
  }
  bool is_reachable() const noexcept override { return process_.understands_; }
  void hang_up_if_foreign() noexcept override { process_.was_hung_up_on_ = !process_.understands_; }
  int control() const noexcept override { return -1; }
  unsigned protocol() const noexcept override { return process_.understands_ ? 1 : 99; }

 private:
  FakeProcess& process_;
};

class FakeLauncher final : public Launcher {
 public:
  Result<std::unique_ptr<Lifeline>> start(const ChildRole& /*role*/, unsigned number,
                                          const std::vector<int>& listeners, Lifeline::Ear& ear) override {
    if (failure_) return tl::unexpected(*failure_);
    return lifeline_of(++last_pid_, number, listeners.size(), ear);
  }
  std::unique_ptr<Lifeline> adopt(const ChildRecord& record, Lifeline::Ear& ear) override {
    auto lifeline = lifeline_of(record.pid, 0, 0, ear);
    processes_.back()->understands_ = record.protocol == 1;
    return lifeline;
  }

  /// No process can be started until nothing is given.
  void fail_with(std::optional<std::string> text) {
    failure_ = text ? std::optional(Error{ExitCode::kOsError, *text}) : std::nullopt;
  }

  /// Those that are started from now on take nothing in their channels.
  void start_deaf_ones(bool deaf) { starts_deaf_ones_ = deaf; }

  std::size_t count() const { return processes_.size(); }
  /// In the order in which they were started or adopted.
  FakeProcess& operator[](std::size_t index) { return *processes_.at(index); }
  FakeProcess& last() { return *processes_.back(); }

 private:
  std::unique_ptr<Lifeline> lifeline_of(pid_t pid, unsigned number, std::size_t listeners,
                                        Lifeline::Ear& ear) {
    processes_.push_back(std::make_unique<FakeProcess>(pid, number, listeners));
    processes_.back()->ear_ = &ear;
    processes_.back()->be_deaf(starts_deaf_ones_);
    return std::make_unique<FakeLifeline>(*processes_.back());
  }

  std::vector<std::unique_ptr<FakeProcess>> processes_;
  std::optional<Error> failure_;
  pid_t last_pid_ = 100;
  bool starts_deaf_ones_ = false;
};

}  // namespace tcp_echo::test
