// Addresses for eyes. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tcp_echo/base/endpoint.hpp"

namespace tcp_echo {

/// {"address":"::1","port":7} as "[::1]:7". Throws what nlohmann::json throws.
inline std::string endpoint_text(const nlohmann::ordered_json& endpoint) {
  return endpoint_text(endpoint.at("address").get<std::string>(), endpoint.at("port").get<unsigned>());
}

}  // namespace tcp_echo
