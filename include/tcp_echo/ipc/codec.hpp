// Messages as bytes, and back. Pure.
//
// A frame is a fixed header and the fields of its message: numbers as the machine has them, for both ends are
// on this one; texts as a length and bytes. The channel keeps message borders, so a frame is exactly as long
// as it says or it is nonsense.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "tcp_echo/ipc/message.hpp"

namespace tcp_echo {

/// Raised whenever a frame or a message changes its layout or meaning.
std::uint16_t protocol_version() noexcept;

/// Room for a connection with a whole buffer of unsent bytes (64 KiB), and well under what one SOCK_SEQPACKET
/// message may carry (a little below net.core.wmem_default, 212,992 bytes).
inline constexpr std::size_t kLargestFrame = 96UL * 1024;

/// Descriptors that may travel with one message: all listeners of a slot. The kernel takes 253
/// (SCM_MAX_FD, unix(7)).
inline constexpr std::size_t kMostDescriptors = 64;

struct FrameHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t type;  ///< index into Message
  std::uint32_t payload_bytes;
  std::uint32_t descriptors;  ///< how many travel along
};
static_assert(sizeof(FrameHeader) == 16, "no padding: every byte of it is sent");

struct DecodeError {
  enum class Kind : std::uint8_t {
    kOtherVersion,  ///< the peer speaks another protocol version, and is not broken: close the channel
    kNonsense,      ///< the peer is broken
  };
  Kind kind;
  std::string text;
};

std::vector<std::byte> encode(const Message& message, std::size_t descriptors);

/// `descriptors` is how many came along; a frame that announced another number is nonsense. Nothing: some
/// were lost on their way, and any number will do.
tl::expected<Message, DecodeError> decode(std::span<const std::byte> frame,
                                          std::optional<std::size_t> descriptors);

}  // namespace tcp_echo
