#include "tcp_echo/status/statistics.hpp"

#include <spdlog/fmt/fmt.h>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {

std::string statistics_of(const SlotStatus& slot) {
  const auto& tally = slot.tally;
  return fmt::format(
      "worker {} is {}: {} open, {} accepted, {} closed, {} handed over to it, {} by it, {} received, {} "
      "sent, {}",
      slot.slot, name_of(slot.state), counted(tally.active(), "connection"), tally.accepted,
      tally.all_closed(), tally.handed_over_in, tally.handed_over_out, format_bytes(tally.received_bytes),
      format_bytes(tally.sent_bytes), counted(slot.all_restarts(), "restart"));
}

std::string statistics_of(const ServiceStatus& status) {
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(status.uptime);
  return fmt::format("up for {} s, generation {}, {}, {} failed", up.count(), status.generation,
                     counted(status.reloads, "reload"), status.failed_reloads);
}

}  // namespace tcp_echo
