#include "tcp_echo/status/status_json.hpp"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>

namespace tcp_echo {
namespace {

using Json = nlohmann::ordered_json;

double seconds(std::chrono::microseconds time) { return std::chrono::duration<double>(time).count(); }

/// {"client": 3, "idle": 0, ...}, for the enumerators from 0 on.
template <class Enum, std::size_t Size>
Json by_name(const std::array<std::uint64_t, Size>& values) {
  auto json = Json::object();
  for (std::size_t i = 0; i < Size; ++i) json[std::string(name_of(static_cast<Enum>(i)))] = values.at(i);
  return json;
}

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

Json json_of(const ListenerStatus& listener) {
  return {{"address", listener.address},
          {"port", listener.port},
          {"accept_queue", listener.waiting},
          {"accept_queue_limit", listener.room},
          {"accept_queue_fullest", listener.fullest}};
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

Json json_of(const ServiceEvent& event) {
  return {{"time", seconds(std::chrono::milliseconds(event.at))},
          {"event", name_of(event.kind)},
          {"text", event.text}};
}

template <class T>
Json array_of(const std::vector<T>& values) {
  auto array = Json::array();
  for (const auto& value : values) array.push_back(json_of(value));
  return array;
}

/// Bucket 0 is for 0, bucket i for values from 2^(i-1) to 2^i - 1; up to the last one that is not empty.
template <std::size_t Buckets>
Json json_of(const HistogramTally<Buckets>& histogram) {
  const auto& all = histogram.buckets;
  const auto last = std::find_if(all.rbegin(), all.rend(), [](auto count) { return count != 0; });
  return {{"log2_counts", std::vector<std::uint64_t>(all.begin(), last.base())}, {"sum", histogram.sum}};
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

/// What comes from shared memory may be anything, also no UTF-8.
std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

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
      {"workers", array_of(status.slots)},
      {"totals", totals_of(status)},
      {"kernel", {{"listen_overflows", status.listen_overflows}, {"listen_drops", status.listen_drops}}}};
  return text_of(json);
}

std::string events_json(const std::vector<ServiceEvent>& events) { return text_of(array_of(events)); }

}  // namespace tcp_echo
