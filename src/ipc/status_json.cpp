// The status as text: one place for its names, which scripts rely on.
#include <nlohmann/json.hpp>

#include "tcp_echo/ipc/service_status.hpp"

namespace tcp_echo {
namespace {

using Json = nlohmann::ordered_json;

double seconds(std::chrono::microseconds time) { return std::chrono::duration<double>(time).count(); }

template <class Names, class Values>
Json by_name(const Names& names, const Values& values) {
  auto json = Json::object();
  for (std::size_t i = 0; i < values.size(); ++i) json[std::string(name_of(names[i]))] = values[i];
  return json;
}

constexpr std::array kCloseReasons = {CloseReason::kClient, CloseReason::kIdle,  CloseReason::kDrain,
                                      CloseReason::kReset,  CloseReason::kLimit, CloseReason::kCrash};
static_assert(kCloseReasons.size() == kCloseReasonCount);
constexpr std::array kAcceptErrors = {AcceptError::kAborted, AcceptError::kConnectionLimit,
                                      AcceptError::kDescriptors, AcceptError::kMemory, AcceptError::kOther};
static_assert(kAcceptErrors.size() == kAcceptErrorCount);

void add_counters(Json& json, const Tally& tally) {
  json["connections"] = {{"active", tally.active()},
                         {"accepted", tally.accepted},
                         {"closed", tally.closed},
                         {"handed_over_in", tally.handed_over_in},
                         {"handed_over_out", tally.handed_over_out},
                         {"closed_by_reason", by_name(kCloseReasons, tally.closed_by_reason)}};
  json["bytes"] = {{"received", tally.received_bytes}, {"sent", tally.sent_bytes}};
  json["accept_pauses"] = tally.accept_pauses;
  json["accept_errors"] = by_name(kAcceptErrors, tally.accept_errors);
}

Json json_of(const ListenerStatus& listener) {
  return {{"address", listener.address},
          {"port", listener.port},
          {"accept_queue", listener.accept_queue},
          {"accept_queue_limit", listener.accept_queue_limit}};
}

Json json_of(const SlotStatus& slot) {
  Json json = {{"slot", slot.slot},
               {"pid", slot.pid},
               {"generation", slot.generation},
               {"state", name_of(slot.state)},
               {"served_by", slot.served_by},
               {"uptime_seconds", seconds(slot.uptime)},
               {"restarts", slot.all_restarts()},
               {"restarts_by_reason", by_name(kRestartReasons, slot.restarts)},
               {"busy_ratio", slot.busy_ratio},
               {"loop_lag_seconds", seconds(slot.loop_lag)}};
  add_counters(json, slot.tally);
  return json;
}

Json json_of(const ServiceEvent& event) {
  return {{"time", static_cast<double>(event.at) / 1000}, {"event", event.kind}, {"text", event.text}};
}

Json json_of(const Sample& sample) {
  return {{"uptime_seconds", static_cast<double>(sample.at) / 1000},
          {"accepted", sample.accepted},
          {"closed", sample.closed},
          {"active", sample.active},
          {"received", sample.received_bytes},
          {"sent", sample.sent_bytes}};
}

template <class T>
Json array_of(const std::vector<T>& values) {
  auto array = Json::array();
  for (const auto& value : values) array.push_back(json_of(value));
  return array;
}

Json histogram(const auto& buckets, std::uint64_t sum) {
  // Up to the last that is not empty: bucket 0 is for 0, bucket i for values below 2^i.
  std::size_t used = buckets.size();
  while (used > 0 && buckets[used - 1] == 0) --used;
  return {{"log2_counts", std::vector<std::uint64_t>(buckets.begin(), buckets.begin() + static_cast<std::ptrdiff_t>(used))},
          {"sum", sum}};
}

Json json_of(const ServiceStatus& status) {
  const auto reason = why_not_ready(status);
  Json json = {{"version", status.version},
               {"pid", status.pid},
               {"uptime_seconds", seconds(status.uptime)},
               {"generation", status.generation},
               {"state", name_of(status.state)},
               {"ready", !reason.has_value()},
               {"listeners", array_of(status.listeners)},
               {"workers", array_of(status.slots)}};
  if (reason) json["not_ready_because"] = *reason;
  auto& totals = json["totals"];
  totals = Json::object();
  add_counters(totals, status.totals);
  totals["worker_restarts"] = status.worker_restarts();
  totals["reloads"] = status.reloads;
  totals["failed_reloads"] = status.failed_reloads;
  totals["admin_restarts"] = status.admin_restarts;
  totals["connection_milliseconds"] = histogram(status.totals.lifetimes, status.totals.lifetime_sum);
  totals["connection_bytes"] = histogram(status.totals.connection_bytes, status.totals.connection_bytes_sum);
  json["kernel"] = {{"listen_overflows", status.listen_overflows}, {"listen_drops", status.listen_drops}};
  return json;
}

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string status_json(const ServiceStatus& status) { return text_of(json_of(status)); }

std::string live_json(const ServiceStatus& status) {
  auto json = json_of(status);
  json["events"] = array_of(status.events);
  json["samples"] = array_of(status.samples);
  return text_of(json);
}

}  // namespace tcp_echo
