#include "hand_over.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "tcp_echo/base/overloaded.hpp"
#include "tcp_echo/worker/fault.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

// Sending fails when too many descriptors of this user are on their way (ETOOMANYREFS, unix(7)); other
// processes receive theirs soon.
constexpr auto kRetryDelay = 10ms;

// Until a connection may have fewer bytes unsent than before.
constexpr auto kRetryOfLarge = 100ms;

/// One message carries no more unsent bytes than a single connection can have, and than the channel can: its
/// buffer is small where net.core.wmem_max is.
std::size_t most_unsent_bytes(const HandOverChannel& channel) {
  HandOverMessage without_bytes;
  without_bytes.connections.resize(kMostHandedOver);
  const auto overhead = encode(without_bytes, kMostHandedOver).size();
  const auto largest = channel.largest_frame();
  return std::min(kReadBufferSize, largest - std::min(largest, overhead));
}

ConnectionMessage message_about(const Connection& connection) {
  const auto& state = connection.state();
  const auto unsent = state.unsent.rest();
  return {.is_lingering = state.phase == ConnectionState::Phase::kLingering,
          .close_reason = static_cast<std::uint8_t>(state.reason),
          .opened_at = static_cast<std::uint64_t>(state.opened_at.count()),
          .last_activity = static_cast<std::uint64_t>(connection.last_activity().count()),
          .received_bytes = state.received_bytes,
          .sent_bytes = state.sent_bytes,
          .unsent = {reinterpret_cast<const char*>(unsent.data()), unsent.size()},
          .listener = state.listener};
}

}  // namespace

HandOver::HandOver(Loop& loop, UniqueFd channel, ConnectionTable& table, std::function<void()> on_broken)
    : table_(table),
      on_broken_(std::move(on_broken)),
      retry_(loop, [this] { send_batch(); }),
      channel_(loop, std::move(channel),
               {.on_message = [this](const BetweenWorkers& message,
                                     const std::vector<UniqueFd>&) { on_message(message); },
                .on_closed = [this] { give_up(); },
                .on_nonsense = [this](const DecodeError& error) { on_nonsense(error); }}),
      most_unsent_bytes_(most_unsent_bytes(channel_)) {
  send_batch();
}

/// What the successor has answered already counts.
HandOver::~HandOver() {
  is_over_ = true;
  while (!in_doubt_.empty() && channel_.receive_one()) {
  }
  for (auto* connection : in_doubt_) connection->close_in_doubt(CloseReason::kDrain);
}

void HandOver::go_on() {
  if (in_doubt_.empty() && !retry_.is_running()) send_batch();
}

void HandOver::send_batch() {
  HandOverMessage batch;
  std::vector<int> descriptors;
  std::vector<Connection*> too_large;
  std::size_t unsent_bytes = 0;
  while (batch.connections.size() < kMostHandedOver && unsent_bytes < most_unsent_bytes_) {
    auto* const connection = table_.suspend_newest();
    if (connection == nullptr) break;
    const auto more = connection->state().unsent.rest().size();
    if (more > most_unsent_bytes_) {
      too_large.push_back(connection);
      continue;
    }
    if (unsent_bytes + more > most_unsent_bytes_) {
      connection->resume();  // the first of the next batch
      break;
    }
    unsent_bytes += more;
    in_doubt_.push_back(connection);
    batch.connections.push_back(message_about(*connection));
    descriptors.push_back(connection->fd());
  }
  std::reverse(too_large.begin(), too_large.end());  // each finds its place at the young end
  for (auto* connection : too_large) connection->resume();
  if (in_doubt_.empty() && !too_large.empty()) retry_.start(kRetryOfLarge);
  if (in_doubt_.empty()) return;
  if (auto sent = channel_.send(batch, descriptors); !sent) {
    spdlog::debug("{}", sent.error().text);  // if the successor is gone, the channel's end says so
    keep_all();
    retry_.start(kRetryDelay);
  }
  suffer_when("giving");
}

void HandOver::on_message(const BetweenWorkers& message) {
  const auto refuse = [this](const char* what) { on_nonsense({DecodeError::Kind::kNonsense, what}); };
  std::visit(Overloaded{[&](const TakenOverMessage& answer) {
                          if (in_doubt_.empty()) return refuse("an answer that was not asked for");
                          on_taken_over(answer.which);
                        },
                        [&](const HandOverMessage&) { refuse("as if it were the predecessor"); }},
             message);
}

void HandOver::on_taken_over(std::uint32_t which) {
  const bool took_some = which != 0;
  for (auto* connection : std::exchange(in_doubt_, {})) {
    const bool is_taken = (which & 1U) != 0;
    which >>= 1U;
    if (is_taken) {
      connection->release();
    } else {
      connection->resume();
    }
  }
  if (is_over_) return;
  if (took_some) return send_batch();
  give_up();
}

/// A successor of another protocol version has touched nothing. What another kind of nonsense was to mean is
/// not known: the successor may have all that is in doubt, and two processes must never write one stream.
void HandOver::on_nonsense(const DecodeError& error) {
  spdlog::warn("the successor speaks {}", error.text);
  if (error.kind == DecodeError::Kind::kNonsense) {
    for (auto* connection : std::exchange(in_doubt_, {})) connection->release();
  }
  give_up();
}

void HandOver::keep_all() {
  for (auto* connection : std::exchange(in_doubt_, {})) connection->resume();
}

void HandOver::give_up() {
  keep_all();
  if (is_over_) return;
  retry_.stop();
  const auto tell = on_broken_;
  tell();
}

}  // namespace tcp_echo
