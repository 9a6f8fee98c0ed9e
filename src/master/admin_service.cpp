#include "tcp_echo/master/admin_service.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/reader.hpp"
#include "tcp_echo/ipc/role_call.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

/// Between two starts, whatever --respawn-delay-max says: health checks wait for the next admin process, and
/// a start costs little.
constexpr std::chrono::milliseconds kLongestDelay = 500ms;

/// How often the master brings the figures of its own up to date, at most.
constexpr auto kLookAtMostEvery = 500ms;

/// At the end of the service.
constexpr auto kTimeToEnd = 200ms;

Backoff backoff_of(const Config& config) {
  return {std::min(config.respawn_delay_min, kLongestDelay),
          std::min(config.respawn_delay_max, kLongestDelay)};
}

}  // namespace

AdminService::AdminService(Timekeeper& clock, Launcher& launcher, Scoreboard& scoreboard, Handlers handlers)
    : clock_(clock),
      scoreboard_(scoreboard),
      events_(scoreboard),
      handlers_(std::move(handlers)),
      history_(clock, scoreboard),
      keeper_(clock, launcher, events_, kAdminRole, *this) {}

void AdminService::serve(std::shared_ptr<const Generation> generation) {
  const auto former = std::exchange(generation_, std::move(generation));
  if (former && former->number == generation_->number) return;
  if (former) {
    for (const auto& address : former->admin.without(generation_->admin))
      ListenerSet::refuse_handshakes(address);
  }
  const auto endpoints = generation_->admin.endpoints();
  const bool is_news = !former || former->admin.endpoints() != endpoints;
  if (is_news && !endpoints.empty()) spdlog::info("HTTP for operators on {}", listed(endpoints));
  scoreboard_.master().admin_address.set(endpoints.empty() ? "" : endpoints.front().text());
  keeper_.keep(plan());
  if (endpoints.empty()) return history_.stop();
  history_.begin();
}

KeeperPlan AdminService::plan() const {
  const auto& config = generation_->config;
  KeeperPlan plan{.generation = generation_->number,
                  .ready_timeout = config.ready_timeout,
                  .watchdog = config.watchdog,
                  .backoff = backoff_of(config)};
  for (const auto& address : generation_->admin.addresses())
    plan.listeners.insert(plan.listeners.end(), address.by_slot.begin(), address.by_slot.end());
  return plan;
}

void AdminService::introduce(Child& child) {
  auto scoreboard = scoreboard_.open_for_reading();
  if (!scoreboard) return child.kill_for("cannot be told of the scoreboard: " + scoreboard.error().text);
  auto config = generation_->config;
  config.log_level = log_level_.value_or(config.log_level);
  const std::array descriptors = {scoreboard->get()};
  child.tell(ConfigureMessage{.configuration = effective_toml(config)}, descriptors);
}

/// However fast it beats, the master does not look more often. One that cannot be told is about to end.
void AdminService::on_beat(Child& child) {
  if (clock_.now() >= next_look_) {
    next_look_ = clock_.now() + kLookAtMostEvery;
    handlers_.on_watched();
  }
  static_cast<void>(child.try_tell(HeardMessage{}));
}

void AdminService::on_failure() { scoreboard_.master().admin_failures.add(1); }

void AdminService::end() {
  if (generation_) generation_->admin.refuse_handshakes();
  keeper_.end(kTimeToEnd);
  history_.stop();
}

void AdminService::change_log(int descriptor, LogLevel level) {
  log_level_ = level;
  keeper_.change_log(descriptor, {static_cast<std::uint8_t>(level)});
}

void AdminService::restore(const KeeperRecord& record, std::shared_ptr<const Generation> generation) {
  generation_ = std::move(generation);
  keeper_.restore(record, plan());
  if (!generation_->admin.addresses().empty()) history_.go_on();
}

}  // namespace tcp_echo
