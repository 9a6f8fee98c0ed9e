// What the status looks like in JSON wherever it is shown: these parts are the same for scripts and for the
// page.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tcp_echo/status/service_status.hpp"

namespace tcp_echo {

using Json = nlohmann::ordered_json;

inline double seconds(std::chrono::microseconds time) { return std::chrono::duration<double>(time).count(); }

/// {"client": 3, "idle": 0, ...}, for the enumerators from 0 on.
template <class Enum, std::size_t Size>
Json by_name(const std::array<std::uint64_t, Size>& values) {
  auto json = Json::object();
  for (std::size_t i = 0; i < Size; ++i) json[std::string(name_of(static_cast<Enum>(i)))] = values.at(i);
  return json;
}

inline Json json_of(const ListenerStatus& listener) {
  return {{"address", listener.address},
          {"port", listener.port},
          {"accept_queue", listener.waiting},
          {"accept_queue_limit", listener.room},
          {"accept_queue_fullest", listener.fullest}};
}

/// Bucket 0 is for 0, bucket i for values from 2^(i-1) to 2^i - 1; up to the last one that is not empty.
template <std::size_t Buckets>
Json json_of(const HistogramTally<Buckets>& histogram) {
  const auto& all = histogram.buckets;
  const auto last = std::find_if(all.rbegin(), all.rend(), [](auto count) { return count != 0; });
  return {{"log2_counts", std::vector<std::uint64_t>(all.begin(), last.base())}, {"sum", histogram.sum}};
}

inline Json json_of(const ServiceEvent& event) {
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

/// What comes from shared memory may be anything, also no UTF-8.
inline std::string one_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tcp_echo
