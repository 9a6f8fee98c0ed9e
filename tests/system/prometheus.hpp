// A real Prometheus that scrapes a daemon, with the alert rules of docker/monitoring.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "system/daemon.hpp"

namespace tcp_echo::test {

class PrometheusServer {
 public:
  /// With promtool.
  static bool is_installed();

  /// Scrapes that port of 127.0.0.1 twice a second, as job "tcp-echo".
  explicit PrometheusServer(std::uint16_t target);

  /// Waits until it has got an answer that often from now on.
  bool scrapes(std::size_t times) const;

  /// One element for each series that a query in PromQL finds, as the HTTP API gives it: {"metric": labels,
  /// "value": [time, text]}. Throws if it is not a valid one.
  nlohmann::json query(const std::string& expression,
                       std::optional<std::chrono::system_clock::time_point> at = {}) const;
  /// Of the only series that a query finds.
  double value(const std::string& expression,
               std::optional<std::chrono::system_clock::time_point> at = {}) const;

 private:
  std::string address();

  Folder folder_;
  Daemon server_;
  std::string url_;
};

}  // namespace tcp_echo::test
