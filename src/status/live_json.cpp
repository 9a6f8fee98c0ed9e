#include "tcp_echo/status/live_json.hpp"

#include <utility>

#include "json_parts.hpp"

namespace tcp_echo {
namespace {

using std::chrono::milliseconds;

Json worker_rows(const std::vector<SlotStatus>& slots) {
  auto rows = Json::array();
  for (const auto& slot : slots) {
    rows.push_back({slot.slot, slot.pid, slot.generation, name_of(slot.state), slot.served_by,
                    seconds(slot.uptime), slot.tally.active(), slot.tally.sent_bytes, slot.busy_ratio,
                    slot.all_restarts(), slot.failures()});
  }
  return {{"columns",
           {"slot", "pid", "generation", "state", "served_by", "age", "connections", "sent", "busy",
            "restarts", "failures"}},
          {"rows", std::move(rows)}};
}

Json sample_rows(const LiveView& view) {
  constexpr double kPermille = 1000;
  auto rows = Json::array();
  for (const auto& sample : view.samples) {
    rows.push_back({seconds(milliseconds(sample.at)), sample.received_bytes, sample.sent_bytes,
                    sample.accepted, sample.active, sample.busiest_permille / kPermille,
                    sample.busiest_slot});
  }
  return {{"taken", view.samples_taken},
          {"columns", {"at", "received", "sent", "accepted", "connections", "busiest", "busiest_slot"}},
          {"rows", std::move(rows)}};
}

Json event_objects(const std::vector<ServiceEvent>& events) {
  auto all = Json::array();
  for (const auto& event : events) {
    all.push_back(json_of(event));
    all.back()["needs_a_person"] = needs_a_person(event.kind);
  }
  return all;
}

Json text_or_null(const std::optional<std::string>& text) { return text ? Json(*text) : Json(nullptr); }

}  // namespace

std::string live_json(const LiveView& view) {
  const auto& status = view.status;
  return one_line({{"page", view.page},
                   {"clock", seconds(view.clock)},
                   {"time", seconds(view.wall)},
                   {"version", status.version},
                   {"pid", status.pid},
                   {"started", seconds(status.started_on)},
                   {"uptime", seconds(status.uptime)},
                   {"generation", status.generation},
                   {"state", name_of(status.state)},
                   {"unhealthy_because", text_or_null(view.complaint)},
                   {"not_ready_because", text_or_null(status.why_not_ready())},
                   {"listeners", array_of(status.listeners)},
                   {"workers", worker_rows(status.slots)},
                   {"samples", sample_rows(view)},
                   {"events", event_objects(view.events)},
                   {"closed", by_name<CloseReason>(status.totals.closed)},
                   {"accept_pauses", status.totals.accept_pauses},
                   {"listen_drops", status.listen_drops},
                   {"lifetimes", json_of(status.totals.lifetimes)},
                   {"sizes", json_of(status.totals.sizes)}});
}

}  // namespace tcp_echo
