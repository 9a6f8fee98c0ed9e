#include "tcp_echo/process/child.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {

using namespace std::chrono_literals;

Child::Child(Timekeeper& clock, const ChildPost& post, Holder& holder)
    : clock_(clock), post_(post), holder_(&holder), heartbeat_(post.watchdog) {}

Result<std::unique_ptr<Child>> Child::start(Timekeeper& clock, Launcher& launcher, const ChildPost& post,
                                            const std::vector<int>& listeners, Holder& holder) {
  std::unique_ptr<Child> child(new Child(clock, post, holder));
  auto lifeline = launcher.start(post.role, post.number, listeners, *child);
  if (!lifeline) return tl::unexpected(lifeline.error());
  child->lifeline_ = std::move(*lifeline);
  child->started_at_ = clock.now();
  return child;
}

std::unique_ptr<Child> Child::adopt(Timekeeper& clock, Launcher& launcher, ChildPost post,
                                    const ChildRecord& record, Holder& holder) {
  post.generation = record.generation.value_or(post.generation);
  post.watchdog = record.watchdog.value_or(post.watchdog);
  std::unique_ptr<Child> child(new Child(clock, post, holder));
  child->started_at_ = record.started_at;
  child->ready_at_ = record.ready_at;
  child->lifeline_ = launcher.adopt(record, *child);
  return child;
}

ChildRecord Child::record() const {
  return {pid(),       post_.block, lifeline_->control(), lifeline_->protocol(),
          started_at_, ready_at_,   post_.generation,     heartbeat_.watchdog()};
}

/// The child would say LEAVING itself if it could: it wants a successor that understands the master.
void Child::on_foreign(const std::string& text) {
  spdlog::warn("{} speaks {}; letting it finish alone", name(), text);
  holder_->on_message(*this, LeavingMessage{});
}

Result<void> Child::try_tell(const ToWorker& message, std::span<const int> descriptors) {
  return lifeline_->send(message, descriptors);
}

void Child::tell(const ToWorker& message, std::span<const int> descriptors) {
  if (auto told = try_tell(message, descriptors); !told) spdlog::warn("{}: {}", name(), told.error().text);
}

void Child::tell_to_end(const ToWorker& message) {
  lifeline_->hang_up_if_foreign();
  if (is_reachable()) tell(message);
}

void Child::change_log(int descriptor, const LogMessage& how) {
  if (is_reachable()) tell(how, std::span(&descriptor, 1));
}

std::string Child::abort(std::chrono::milliseconds patience) {
  auto text = fmt::format("{} has not turned for {} (--watchdog); SIGABRT now, SIGKILL in {}", name(),
                          format_duration(heartbeat_.watchdog()), format_duration(patience));
  spdlog::error("{}", text);
  doom_ = Doom::kHung;
  kill(SIGABRT);
  kill(SIGCONT);  // a stopped process dies only once it runs again
  return text;
}

void Child::kill_late(std::chrono::milliseconds patience) {
  doom_ = Doom::kLate;
  kill_for(fmt::format("is not ready after {} (--ready-timeout)", format_duration(patience)));
}

void Child::kill_overdue() {
  spdlog::error("{} was to end and has not; killing it", name());
  kill(SIGKILL);
}

void Child::kill_for(const std::string& misdeed) {
  spdlog::error("{} {}; killing it", name(), misdeed);
  kill(SIGKILL);
}

std::chrono::milliseconds Child::served_for() const {
  return was_ready() ? std::max<std::chrono::milliseconds>(clock_.now() - ready_at_, 1ms) : 0ms;
}

bool Child::is_hung(std::chrono::milliseconds since_last_look) {
  return heartbeat_.is_hung(post_.heartbeats.get(), since_last_look);
}

std::string Child::name() const {
  if (post_.role.is_single) return fmt::format("{} process (pid {})", post_.role.word, pid());
  return fmt::format("{} {} (pid {})", post_.role.word, post_.number, pid());
}

std::string Child::obituary(const ExitStatus& status) const {
  return fmt::format("{} {} after {:.1f} s{}", name(), status.text(),
                     std::chrono::duration<double>(clock_.now() - started_at_).count(),
                     was_ready() ? "" : " before it was ready");
}

}  // namespace tcp_echo
