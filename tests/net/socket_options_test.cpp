#include "tcp_echo/net/socket_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <ostream>

#include "support/sockets.hpp"
#include "support/wait.hpp"

namespace tcp_echo::test {
namespace {

struct OptionCase {
  SocketOption option;
  int level;
  int name;
  int value;

  /// Or GoogleTest would print its bytes, the padding as well.
  friend void PrintTo(const OptionCase& row, std::ostream* out) {
    *out << row.level << ' ' << row.name << " = " << row.value;
  }
};

class EverySocketOption : public ::testing::TestWithParam<OptionCase> {};

TEST_P(EverySocketOption, IsSetWhereTheKernelKeepsIt) {
  const auto& [option, level, name, value] = GetParam();
  const UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(set_option(fd.get(), option, value));
  EXPECT_EQ(option_of(fd.get(), level, name), value);
}

INSTANTIATE_TEST_SUITE_P(
    Table, EverySocketOption,
    ::testing::Values(OptionCase{SocketOption::kReuseAddress, SOL_SOCKET, SO_REUSEADDR, 1},
                      OptionCase{SocketOption::kReusePort, SOL_SOCKET, SO_REUSEPORT, 1},
                      OptionCase{SocketOption::kV6Only, IPPROTO_IPV6, IPV6_V6ONLY, 0},
                      OptionCase{SocketOption::kV6Only, IPPROTO_IPV6, IPV6_V6ONLY, 1},
                      OptionCase{SocketOption::kKeepAlive, SOL_SOCKET, SO_KEEPALIVE, 1},
                      OptionCase{SocketOption::kKeepIdle, IPPROTO_TCP, TCP_KEEPIDLE, 32767},
                      OptionCase{SocketOption::kNoDelay, IPPROTO_TCP, TCP_NODELAY, 1},
                      OptionCase{SocketOption::kUrgentInline, SOL_SOCKET, SO_OOBINLINE, 1}),
    [](const auto& row) { return "N" + std::to_string(row.index); });

TEST(SocketOptions, NameTheOptionThatCannotBeSet) {
  const auto set = set_option(-1, SocketOption::kNoDelay, 1);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ExitCode::kOsError);
  EXPECT_EQ(set.error().text, "setsockopt TCP_NODELAY: Bad file descriptor");
}

TEST(ConnectionOptions, RefuseAKeepaliveThatTheKernelCannotCount) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto set = set_connection_options(fd.get(), true, std::chrono::seconds(32768));
  ASSERT_FALSE(set);
  EXPECT_THAT(set.error().text, ::testing::HasSubstr("TCP_KEEPIDLE"));
}

TEST(ResetOnClose, GivesThePeerAnErrorInPlaceOfAnEnd) {
  TcpPair pair;
  reset_on_close(pair.server.get());
  pair.server.reset();
  EXPECT_TRUE(eventually([&] {
    pair.client.read_some();
    return pair.client.end() != End::kOpen;
  }));
  EXPECT_EQ(pair.client.end(), End::kReset);
}

TEST(ResetOnClose, IsInheritedFromTheListenerAndCanBeTakenBack) {
  TcpPair before;
  EXPECT_FALSE(resets_on_close(before.server.get()));
  reset_on_close(before.listener.get());
  const Client client(value_or_throw(local_endpoint(before.listener.get())));
  const UniqueFd server(::accept4(before.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(resets_on_close(server.get()));
  fin_on_close(server.get());
  EXPECT_FALSE(resets_on_close(server.get()));
}

}  // namespace
}  // namespace tcp_echo::test
