// A log that nobody reads, or that cannot be written: the service goes on as if it could.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "system/client.hpp"
#include "system/daemon.hpp"
#include "system/service.hpp"

namespace tcp_echo::test {
namespace {

using testing::HasSubstr;

// ---- a FIFO

TEST(LogFifo, ThatNobodyReadsIsRefusedAtTheStart) {
  const Folder folder;
  const auto fifo = (folder / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const auto outcome = run(Daemon::on_free_port({"--log-file", fifo}));
  EXPECT_EQ(outcome.exit_code, 73);
  EXPECT_EQ(outcome.log, "tcp-echo-master: open the log file " + fifo + ": nobody reads the FIFO\n");
}

TEST(LogFifo, ThatNobodyReadsIsNotTakenInARotation) {
  const Folder folder;
  const auto log = folder / "log";
  Daemon daemon(Daemon::on_free_port({"--workers", "1", "--log-file", log.string()}));
  ASSERT_TRUE(eventually([&] { return content(log).find("serving on ") != std::string::npos; }));
  std::filesystem::rename(log, folder / "old");
  ASSERT_EQ(::mkfifo(log.c_str(), 0600), 0);
  daemon.signal(SIGUSR1);
  const auto line =
      "open the log file " + log.string() + ": nobody reads the FIFO; going on with the old one\n";
  EXPECT_TRUE(eventually([&] { return content(folder / "old").find(line) != std::string::npos; }));
  EXPECT_EQ(daemon.stop().exit_code, 0);
}

TEST(LogFifo, ThatNobodyReadsIsNotTakenByAReload) {
  Service service({"--workers", "1"});
  const auto port = service.port();
  const auto fifo = service.file("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  service.configure("log_file = \"" + fifo + "\"\n");
  ASSERT_TRUE(service.fails_to_reload());
  EXPECT_THAT(service.daemon().log(), HasSubstr("reload failed: open the log file " + fifo +
                                                ": nobody reads the FIFO; generation 1 goes on as before\n"));
  EXPECT_EQ(Client(port).echo("still here"), "still here");
  service.expect_to_stop_soon();
}

}  // namespace
}  // namespace tcp_echo::test
