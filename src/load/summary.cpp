#include "tcp_echo/load/summary.hpp"

namespace tcp_echo {

StreamFaults& StreamFaults::operator+=(const StreamFaults& other) noexcept {
  wrong += other.wrong;
  missing += other.missing;
  extra += other.extra;
  return *this;
}

bool LoadCounts::any_failure() const noexcept {
  return refused + reset + closed_early + unreachable + stuck > 0 || faults.any();
}

LoadCounts& LoadCounts::operator+=(const LoadCounts& other) noexcept {
  connected += other.connected;
  refused += other.refused;
  reset += other.reset;
  closed_early += other.closed_early;
  unreachable += other.unreachable;
  stuck += other.stuck;
  without_fin += other.without_fin;
  echoes += other.echoes;
  late += other.late;
  skipped += other.skipped;
  lost += other.lost;
  sent_bytes += other.sent_bytes;
  received_bytes += other.received_bytes;
  faults += other.faults;
  return *this;
}

}  // namespace tcp_echo
