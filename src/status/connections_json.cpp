#include "tcp_echo/status/connections_json.hpp"

#include "json_parts.hpp"

namespace tcp_echo {
namespace {

double seconds_of(std::uint64_t milliseconds) {
  constexpr double kMillisecondsASecond = 1000;
  return static_cast<double>(milliseconds) / kMillisecondsASecond;
}

Json json_of(const ListedAddress& at) { return {{"address", at.address}, {"port", at.port}}; }

Json listener_of(const ListedConnection& connection, const std::map<ListenerId, Endpoint>& listeners) {
  const auto found = listeners.find(connection.listener);
  if (found == listeners.end()) return nullptr;
  return json_of(ListedAddress{found->second.host(), found->second.port()});
}

}  // namespace

std::string connections_json(unsigned worker, int pid, const std::vector<ListedConnection>& connections,
                             const std::map<ListenerId, Endpoint>& listeners) {
  auto all = Json::array();
  for (const auto& connection : connections) {
    all.push_back({{"peer", json_of(connection.peer)},
                   {"local", json_of(connection.local)},
                   {"listener", listener_of(connection, listeners)},
                   {"worker", worker},
                   {"pid", pid},
                   {"state", connection.is_lingering ? "lingering" : "echoing"},
                   {"age_seconds", seconds_of(connection.age)},
                   {"idle_seconds", seconds_of(connection.idle)},
                   {"bytes",
                    {{"received", connection.received},
                     {"sent", connection.sent},
                     {"unsent", connection.unsent},
                     {"unacknowledged", connection.unacknowledged}}}});
  }
  return one_line(all);
}

}  // namespace tcp_echo
