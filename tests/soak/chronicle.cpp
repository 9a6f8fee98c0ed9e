#include "soak/chronicle.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostNotes = 30;

// A core may have to be written, and a client that reads slowly hears late.
constexpr auto kLateNews = 5s;

// From writing a configuration to the end of the last reload that may have read it.
constexpr auto kLongestReload = 15s;

// Who tells of a drain, or of its end, is late, and so are the workers.
constexpr auto kLateDrain = 1s;

}  // namespace

void Chronicle::note(const std::string& text) {
  const std::lock_guard lock(mutex_);
  std::ostringstream line;
  line << std::fixed << std::setprecision(3) << std::chrono::duration<double>(Clock::now() - start_).count()
       << " s: " << text;
  notes_.push_back(line.str());
  if (notes_.size() > kMostNotes) notes_.pop_front();
}

std::string Chronicle::last_notes() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& line : notes_) text += line + "\n";
  return text;
}

void Chronicle::add_victim(pid_t pid, std::set<PortPair> connections,
                           std::optional<std::chrono::milliseconds> stopped_for) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  while (!victims_.empty() && victims_.front().until < now) victims_.pop_front();
  harmed_.insert(pid);
  const auto until = now + stopped_for.value_or(0ms) + kLateNews;
  victims_.push_back({pid, !stopped_for.has_value(), std::move(connections), now, until});
}

void Chronicle::note_death(pid_t pid) {
  const std::lock_guard lock(mutex_);
  for (auto& victim : victims_) victim.has_died = victim.has_died || victim.pid == pid;
}

bool Chronicle::was_harmed(pid_t pid) const {
  const std::lock_guard lock(mutex_);
  return harmed_.contains(pid);
}

void Chronicle::note_request(pid_t pid) {
  const std::lock_guard lock(mutex_);
  asked_.insert(pid);
}

bool Chronicle::was_asked_to_leave(pid_t pid) const {
  const std::lock_guard lock(mutex_);
  return asked_.contains(pid);
}

bool Chronicle::explains_loss(const PortPair& connection, Moment connected_at) const {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  return std::any_of(victims_.begin(), victims_.end(), [&](const Victim& victim) {
    return victim.has_died && victim.at >= connected_at && now <= victim.until &&
           victim.connections.contains(connection);
  });
}

void Chronicle::add_drain(std::chrono::milliseconds deadline, std::chrono::milliseconds longest) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  drains_.push_back({now - kLateDrain, now + deadline, now + longest});
}

void Chronicle::end_drains() {
  const std::lock_guard lock(mutex_);
  for (auto& drain : drains_) drain.end = std::min(drain.end, Clock::now() + kLateDrain);
}

bool Chronicle::drains(Moment at) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(drains_.begin(), drains_.end(),
                     [at](const Drain& drain) { return at >= drain.begin && at <= drain.end; });
}

bool Chronicle::is_past_deadline(Moment at) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(drains_.begin(), drains_.end(),
                     [at](const Drain& drain) { return at >= drain.deadline && at <= drain.end; });
}

Chronicle::Address& Chronicle::address(const std::string& text) {
  const auto found = std::find_if(addresses_.begin(), addresses_.end(),
                                  [&text](const Address& each) { return each.text == text; });
  return found != addresses_.end() ? *found : addresses_.emplace_back(Address{.text = text});
}

void Chronicle::configured(const std::vector<std::string>& addresses) {
  const std::lock_guard lock(mutex_);
  for (auto& each : addresses_) each.is_configured = false;
  for (const auto& text : addresses) address(text).is_configured = true;
  for (auto& each : addresses_) {
    if (each.is_configured) continue;
    each.served_since = kNever;
    each.left_out = Clock::now();
  }
}

void Chronicle::serves(const std::vector<std::string>& addresses) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (is_down_) return;
  for (auto& each : addresses_) {
    const bool is_served = std::find(addresses.begin(), addresses.end(), each.text) != addresses.end();
    if (is_served && each.is_configured && now - each.left_out > kLongestReload)
      each.served_since = std::min(each.served_since, now);
  }
}

void Chronicle::goes_down() {
  const std::lock_guard lock(mutex_);
  is_down_ = true;
  for (auto& each : addresses_) each.served_since = kNever;
}

bool Chronicle::is_surely_served(const std::string& address, Moment since) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(addresses_.begin(), addresses_.end(),
                     [&](const Address& each) { return each.text == address && each.served_since <= since; });
}

std::vector<std::string> Chronicle::addresses() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> texts;
  for (const auto& each : addresses_) {
    if (each.is_configured) texts.push_back(each.text);
  }
  return texts;
}

void Chronicle::thaw(Moment frozen_since) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  for (auto& drain : drains_) drain.end += drain.end >= frozen_since ? now - frozen_since : 0ms;
  for (auto& victim : victims_) victim.until += victim.until >= frozen_since ? now - frozen_since : 0ms;
  thawed_at_ = now;
  --frozen_;
}

bool Chronicle::is_frozen() const { return frozen_ > 0 || Clock::now() - thawed_at_.load() < 500ms; }

void Chronicle::set_faults(bool active) { faults_until_ = active ? kNever : Clock::now() + kLateNews; }

bool Chronicle::has_faults() const { return Clock::now() <= faults_until_.load(); }

}  // namespace tcp_echo::test
