#include "take_over.hpp"

#include <spdlog/spdlog.h>

#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "tcp_echo/base/overloaded.hpp"
#include "tcp_echo/worker/fault.hpp"

namespace tcp_echo {
namespace {

/// Nothing if the message makes no sense, or there is no memory for what is unsent.
std::optional<ConnectionState> state_from(const ConnectionMessage& message) {
  if (message.close_reason >= kCloseReasonCount || message.unsent.size() > kReadBufferSize)
    return std::nullopt;
  ConnectionState state;
  if (message.is_lingering) state.phase = ConnectionState::Phase::kLingering;
  state.reason = static_cast<CloseReason>(message.close_reason);
  state.listener = message.listener;
  state.opened_at = std::chrono::milliseconds(message.opened_at);
  state.last_activity = std::chrono::milliseconds(message.last_activity);
  state.received_bytes = message.received_bytes;
  state.sent_bytes = message.sent_bytes;
  if (message.unsent.empty()) return state;
  state.unsent.bytes.reset(new (std::nothrow) std::byte[message.unsent.size()]);
  if (state.unsent.bytes == nullptr) return std::nullopt;
  std::memcpy(state.unsent.bytes.get(), message.unsent.data(), message.unsent.size());
  state.unsent.end = static_cast<std::uint32_t>(message.unsent.size());
  return state;
}

}  // namespace

TakeOver::TakeOver(Loop& loop, UniqueFd channel, ConnectionTable& table, Behaviour& behaviour,
                   Handlers handlers)
    : table_(table),
      arrivals_(table),
      behaviour_(behaviour),
      handlers_(std::move(handlers)),
      channel_(loop, std::move(channel),
               {.on_message =
                    [this](const BetweenWorkers& message, std::vector<UniqueFd> descriptors) {
                      on_message(message, std::move(descriptors));
                    },
                .on_closed =
                    [this] {
                      const auto tell = handlers_.on_over;
                      tell();
                    },
                .on_nonsense = [this](const DecodeError& error) { refuse(error.text); }}) {}

void TakeOver::on_message(const BetweenWorkers& message, std::vector<UniqueFd> descriptors) {
  std::visit(Overloaded{[&](const HandOverMessage& batch) { take(batch, std::move(descriptors)); },
                        [&](const TakenOverMessage&) { refuse("as if it were the successor"); }},
             message);
}

void TakeOver::refuse(const std::string& what) const {
  spdlog::warn("the predecessor speaks {}; taking nothing from it", what);
  const auto tell = handlers_.on_over;
  tell();
}

/// Without descriptors the batch has lost them: this process is at its limit of open files, and takes none.
void TakeOver::take(const HandOverMessage& batch, std::vector<UniqueFd> descriptors) {
  suffer_when("taking");
  TakenOverMessage answer;
  std::vector<Connection*> taken;
  for (std::size_t i = 0; i < descriptors.size() && i < batch.connections.size(); ++i) {
    auto state = state_from(batch.connections[i]);
    if (!state) continue;
    auto* const connection =
        table_.adopt(std::move(descriptors[i]), behaviour_, std::move(*state), arrivals_);
    if (connection == nullptr) continue;
    taken.push_back(connection);
    answer.which |= 1U << i;
  }
  auto told = channel_.send(answer);
  // A predecessor ends the channel with connections in doubt only as it dies, or has no use for them: then
  // no other worker has them.
  if (!told && !channel_.is_peer_gone()) return give_back(taken, told.error());
  suffer_when("taken");
  handlers_.on_taken();
}

/// The predecessor lives, and does not know that the connections are here; it sees the channel end, and keeps
/// them.
void TakeOver::give_back(const std::vector<Connection*>& taken, const Error& error) const {
  spdlog::warn("the predecessor cannot be told what was taken over: {}", error.text);
  for (auto* connection : taken) {
    connection->suspend();
    connection->release();
  }
  const auto tell = handlers_.on_over;
  tell();
}

}  // namespace tcp_echo
