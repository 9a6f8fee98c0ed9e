// Everything that changes workers on purpose, while connections are busy: nobody outside may notice.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <random>

#include "system/crowd.hpp"
#include "system/service.hpp"
#include "system/traffic.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

// What the longest silence of a connection may be, where nothing else slows everything down.
constexpr auto kLongestSilence = 500ms;
// How old a worker that has lost its place may become.
constexpr auto kLongestFarewell = 2000ms;

/// A client that sends until nobody takes any more, and reads only at the end.
class SlowReader {
 public:
  explicit SlowReader(std::uint16_t port)
      : client_(port), bytes_(random_bytes(16UL << 20U, 7)), taken_(client_.send_until_stuck(bytes_)) {}
  /// Whether all comes back, and then the end of the stream.
  bool gets_everything() {
    client_.half_close();
    return client_.receive_all() == bytes_.substr(0, taken_) && client_.end() == End::kFin;
  }

 private:
  Client client_;
  std::string bytes_;
  std::size_t taken_;
};

/// One that has sent its FIN, and reads only at the end.
class HalfClosed {
 public:
  explicit HalfClosed(std::uint16_t port) : client_(port), bytes_(random_bytes(2UL << 20U, 8)) {
    EXPECT_TRUE(client_.send(bytes_));
    client_.half_close();
  }
  bool gets_everything() { return client_.receive_all() == bytes_ && client_.end() == End::kFin; }

 private:
  Client client_;
  std::string bytes_;
};

std::size_t crowd_size() { return is_instrumented() ? 50 : 500; }

void expect_undisturbed(Service& service, const Crowd::Counts& crowd, const StreamCounts& stream) {
  std::cout << crowd.text() << "; " << stream.served << " new ones served, " << stream.refused << " refused, "
            << stream.lost << " lost, " << stream.wrong << " wrong; former workers stayed "
            << service.longest_farewell().count() << " ms at most\n";
  EXPECT_EQ(crowd.broken(), 0U) << crowd.text() << service.daemon().log();
  EXPECT_EQ(stream.refused + stream.lost + stream.wrong, 0U);
  EXPECT_GT(stream.served, 0U);
  if (is_instrumented()) return;
  EXPECT_LT(crowd.longest_silence, kLongestSilence);
  EXPECT_LT(service.longest_farewell(), kLongestFarewell);
}

/// One to four workers, and back.
bool scale_step(Service& service, std::size_t step) {
  return step % 6 < 3 ? service.grow() : service.shrink();
}

/// To the other program, and back.
bool upgrade_step(Service& service, std::size_t step) {
  service.install(step % 2 == 0 ? next_program() : Daemon::program());
  return service.upgrade();
}

TEST(Movement, IsNotNoticedByAnybody) {
  Service service({"--workers", "1", "--idle-timeout", "0"});
  ASSERT_TRUE(service.daemon().is_serving()) << service.daemon().wait().log;
  SlowReader slow(service.port());
  HalfClosed half(service.port());
  Crowd crowd(service.port(), crowd_size());
  Stream stream(service.port(), 2);
  for (std::size_t i = 0; i < rounds(20); ++i) {
    ASSERT_TRUE(service.reload()) << i << service.daemon().log();
    ASSERT_TRUE(scale_step(service, i)) << i << service.daemon().log();
    if (i % 2 == 0) {
      ASSERT_TRUE(upgrade_step(service, i / 2)) << i << service.daemon().log();
    }
  }
  const auto served = stream.finish();
  expect_undisturbed(service, crowd.pause(), served);
  EXPECT_TRUE(slow.gets_everything());
  EXPECT_TRUE(half.gets_everything());
  crowd.finish();
  const auto ledger = service.ledger_with(0);
  EXPECT_EQ(ledger.accepted, served.served + crowd_size() + 2);
  EXPECT_EQ(ledger.closed, ledger.accepted);
  EXPECT_EQ(ledger.handed_over_in, ledger.handed_over_out);
  EXPECT_EQ(service.daemon().stop().exit_code, 0) << service.daemon().log();
}

}  // namespace
}  // namespace tcp_echo::test
