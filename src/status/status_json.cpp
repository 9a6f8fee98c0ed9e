#include "tcp_echo/status/status_json.hpp"

#include "json_parts.hpp"

namespace tcp_echo {
namespace {

void add_counters(Json& json, const Tally& tally) {
  json["connections"] = {{"active", tally.active()},
                         {"accepted", tally.accepted},
                         {"closed", tally.all_closed()},
                         {"handed_over_in", tally.handed_over_in},
                         {"handed_over_out", tally.handed_over_out},
                         {"closed_by_reason", by_name<CloseReason>(tally.closed)}};
  json["bytes"] = {{"received", tally.received_bytes}, {"sent", tally.sent_bytes}};
  json["accept_pauses"] = tally.accept_pauses;
  json["accept_errors"] = by_name<AcceptError>(tally.accept_errors);
}

Json json_of(const SlotStatus& slot) {
  Json json = {{"slot", slot.slot},
               {"pid", slot.pid},
               {"generation", slot.generation},
               {"state", name_of(slot.state)},
               {"served_by", slot.served_by},
               {"uptime_seconds", seconds(slot.uptime)},
               {"restarts", slot.all_restarts()},
               {"restarts_by_reason", by_name<RestartReason>(slot.restarts)},
               {"busy_ratio", slot.busy_ratio},
               {"loop_lag_seconds", seconds(slot.loop_lag)}};
  add_counters(json, slot.tally);
  return json;
}

Json workers_of(const ServiceStatus& status) {
  auto workers = Json::array();
  for (const auto& slot : status.slots) workers.push_back(json_of(slot));
  return workers;
}

Json totals_of(const ServiceStatus& status) {
  auto json = Json::object();
  add_counters(json, status.totals);
  json["worker_restarts"] = status.worker_restarts();
  json["reloads"] = status.reloads;
  json["failed_reloads"] = status.failed_reloads;
  json["connection_milliseconds"] = json_of(status.totals.lifetimes);
  json["connection_bytes"] = json_of(status.totals.sizes);
  return json;
}

}  // namespace

std::string status_json(const ServiceStatus& status) {
  const auto reason = status.why_not_ready();
  Json json = {
      {"version", status.version},
      {"pid", status.pid},
      {"uptime_seconds", seconds(status.uptime)},
      {"generation", status.generation},
      {"state", name_of(status.state)},
      {"ready", !reason.has_value()},
      {"not_ready_because", reason ? Json(*reason) : Json(nullptr)},
      {"listeners", array_of(status.listeners)},
      {"admin",
       {{"address", status.admin_address.empty() ? Json(nullptr) : Json(status.admin_address)},
        {"failures", status.admin_failures}}},
      {"workers", workers_of(status)},
      {"totals", totals_of(status)},
      {"kernel", {{"listen_overflows", status.listen_overflows}, {"listen_drops", status.listen_drops}}}};
  return one_line(json);
}

std::string events_json(const std::vector<ServiceEvent>& events) { return one_line(array_of(events)); }

}  // namespace tcp_echo
