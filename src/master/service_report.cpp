#include "tcp_echo/master/service_report.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/base/version.hpp"
#include "tcp_echo/listeners/accept_queues.hpp"
#include "tcp_echo/net/accept_queue.hpp"
#include "tcp_echo/status/statistics.hpp"

namespace tcp_echo {
namespace {

using std::chrono::milliseconds;

/// The manager is told that they begin, and when the service is ready again.
bool is_a_reload(const Job& job) { return job.kind == Job::Kind::kReload || job.kind == Job::Kind::kUpgrade; }

}  // namespace

ServiceReport::ServiceReport(Loop& loop, const Fleet& fleet, const Jobs& jobs, Scoreboard& scoreboard)
    : loop_(loop),
      fleet_(fleet),
      jobs_(jobs),
      scoreboard_(scoreboard),
      events_(scoreboard),
      notifier_(loop),
      alive_(loop, [this] { keep_alive(); }) {
  scoreboard_.master().pid.store(::getpid());
  scoreboard_.master().program_version.set(version());
}

std::string ServiceReport::status() const {
  return fmt::format("serving on {}; {} of {} ready", listed(fleet_.generation()->listeners.endpoints()),
                     fleet_.ready_count(), counted(jobs_.workers(), "worker"));
}

void ServiceReport::starting() {
  const auto wall_clock = std::chrono::system_clock::now().time_since_epoch();
  scoreboard_.master().started_at.store(loop_.now().count());
  scoreboard_.master().started_on.store(std::chrono::duration_cast<milliseconds>(wall_clock).count());
  show(ServiceState::kStarting);
  on_changed();
}

void ServiceReport::ready() {
  notifier_.ready(told_ = status());
  show(ServiceState::kServing);
}

void ServiceReport::stopping(const std::string& status) {
  notifier_.stopping(status);
  show(ServiceState::kStopping);
  events_.note(EventKind::kStopping, status);
}

void ServiceReport::on_changed() {
  auto& master = scoreboard_.master();
  const auto& generation = *fleet_.generation();
  const auto& addresses = generation.listeners.addresses();
  const auto count = std::min(addresses.size(), master.addresses.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto& bound = addresses[i].bound;
    master.addresses.at(i).address.set(bound.host());
    master.addresses.at(i).port.store(bound.port());
  }
  master.address_count.store(static_cast<std::uint32_t>(count));
  master.generation.store(generation.number);
  look_at_queues();
}

void ServiceReport::look_at_queues() {
  auto& master = scoreboard_.master();
  const auto generation = fleet_.generation();
  const auto& addresses = generation->listeners.addresses();
  for (std::size_t i = 0; i < std::min(addresses.size(), master.addresses.size()); ++i) {
    const auto queues = accept_queues_of(addresses[i]);
    auto& entry = master.addresses.at(i);
    entry.waiting.store(queues.waiting);
    entry.room.store(queues.room);
    entry.fullest.store(queues.fullest_permille);
  }
  const auto dropped = read_listen_counters();
  master.listen_overflows.set(dropped.overflows);
  master.listen_drops.set(dropped.drops);
}

void ServiceReport::log_statistics() {
  look_at_queues();
  const auto status = read_status(scoreboard_, loop_.now());
  for (const auto& slot : status.slots) spdlog::info("{}", statistics_of(slot));
  spdlog::info("{}", statistics_of(status));
}

void ServiceReport::log_what_was_served() {
  for (unsigned slot = 0; slot < fleet_.slots_with_a_past(); ++slot) {
    const auto& served = scoreboard_.master().slots.at(slot).past;
    spdlog::info("worker {} served {}: {} received, {} sent", slot + 1,
                 counted(served.accepted.get(), "connection"), format_bytes(served.received_bytes.get()),
                 format_bytes(served.sent_bytes.get()));
  }
}

void ServiceReport::update() {
  if (!fleet_.is_up() || fleet_.is_ending() || jobs_.is_busy() || status() == told_) return;
  notifier_.status(told_ = status());
}

/// A program that has just taken over proves itself by a reload: the upgrade is not over before that.
void ServiceReport::on_begin(const Job& job) {
  if (!is_a_reload(job)) return;
  notifier_.reloading();
  const bool is_upgrade = job.kind == Job::Kind::kUpgrade || jobs_.is_proving();
  show(is_upgrade ? ServiceState::kUpgrading : ServiceState::kReloading);
}

void ServiceReport::on_end(const Job& job, const Outcome& /*outcome*/) {
  if (is_a_reload(job)) return ready();
  update();
}

void ServiceReport::keep_alive() {
  const auto interval = notifier_.alive_interval();
  if (!interval) return;
  notifier_.alive();
  alive_.start(*interval);
}

}  // namespace tcp_echo
