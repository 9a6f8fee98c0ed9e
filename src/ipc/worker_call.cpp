#include "tcp_echo/ipc/worker_call.hpp"

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"

namespace tcp_echo {

std::vector<std::string> to_argv(const WorkerCall& call) {
  return {"tcp-echo-master", kWorkerWord, std::to_string(call.slot), std::to_string(call.listeners)};
}

std::optional<WorkerCall> parse_worker_call(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3 || arguments[0] != kWorkerWord) return std::nullopt;
  const auto slot = parse_number(arguments[1]);
  const auto listeners = parse_number(arguments[2]);
  if (!slot || *slot < 1 || *slot > kMostSlots) return std::nullopt;
  if (!listeners || *listeners > kMostListenersOfAWorker) return std::nullopt;
  return WorkerCall{static_cast<unsigned>(*slot), static_cast<std::size_t>(*listeners)};
}

}  // namespace tcp_echo
