#include "tcp_echo/ipc/codec.hpp"

#include <spdlog/fmt/fmt.h>

#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

namespace tcp_echo {
namespace {

constexpr std::uint32_t kMessageMagic = 0x6f686365;  // "echo"

// Tests build a program of another version.
#ifndef TCP_ECHO_PROTOCOL_VERSION
#define TCP_ECHO_PROTOCOL_VERSION 7
#endif
constexpr std::uint16_t kProtocolVersion = TCP_ECHO_PROTOCOL_VERSION;

class Writer {
 public:
  explicit Writer(std::vector<std::byte>& out) : out_(out) {}

  template <class T>
  requires std::is_trivially_copyable_v<T>
  void value(const T& value) { append(std::as_bytes(std::span(&value, 1))); }

  void text(const std::string& text) {
    value(static_cast<std::uint32_t>(text.size()));
    append(std::as_bytes(std::span(text)));
  }

  void ids(const std::vector<ListenerId>& ids) {
    value(static_cast<std::uint32_t>(ids.size()));
    append(std::as_bytes(std::span(ids)));
  }

 private:
  void append(std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    const auto end = out_.size();
    out_.resize(end + bytes.size());
    std::memcpy(&out_[end], bytes.data(), bytes.size());
  }

  std::vector<std::byte>& out_;
};

/// Reads fields in order; past the end everything is zero and ok() is false.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> in) : in_(in) {}

  template <class T>
  requires std::is_trivially_copyable_v<T> T value() {
    T value{};
    const auto bytes = take(sizeof(T));
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  std::string text() {
    const auto bytes = take(value<std::uint32_t>());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  std::vector<ListenerId> ids() {
    const auto count = value<std::uint32_t>();
    if (count > kMostDescriptors) fail();
    std::vector<ListenerId> ids(ok_ ? count : 0);
    for (auto& id : ids) id = value<ListenerId>();
    return ids;
  }

  bool flag() {
    const auto byte = value<std::uint8_t>();
    if (byte > 1) fail();
    return byte == 1;
  }

  void fail() { ok_ = false; }
  bool ok() const { return ok_; }
  bool at_end() const { return in_.empty(); }

 private:
  std::span<const std::byte> take(std::size_t size) {
    if (size > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    const auto taken = in_.first(size);
    in_ = in_.subspan(size);
    return taken;
  }

  std::span<const std::byte> in_;
  bool ok_ = true;
};

void write(Writer& out, const ConfigureMessage& message) {
  out.value(message.block);
  out.value(static_cast<std::uint8_t>(message.shares_listeners));
  out.value(static_cast<std::uint8_t>(message.waits));
  out.text(message.configuration);
  out.ids(message.listeners);
}
void write(Writer& out, const HandOverMessage& message) {
  out.value(static_cast<std::uint32_t>(message.connections.size()));
  for (const auto& connection : message.connections) {
    out.value(static_cast<std::uint8_t>(connection.is_lingering));
    out.value(connection.close_reason);
    out.value(connection.opened_at);
    out.value(connection.last_activity);
    out.value(connection.received_bytes);
    out.value(connection.sent_bytes);
    out.text(connection.unsent);
    out.value(connection.listener);
  }
}
void write(Writer& out, const TakenOverMessage& message) { out.value(message.which); }
void write(Writer& out, const ClearMessage& message) {
  out.value(message.number);
  out.value(message.listener);
}
void write(Writer& out, const ClearedMessage& message) { out.value(message.number); }
void write(Writer& out, const RefuseClearMessage& message) { out.value(message.number); }
void write(Writer& out, const LimitMessage& message) {
  out.value(message.reason);
  out.value(message.connections);
}
void write(Writer& out, const LogMessage& message) { out.value(message.level); }
void write(Writer& out, const ListMessage& message) {
  out.value(message.number);
  out.value(message.place);
  out.value(static_cast<std::uint8_t>(message.peers.has_value()));
  if (!message.peers) return;
  out.value(message.peers->address);
  out.value(message.peers->prefix_bits);
}
void write(Writer& out, const ListedAddress& address) {
  out.text(address.address);
  out.value(address.port);
}
void write(Writer& out, const ListedMessage& message) {
  out.value(message.number);
  out.value(message.next);
  out.value(static_cast<std::uint32_t>(message.connections.size()));
  for (const auto& connection : message.connections) {
    write(out, connection.peer);
    write(out, connection.local);
    out.value(connection.listener);
    out.value(static_cast<std::uint8_t>(connection.is_lingering));
    out.value(connection.age);
    out.value(connection.idle);
    out.value(connection.received);
    out.value(connection.sent);
    out.value(connection.unsent);
    out.value(connection.unacknowledged);
  }
}
void write(Writer& out, const GiveUpMessage& message) { out.value(message.number); }
void write(Writer& out, const DrainMessage& message) { out.value(message.milliseconds); }
void write(Writer& out, const LendMessage& message) {
  out.value(message.slot);
  out.ids(message.listeners);
}
void write(Writer& out, const TakeBackMessage& message) { out.value(message.slot); }
void write(Writer& out, const RefuseLoanMessage& message) { out.value(message.slot); }
template <class Plain>
void write(Writer&, const Plain&) {
  static_assert(std::is_empty_v<Plain>, "a message with fields says how they are written");
}

void read(Reader& in, ConfigureMessage& message) {
  message.block = in.value<std::uint32_t>();
  message.shares_listeners = in.flag();
  message.waits = in.flag();
  message.configuration = in.text();
  message.listeners = in.ids();
}
void read(Reader& in, HandOverMessage& message) {
  const auto count = in.value<std::uint32_t>();
  if (count > kMostHandedOver) return in.fail();
  message.connections.resize(count);
  for (auto& connection : message.connections) {
    connection.is_lingering = in.flag();
    connection.close_reason = in.value<std::uint8_t>();
    connection.opened_at = in.value<std::uint64_t>();
    connection.last_activity = in.value<std::uint64_t>();
    connection.received_bytes = in.value<std::uint64_t>();
    connection.sent_bytes = in.value<std::uint64_t>();
    connection.unsent = in.text();
    connection.listener = in.value<ListenerId>();
  }
}
void read(Reader& in, TakenOverMessage& message) { message.which = in.value<std::uint32_t>(); }
void read(Reader& in, ClearMessage& message) {
  message.number = in.value<std::uint32_t>();
  message.listener = in.value<ListenerId>();
}
void read(Reader& in, ClearedMessage& message) { message.number = in.value<std::uint32_t>(); }
void read(Reader& in, RefuseClearMessage& message) { message.number = in.value<std::uint32_t>(); }
void read(Reader& in, LimitMessage& message) {
  message.reason = in.value<std::uint8_t>();
  message.connections = in.value<std::uint64_t>();
}
void read(Reader& in, LogMessage& message) { message.level = in.value<std::uint8_t>(); }
void read(Reader& in, ListMessage& message) {
  message.number = in.value<std::uint64_t>();
  message.place = in.value<std::uint32_t>();
  if (!in.flag()) return;
  auto& peers = message.peers.emplace();
  peers.address = in.value<Network::Address>();
  peers.prefix_bits = in.value<std::uint8_t>();
  if (peers.prefix_bits > Network::kBits) in.fail();
}
void read(Reader& in, ListedAddress& address) {
  address.address = in.text();
  address.port = in.value<std::uint16_t>();
}
void read(Reader& in, ListedMessage& message) {
  message.number = in.value<std::uint64_t>();
  message.next = in.value<std::uint32_t>();
  const auto count = in.value<std::uint32_t>();
  if (count > kMostListed) return in.fail();
  message.connections.resize(count);
  for (auto& connection : message.connections) {
    read(in, connection.peer);
    read(in, connection.local);
    connection.listener = in.value<ListenerId>();
    connection.is_lingering = in.flag();
    connection.age = in.value<std::uint64_t>();
    connection.idle = in.value<std::uint64_t>();
    connection.received = in.value<std::uint64_t>();
    connection.sent = in.value<std::uint64_t>();
    connection.unsent = in.value<std::uint64_t>();
    connection.unacknowledged = in.value<std::uint64_t>();
  }
}
void read(Reader& in, GiveUpMessage& message) { message.number = in.value<std::uint32_t>(); }
void read(Reader& in, DrainMessage& message) { message.milliseconds = in.value<std::uint64_t>(); }
void read(Reader& in, LendMessage& message) {
  message.slot = in.value<std::uint32_t>();
  message.listeners = in.ids();
}
void read(Reader& in, TakeBackMessage& message) { message.slot = in.value<std::uint32_t>(); }
void read(Reader& in, RefuseLoanMessage& message) { message.slot = in.value<std::uint32_t>(); }
template <class Plain>
void read(Reader&, Plain&) {
  static_assert(std::is_empty_v<Plain>, "a message with fields says how they are read");
}

/// The message of that index, with its fields read; nothing if there is no such message.
template <std::size_t... Indices>
std::optional<Message> read_message(std::size_t type, Reader& in, std::index_sequence<Indices...>) {
  std::optional<Message> message;
  const auto read_if = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
    if (type == I) read(in, message.emplace().template emplace<I>());
  };
  (read_if(std::integral_constant<std::size_t, Indices>{}), ...);
  return message;
}

tl::unexpected<DecodeError> nonsense(std::string text) {
  return tl::unexpected(DecodeError{DecodeError::Kind::kNonsense, std::move(text)});
}

}  // namespace

std::uint16_t protocol_version() noexcept { return kProtocolVersion; }

std::vector<std::byte> encode(const Message& message, std::size_t descriptors) {
  std::vector<std::byte> frame(sizeof(FrameHeader));
  Writer out(frame);
  std::visit([&out](const auto& chosen) { write(out, chosen); }, message);
  const FrameHeader header{kMessageMagic, kProtocolVersion, static_cast<std::uint16_t>(message.index()),
                           static_cast<std::uint32_t>(frame.size() - sizeof(FrameHeader)),
                           static_cast<std::uint32_t>(descriptors)};
  std::memcpy(frame.data(), &header, sizeof header);
  return frame;
}

tl::expected<Message, DecodeError> decode(std::span<const std::byte> frame,
                                          std::optional<std::size_t> descriptors) {
  Reader in(frame);
  const auto header = in.value<FrameHeader>();
  if (!in.ok()) return nonsense(fmt::format("a message of {} bytes, too short for its header", frame.size()));
  if (header.magic != kMessageMagic)
    return nonsense(fmt::format("a message that begins with {:08x}", header.magic));
  if (header.version != kProtocolVersion) {
    return tl::unexpected(
        DecodeError{DecodeError::Kind::kOtherVersion,
                    fmt::format("protocol version {}, this is {}", header.version, kProtocolVersion)});
  }
  if (header.payload_bytes != frame.size() - sizeof header) {
    return nonsense(fmt::format("a message of {} bytes that announced {}", frame.size() - sizeof header,
                                header.payload_bytes));
  }
  if (descriptors && header.descriptors != *descriptors) {
    return nonsense(
        fmt::format("a message with {} descriptors that announced {}", *descriptors, header.descriptors));
  }
  auto message = read_message(header.type, in, std::make_index_sequence<std::variant_size_v<Message>>{});
  if (!message) return nonsense(fmt::format("a message of the unknown type {}", header.type));
  if (!in.ok() || !in.at_end())
    return nonsense(fmt::format("a message of type {} with the wrong length", header.type));
  return std::move(*message);
}

}  // namespace tcp_echo
