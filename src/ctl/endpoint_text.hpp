// Addresses for eyes. Pure.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>
#include <string>

namespace tcp_echo {

/// {"address":"::1","port":7} as "[::1]:7". Throws what nlohmann::json throws.
inline std::string endpoint_text(const nlohmann::ordered_json& endpoint) {
  const auto address = endpoint.at("address").get<std::string>();
  const auto port = endpoint.at("port").get<unsigned>();
  const bool is_v6 = address.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

}  // namespace tcp_echo
