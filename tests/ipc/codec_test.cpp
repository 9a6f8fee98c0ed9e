#include "tcp_echo/ipc/codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <ostream>
#include <random>

namespace tcp_echo::test {
namespace {

using ::testing::HasSubstr;
using Kind = DecodeError::Kind;

struct Sample {
  const char* name;
  Message message;

  /// Or GoogleTest would print its bytes, the padding as well.
  friend void PrintTo(const Sample& sample, std::ostream* out) { *out << sample.name; }
};

ListedConnection longest_listed() {
  const ListedAddress address{"fe80:1111:2222:3333:4444:5555:6666:7777%an-interface-15", 65535};
  return {.peer = address, .local = address};
}

/// One of each, and the corners of those that have fields.
std::vector<Sample> samples() {
  return {{"Configure", ConfigureMessage{4095, false, false, "listen = [\"[::]:8090\"]\n"}},
          {"ConfigureEmpty", ConfigureMessage{}},
          {"ConfigureWithZeroes", ConfigureMessage{0xffffffff, true, false, std::string("a\0b", 3)}},
          {"ConfigureLarge", ConfigureMessage{1, false, false, std::string(60000, 'x')}},
          {"ConfigureWithListeners", ConfigureMessage{1, false, false, "workers = 2", {1, 7, 0xffffffff}}},
          {"Ready", ReadyMessage{}},
          {"ConfigureOneThatWaits", ConfigureMessage{1, false, true, "workers = 2"}},
          {"Accept", AcceptMessage{}},
          {"Leaving", LeavingMessage{}},
          {"Successor", SuccessorMessage{}},
          {"Predecessor", PredecessorMessage{}},
          {"Stranded", StrandedMessage{}},
          {"HandOverNothing", HandOverMessage{}},
          {"HandOverLagging", HandOverMessage{{{false, 0, 1, 2, 3, 4, std::string(65536, 'u')}}}},
          {"HandOverMany",
           HandOverMessage{std::vector<ConnectionMessage>(kMostHandedOver, {true, 1, 9, 8, 7, 6, "unsent"})}},
          {"HandOverOfAListener", HandOverMessage{{{.unsent = "x", .listener = 5}}}},
          {"TakenOver", TakenOverMessage{0x80000001}},
          {"Clear", ClearMessage{3, 8}},
          {"Cleared", ClearedMessage{0xffffffff}},
          {"RefuseClear", RefuseClearMessage{4}},
          {"Limit", LimitMessage{2, 5000}},
          {"GiveUp", GiveUpMessage{5}},
          {"LetGo", LetGoMessage{}},
          {"Drain", DrainMessage{8000}},
          {"Emptied", EmptiedMessage{}},
          {"Stop", StopMessage{}},
          {"Lend", LendMessage{1024}},
          {"LendListeners", LendMessage{1, std::vector<ListenerId>(kMostDescriptors, 9)}},
          {"TakeBack", TakeBackMessage{0xffffffff}},
          {"RefuseLoan", RefuseLoanMessage{7}},
          {"Log", LogMessage{3}},
          {"List", ListMessage{7, 0xffffffff, *Network::parse("2001:db8::/32")}},
          {"ListAll", ListMessage{}},
          {"Heard", HeardMessage{}},
          {"Beat", BeatMessage{}},
          {"ListedNothing", ListedMessage{9, 0, {}}},
          {"Listed", ListedMessage{9, 1024, {{{"::1", 65535}, {"127.0.0.1", 7}, 5, true, 1, 2, 3, 4, 5, 6}}}},
          {"ListedMany", ListedMessage{9, 1, std::vector<ListedConnection>(kMostListed, longest_listed())}}};
}

using Frame = std::vector<std::byte>;

Frame framed(const Message& message = ConfigureMessage{7, true, false, "workers = 2"}) {
  return encode(message, 0);
}

template <class T>
Frame with(Frame frame, std::size_t offset, T value) {
  std::memcpy(frame.data() + offset, &value, sizeof value);
  return frame;
}

Kind kind_of(const Frame& frame, std::size_t descriptors = 0) {
  const auto decoded = decode(frame, descriptors);
  EXPECT_FALSE(decoded);
  return decoded ? Kind{255} : decoded.error().kind;
}

class EveryMessage : public ::testing::TestWithParam<Sample> {};

TEST_P(EveryMessage, ComesBackAsItWas) {
  for (const std::size_t descriptors : {std::size_t{0}, std::size_t{1}, kMostDescriptors}) {
    const auto decoded = decode(encode(GetParam().message, descriptors), descriptors);
    ASSERT_TRUE(decoded) << decoded.error().text;
    EXPECT_EQ(*decoded, GetParam().message);
  }
}

TEST_P(EveryMessage, FitsInAFrame) { EXPECT_LE(encode(GetParam().message, 0).size(), kLargestFrame); }

TEST_P(EveryMessage, IsNonsenseWhenCutAnywhere) {
  const auto frame = encode(GetParam().message, 0);
  const std::size_t step = frame.size() > 1000 ? 97 : 1;
  for (std::size_t size = 0; size < frame.size(); size += step) {
    EXPECT_EQ(kind_of(Frame(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size))),
              Kind::kNonsense)
        << size;
  }
}

TEST_P(EveryMessage, IsNonsenseWhenItsFieldsAreCutAndTheHeaderAgrees) {
  const auto frame = encode(GetParam().message, 0);
  const std::size_t step = frame.size() > 1000 ? 97 : 1;
  for (std::size_t size = sizeof(FrameHeader); size < frame.size(); size += step) {
    Frame cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
    cut = with(std::move(cut), offsetof(FrameHeader, payload_bytes),
               static_cast<std::uint32_t>(size - sizeof(FrameHeader)));
    EXPECT_EQ(kind_of(cut), Kind::kNonsense) << size;
  }
}

TEST_P(EveryMessage, IsNonsenseWithAByteTooMany) {
  auto frame = encode(GetParam().message, 0);
  frame.push_back(std::byte{0});
  EXPECT_EQ(kind_of(frame), Kind::kNonsense);
  const auto payload = static_cast<std::uint32_t>(frame.size() - sizeof(FrameHeader));
  EXPECT_EQ(kind_of(with(frame, offsetof(FrameHeader, payload_bytes), payload)), Kind::kNonsense);
}

INSTANTIATE_TEST_SUITE_P(Samples, EveryMessage, ::testing::ValuesIn(samples()),
                         [](const auto& row) { return row.param.name; });

TEST(Codec, SamplesCoverEveryMessage) {
  std::vector<bool> seen(std::variant_size_v<Message>);
  for (const auto& sample : samples()) seen[sample.message.index()] = true;
  EXPECT_THAT(seen, ::testing::Each(true));
}

TEST(Codec, ANetworkWithALongerPrefixThanItsAddressIsNonsense) {
  const auto frame = framed(ListMessage{.peers = Network()});
  EXPECT_EQ(kind_of(with(frame, frame.size() - 1, std::uint8_t{129})), Kind::kNonsense);
  EXPECT_TRUE(decode(with(frame, frame.size() - 1, std::uint8_t{128}), 0));
}

TEST(Codec, AnotherMagicIsNonsense) {
  EXPECT_EQ(kind_of(with(framed(), offsetof(FrameHeader, magic), std::uint32_t{0x12345678})),
            Kind::kNonsense);
}

TEST(Codec, AnotherVersionIsNobodysFault) {
  for (const std::uint16_t version :
       {std::uint16_t{0}, static_cast<std::uint16_t>(protocol_version() + 1), std::uint16_t{0xffff}}) {
    const auto decoded = decode(with(framed(), offsetof(FrameHeader, version), version), 0);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().kind, Kind::kOtherVersion);
    EXPECT_EQ(decoded.error().text, "protocol version " + std::to_string(version) + ", this is " +
                                        std::to_string(protocol_version()));
  }
}

TEST(Codec, AnotherVersionMayHaveAnotherLayout) {
  auto frame =
      with(framed(), offsetof(FrameHeader, version), static_cast<std::uint16_t>(protocol_version() + 1));
  frame.resize(frame.size() + 100);
  EXPECT_EQ(kind_of(frame, 5), Kind::kOtherVersion);
}

TEST(Codec, AnotherVersionWithAnotherMagicIsNonsense) {
  const auto frame = with(framed(), offsetof(FrameHeader, version), std::uint16_t{2});
  EXPECT_EQ(kind_of(with(frame, offsetof(FrameHeader, magic), std::uint32_t{0})), Kind::kNonsense);
}

TEST(Codec, AnUnknownTypeIsNonsense) {
  for (const std::uint16_t type :
       {static_cast<std::uint16_t>(std::variant_size_v<Message>), std::uint16_t{0xffff}}) {
    EXPECT_EQ(kind_of(with(framed(), offsetof(FrameHeader, type), type)), Kind::kNonsense);
  }
}

TEST(Codec, AnotherTypeDoesNotFitTheFields) {
  for (std::uint16_t type = 1; type < std::variant_size_v<Message>; ++type) {
    EXPECT_EQ(kind_of(with(framed(), offsetof(FrameHeader, type), type)), Kind::kNonsense);
  }
}

TEST(Codec, AnotherLengthThanAnnouncedIsNonsense) {
  for (const std::uint32_t bytes : {0U, 1U, 0x7fffffffU, 0xffffffffU}) {
    EXPECT_EQ(kind_of(with(framed(), offsetof(FrameHeader, payload_bytes), bytes)), Kind::kNonsense);
  }
}

TEST(Codec, AnotherNumberOfDescriptorsThanAnnouncedIsNonsense) {
  EXPECT_EQ(kind_of(encode(StopMessage{}, 1), 0), Kind::kNonsense);
  EXPECT_EQ(kind_of(encode(StopMessage{}, 0), 1), Kind::kNonsense);
  EXPECT_EQ(kind_of(with(framed(), offsetof(FrameHeader, descriptors), 0xffffffffU)), Kind::kNonsense);
}

TEST(Codec, ATextThatClaimsToBeLongerThanItsFrameIsNonsense) {
  const auto offset = sizeof(FrameHeader) + sizeof(ConfigureMessage::block);
  for (const std::uint32_t size : {10U, 12U, 0xffffffffU}) {
    EXPECT_EQ(kind_of(with(framed(), offset, size)), Kind::kNonsense) << size;
  }
}

TEST(Codec, SaysWhatIsWrong) {
  EXPECT_THAT(decode(Frame(3), 0).error().text, HasSubstr("3 bytes, too short"));
  EXPECT_THAT(decode(encode(StopMessage{}, 2), 1).error().text,
              HasSubstr("with 1 descriptors that announced 2"));
}

TEST(Codec, RandomBytesAreNonsense) {
  std::mt19937 generator(20);
  std::uniform_int_distribution<std::size_t> length(0, 80);
  for (int i = 0; i < 100'000; ++i) {
    Frame frame(length(generator));
    for (auto& byte : frame) byte = static_cast<std::byte>(generator());
    ASSERT_FALSE(decode(frame, 0));
  }
}

TEST(Codec, AFrameWithSpoiledBytesIsRefusedOrReadAsAnotherMessage) {
  std::mt19937 generator(21);
  for (int i = 0; i < 100'000; ++i) {
    auto frame = framed();
    for (auto spoils = generator() % 4 + 1; spoils > 0; --spoils) {
      frame[generator() % frame.size()] = static_cast<std::byte>(generator());
    }
    const auto decoded = decode(frame, 0);
    if (decoded) {
      ASSERT_EQ(encode(*decoded, 0), frame);
    }
  }
}

}  // namespace
}  // namespace tcp_echo::test
