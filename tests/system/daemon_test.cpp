// The tests' own means: what they would overlook, nobody sees.

#include "system/daemon.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tcp_echo::test {
namespace {

TEST(Findings, OfACheckerInAWorkerAreSeenInTheLog) {
  const std::string before = "info tcp-echo[mastr] 7: serving\n";
  for (const std::string line :
       {"error tcp-echo[mastr] 7: worker 1 (pid 8) exited with code 99 after 3.1 s",
        "==8==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000013af0",
        "==8==ERROR: LeakSanitizer: detected memory leaks", "WARNING: ThreadSanitizer: data race (pid=8)",
        "src/echo/connection.cpp:54:3: runtime error: signed integer overflow"}) {
    EXPECT_EQ(finding_in(before + line + "\ninfo tcp-echo[mastr] 7: stopped\n"), line);
  }
}

TEST(Findings, AreNotWhatATestHasDoneToAWorker) {
  EXPECT_EQ(finding_in("==8==ERROR: AddressSanitizer: SEGV on unknown address 0x0000 (pc 0x7f)\n"
                       "error tcp-echo[mastr] 7: worker 1 (pid 8) exited with code 1 after 3.1 s\n"),
            "");
}

}  // namespace
}  // namespace tcp_echo::test
