#include "tcp_echo/master/service_report.hpp"

#include <spdlog/fmt/fmt.h>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

/// The manager is told that they begin, and when the service is ready again.
bool is_a_reload(const Job& job) { return job.kind == Job::Kind::kReload || job.kind == Job::Kind::kUpgrade; }

}  // namespace

ServiceReport::ServiceReport(Loop& loop, const Fleet& fleet, const Jobs& jobs)
    : fleet_(fleet), jobs_(jobs), notifier_(loop), alive_(loop, [this] { keep_alive(); }) {}

std::string ServiceReport::status() const {
  return fmt::format("serving on {}; {} of {} ready", listed(fleet_.generation()->listeners.endpoints()),
                     fleet_.ready_count(), counted(jobs_.workers(), "worker"));
}

void ServiceReport::ready() { notifier_.ready(told_ = status()); }

void ServiceReport::update() {
  if (!fleet_.is_up() || fleet_.is_ending() || jobs_.is_busy() || status() == told_) return;
  notifier_.status(told_ = status());
}

void ServiceReport::on_begin(const Job& job) {
  if (is_a_reload(job)) notifier_.reloading();
}

void ServiceReport::on_end(const Job& job, const Result<void>& /*done*/) {
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
