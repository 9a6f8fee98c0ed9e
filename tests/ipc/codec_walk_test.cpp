// Random messages, and what chance makes of their bytes: every message comes back as it was, and whatever
// else arrives is a message of its own or refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "support/dice.hpp"
#include "tcp_echo/ipc/codec.hpp"

namespace tcp_echo::test {
namespace {

using Frame = std::vector<std::byte>;

std::string random_text(Dice& dice, std::size_t longest) {
  std::string text(dice.below(longest + 1), '\0');
  for (char& letter : text) letter = static_cast<char>(dice.below(256));
  return text;
}

void fill(Dice& dice, ConfigureMessage& message) {
  message = {.block = static_cast<std::uint32_t>(dice.number()),
             .shares_listeners = dice.once_in(2),
             .waits = dice.once_in(2),
             .configuration = random_text(dice, 100)};
}

void fill(Dice& dice, HandOverMessage& message) {
  message.connections.resize(dice.below(kMostHandedOver + 1));
  for (auto& connection : message.connections) {
    connection = {.is_lingering = dice.once_in(2),
                  .close_reason = static_cast<std::uint8_t>(dice.number()),
                  .opened_at = dice.number(),
                  .last_activity = dice.number(),
                  .received_bytes = dice.number(),
                  .sent_bytes = dice.number(),
                  .unsent = random_text(dice, dice.once_in(10) ? 1000 : 3)};
  }
}

void fill(Dice& dice, TakenOverMessage& message) {
  message.which = static_cast<std::uint32_t>(dice.number());
}
void fill(Dice& dice, DrainMessage& message) { message.milliseconds = dice.number(); }
void fill(Dice& dice, LogMessage& message) { message.level = static_cast<std::uint8_t>(dice.number()); }
void fill(Dice& dice, LimitMessage& message) {
  message.reason = static_cast<std::uint8_t>(dice.number());
  message.connections = dice.number();
}

void fill(Dice& dice, ListMessage& message) {
  message.number = dice.number();
  message.place = static_cast<std::uint32_t>(dice.number());
  if (dice.once_in(2)) return;
  message.peers.emplace().prefix_bits = static_cast<std::uint8_t>(dice.below(Network::kBits + 1));
  for (auto& byte : message.peers->address) byte = static_cast<std::uint8_t>(dice.below(256));
}
void fill(Dice& dice, ListedMessage& message) {
  message.number = dice.number();
  message.next = static_cast<std::uint32_t>(dice.number());
  message.connections.resize(dice.below(kMostListed + 1));
  for (auto& connection : message.connections) {
    connection = {.peer = {random_text(dice, 40), static_cast<std::uint16_t>(dice.number())},
                  .local = {random_text(dice, 3), static_cast<std::uint16_t>(dice.number())},
                  .listener = static_cast<ListenerId>(dice.number()),
                  .is_lingering = dice.once_in(2),
                  .age = dice.number(),
                  .idle = dice.number(),
                  .received = dice.number(),
                  .sent = dice.number(),
                  .unsent = dice.number(),
                  .unacknowledged = dice.number()};
  }
}

template <class WithSlot>
requires requires(WithSlot message) { message.slot; }
void fill(Dice& dice, WithSlot& message) { message.slot = static_cast<std::uint32_t>(dice.number()); }

template <class WithNumber>
requires requires(WithNumber message) { message.number; }
void fill(Dice& dice, WithNumber& message) { message.number = static_cast<std::uint32_t>(dice.number()); }

template <class Plain>
requires std::is_empty_v<Plain>
void fill(Dice& /*dice*/, Plain& /*message*/) {}

template <std::size_t... Indices>
Message message_of_type(std::size_t type, std::index_sequence<Indices...> /*all*/) {
  Message message;
  static_cast<void>(((type == Indices ? (message.emplace<Indices>(), true) : false) || ...));
  return message;
}

Message random_message(Dice& dice) {
  constexpr auto kTypes = std::variant_size_v<Message>;
  auto message = message_of_type(dice.below(kTypes), std::make_index_sequence<kTypes>{});
  std::visit([&dice](auto& chosen) { fill(dice, chosen); }, message);
  return message;
}

std::ptrdiff_t random_place(Dice& dice, const Frame& frame) {
  return static_cast<std::ptrdiff_t>(dice.below(frame.size() + 1));
}

/// A length or a count is what a mistake in decoding would follow too far.
void spoil_a_number(Dice& dice, Frame& frame) {
  if (frame.size() < sizeof(std::uint32_t)) return;
  const auto value = static_cast<std::uint32_t>(dice.number());
  std::memcpy(frame.data() + dice.below(frame.size() - sizeof value + 1), &value, sizeof value);
}

void mutate(Dice& dice, Frame& frame) {
  switch (dice.below(6)) {
    case 0:
      if (!frame.empty()) dice.one_of(frame) ^= std::byte{1} << dice.below(8);
      return;
    case 1: return spoil_a_number(dice, frame);
    case 2: return frame.resize(dice.below(frame.size() + 1));
    case 3: return frame.resize(frame.size() + dice.below(20));
    case 4: {
      frame.insert(frame.begin() + random_place(dice, frame), static_cast<std::byte>(dice.below(256)));
      return;
    }
    default: {
      const auto other = encode(random_message(dice), 0);
      frame.resize(static_cast<std::size_t>(random_place(dice, frame)));
      frame.insert(frame.end(), other.begin() + random_place(dice, other), other.end());
    }
  }
}

/// So that what follows the header is looked at.
void correct_length(Frame& frame) {
  if (frame.size() < sizeof(FrameHeader)) return;
  const auto payload = static_cast<std::uint32_t>(frame.size() - sizeof(FrameHeader));
  std::memcpy(frame.data() + offsetof(FrameHeader, payload_bytes), &payload, sizeof payload);
}

std::uint32_t descriptors_in(const Frame& frame) {
  FrameHeader header{};
  if (frame.size() >= sizeof header) std::memcpy(&header, frame.data(), sizeof header);
  return header.descriptors;
}

TEST(CodecWalk, EveryMessageComesBackAsItWas) {
  take_walks(100'000, [](Dice dice) {
    const auto message = random_message(dice);
    const auto descriptors = dice.below(kMostDescriptors + 1);
    const auto decoded = decode(encode(message, descriptors), descriptors);
    ASSERT_TRUE(decoded) << decoded.error().text;
    ASSERT_EQ(*decoded, message);
  });
}

TEST(CodecWalk, WhatIsSpoiledIsRefusedOrAnotherMessageWithTheseBytes) {
  std::size_t accepted = 0;
  take_walks(200'000, [&accepted](Dice dice) {
    auto frame = encode(random_message(dice), dice.below(4));
    for (auto changes = dice.between(1, 3); changes > 0; --changes) mutate(dice, frame);
    if (!dice.once_in(3)) correct_length(frame);
    const auto announced = descriptors_in(frame);
    const auto decoded =
        decode(frame, dice.once_in(2) ? std::optional<std::size_t>(announced) : std::nullopt);
    if (!decoded) {
      ASSERT_FALSE(decoded.error().text.empty());
      return;
    }
    ++accepted;
    ASSERT_EQ(encode(*decoded, announced), frame);
  });
  EXPECT_GT(accepted, 0U) << "nothing that was spoiled ever got through, so nothing was tried";
}

TEST(CodecWalk, RandomBytesBehindAGoodHeaderAreRefusedOrAMessageWithTheseBytes) {
  take_walks(200'000, [](Dice dice) {
    const auto type = static_cast<std::uint16_t>(dice.below(std::variant_size_v<Message> + 1));
    auto frame = encode(ReadyMessage{}, 0);
    std::memcpy(frame.data() + offsetof(FrameHeader, type), &type, sizeof type);
    const auto more = dice.below(120);
    for (std::size_t i = 0; i < more; ++i) frame.push_back(static_cast<std::byte>(dice.number()));
    correct_length(frame);
    const auto decoded = decode(frame, 0);
    if (decoded) {
      ASSERT_EQ(encode(*decoded, 0), frame);
    }
  });
}

}  // namespace
}  // namespace tcp_echo::test
