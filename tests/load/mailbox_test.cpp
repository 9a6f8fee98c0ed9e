#include "tcp_echo/load/mailbox.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace tcp_echo::test {
namespace {

TEST(Mailbox, DeliversEveryMessageInTheOrderOfItsSender) {
  constexpr std::size_t kEach = 200;
  constexpr unsigned kSenders = 3;
  Loop loop;
  std::array<std::size_t, kSenders> next{};
  std::size_t total = 0;
  const auto here = std::this_thread::get_id();
  Mailbox mailbox(loop, [&](const LoadMessage& message) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    EXPECT_EQ(message.number, next.at(message.thread)++);
    if (++total == kEach * kSenders) loop.stop();
  });
  std::vector<std::thread> senders;
  senders.reserve(kSenders);
  for (unsigned sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&mailbox, sender] {
      for (std::size_t i = 0; i < kEach; ++i) mailbox.post({sender, i, {}, {}});
    });
  }
  loop.run();
  for (auto& sender : senders) sender.join();
  EXPECT_EQ(total, kEach * kSenders);
}

TEST(Mailbox, HandsOnWhatIsPostedWhileItDelivers) {
  Loop loop;
  std::vector<std::size_t> seen;
  Mailbox* self = nullptr;
  Mailbox mailbox(loop, [&](const LoadMessage& message) {
    seen.push_back(message.number);
    if (message.number == 1) return loop.stop();
    self->post({0, message.number + 1, {}, {}});
  });
  self = &mailbox;
  mailbox.post({0, 0, {}, {}});
  loop.run();
  EXPECT_EQ(seen, (std::vector<std::size_t>{0, 1}));
}

}  // namespace
}  // namespace tcp_echo::test
