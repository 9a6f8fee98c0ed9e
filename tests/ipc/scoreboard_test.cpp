#include "tcp_echo/ipc/scoreboard.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include "support/valgrind.hpp"

namespace tcp_echo::test {
namespace {

using ::testing::HasSubstr;

Scoreboard mapped_again(const Scoreboard& board) {
  const UniqueFd copy(::fcntl(board.fd(), F_DUPFD_CLOEXEC, 0));
  return value_or_throw(Scoreboard::map(copy));
}

TEST(Scoreboard, BeginsWithZeroes) {
  auto board = value_or_throw(Scoreboard::create());
  EXPECT_EQ(board.master().slot_count.load(), 0U);
  EXPECT_EQ(board.master().slots.back().pid.load(), 0);
  EXPECT_EQ(board.block(kMostBlocks - 1).accepted.get(), 0U);
}

TEST(Scoreboard, IsSeenThroughEveryMapping) {
  auto masters = value_or_throw(Scoreboard::create());
  auto workers = mapped_again(masters);
  workers.block(kMostBlocks - 1).received_bytes.add(42);
  masters.master().slot_count.store(3);
  EXPECT_EQ(masters.block(kMostBlocks - 1).received_bytes.get(), 42U);
  EXPECT_EQ(workers.master().slot_count.load(), 3U);
  EXPECT_EQ(workers.fd(), -1);
}

TEST(Scoreboard, OutlivesTheMappingThatWrote) {
  auto masters = value_or_throw(Scoreboard::create());
  { mapped_again(masters).block(0).accepted.add(1); }
  EXPECT_EQ(masters.block(0).accepted.get(), 1U);
}

TEST(Scoreboard, GivesEachWorkerCacheLinesOfItsOwn) {
  auto board = value_or_throw(Scoreboard::create());
  const auto first = reinterpret_cast<std::uintptr_t>(&board.block(0));
  const auto second = reinterpret_cast<std::uintptr_t>(&board.block(1));
  EXPECT_EQ(first % kCacheLine, 0U);
  EXPECT_EQ((second - first) % kCacheLine, 0U);
}

TEST(Scoreboard, CannotBeShrunkUnderTheOthersFeet) {
  const auto board = value_or_throw(Scoreboard::create());
  EXPECT_NE(::ftruncate(board.fd(), 0), 0);
}

TEST(Scoreboard, IsSeenAndNotWrittenByAProcessThatOnlyLooks) {
  auto board = value_or_throw(Scoreboard::create());
  const auto fd = value_or_throw(board.open_for_reading());
  const auto seen = value_or_throw(Scoreboard::map_for_reading(fd));
  board.block(3).accepted.add(5);
  EXPECT_EQ(seen.block(3).accepted.get(), 5U);
  EXPECT_EQ(::fcntl(fd.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_FALSE(Scoreboard::map(fd)) << "mmap(2) with PROT_WRITE";
  struct stat status {};
  ASSERT_EQ(::fstat(fd.get(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U) << "another user opens no other descriptor by way of /proc";
}

TEST(Scoreboard, RefusesADescriptorOfAnotherSize) {
  const UniqueFd small(::memfd_create("small", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(small.get(), 4096), 0);
  const auto board = Scoreboard::map(small);
  ASSERT_FALSE(board);
  EXPECT_EQ(board.error().code, ExitCode::kSoftware);
  EXPECT_THAT(board.error().text, HasSubstr("another version of the program"));
}

TEST(Scoreboard, RefusesNoDescriptor) { EXPECT_FALSE(Scoreboard::map(UniqueFd())); }

TEST(Scoreboard, RefusesAnotherVersion) {
  auto board = value_or_throw(Scoreboard::create());
  board.master().version = kScoreboardVersion + 1;
  const UniqueFd copy(::fcntl(board.fd(), F_DUPFD_CLOEXEC, 0));
  const auto mapped = Scoreboard::map(copy);
  ASSERT_FALSE(mapped);
  EXPECT_THAT(mapped.error().text, HasSubstr("version"));
}

TEST(Scoreboard, RefusesZeroesOfTheRightSize) {
  auto board = value_or_throw(Scoreboard::create());
  board.master().magic = 0;
  const UniqueFd copy(::fcntl(board.fd(), F_DUPFD_CLOEXEC, 0));
  EXPECT_FALSE(Scoreboard::map(copy));
}

TEST(ScoreboardThatIsTakenOver, IsTheSameAndCanBeSentOn) {
  auto former = value_or_throw(Scoreboard::create());
  former.block(7).accepted.add(3);
  UniqueFd copy(::fcntl(former.fd(), F_DUPFD_CLOEXEC, 0));
  const int number = copy.get();
  auto board = value_or_throw(Scoreboard::restore(std::move(copy)));
  EXPECT_EQ(board.fd(), number);
  EXPECT_EQ(board.block(7).accepted.get(), 3U);
  board.master().slot_count.store(2);
  EXPECT_EQ(former.master().slot_count.load(), 2U);
  mapped_again(board).block(8).accepted.add(1);
  EXPECT_EQ(former.block(8).accepted.get(), 1U);
}

TEST(ScoreboardThatIsTakenOver, OutlivesItsMaker) {
  auto former = std::make_unique<Scoreboard>(value_or_throw(Scoreboard::create()));
  former->block(0).accepted.add(1);
  auto board = value_or_throw(Scoreboard::restore(UniqueFd(::fcntl(former->fd(), F_DUPFD_CLOEXEC, 0))));
  former.reset();
  EXPECT_EQ(board.block(0).accepted.get(), 1U);
  EXPECT_NE(::ftruncate(board.fd(), 0), 0) << "its seals hold";
}

TEST(ScoreboardThatIsTakenOver, HasToBeOne) {
  UniqueFd small(::memfd_create("small", MFD_CLOEXEC));
  const int number = small.get();
  EXPECT_FALSE(Scoreboard::restore(std::move(small)));
  EXPECT_EQ(::fcntl(number, F_GETFD), -1) << "it is closed all the same";
  EXPECT_FALSE(Scoreboard::restore(UniqueFd()));
}

TEST(ScoreboardThatIsTakenOver, HasToBeOfThisVersion) {
  auto board = value_or_throw(Scoreboard::create());
  board.master().version = kScoreboardVersion + 1;
  EXPECT_FALSE(Scoreboard::restore(UniqueFd(::fcntl(board.fd(), F_DUPFD_CLOEXEC, 0))));
}

struct Retire : ::testing::Test {
  Retire() {
    board.assign(kBlock, kSlot);
    block.accepted.add(10);
    block.received_bytes.add(1000);
    block.sent_bytes.add(900);
    block.accept_pauses.add(2);
    block.closed_for(CloseReason::kClient).add(4);
    block.closed_for(CloseReason::kIdle).add(3);
  }
  void retire() { board.retire(kBlock, kSlot); }

  static constexpr std::size_t kBlock = 3;
  static constexpr std::size_t kSlot = 1;
  Scoreboard board = value_or_throw(Scoreboard::create());
  WorkerCounters& block = board.block(kBlock);
  WorkerCounters& past = board.master().slots[kSlot].past;
};

TEST_F(Retire, BooksWhatWasStillOpenAsCrash) {
  retire();
  EXPECT_EQ(past.closed_for(CloseReason::kCrash).get(), 3U);
  EXPECT_EQ(past.closed_for(CloseReason::kClient).get(), 4U);
  EXPECT_EQ(past.closed_for(CloseReason::kIdle).get(), 3U);
}

TEST_F(Retire, BalancesTheLedger) {
  retire();
  EXPECT_EQ(past.accepted.get(), past.all_closed());
  EXPECT_EQ(past.active(), 0U);
}

TEST_F(Retire, KeepsEveryCount) {
  retire();
  EXPECT_EQ(past.accepted.get(), 10U);
  EXPECT_EQ(past.received_bytes.get(), 1000U);
  EXPECT_EQ(past.sent_bytes.get(), 900U);
  EXPECT_EQ(past.accept_pauses.get(), 2U);
}

TEST_F(Retire, ClearsTheBlockForTheNextWorker) {
  retire();
  EXPECT_EQ(block.accepted.get(), 0U);
  EXPECT_EQ(block.received_bytes.get(), 0U);
  EXPECT_EQ(block.accept_pauses.get(), 0U);
  EXPECT_EQ(block.all_closed(), 0U);
}

TEST_F(Retire, AddsToWhatFormerWorkersCounted) {
  retire();
  block.accepted.add(1);
  retire();
  EXPECT_EQ(past.accepted.get(), 11U);
  EXPECT_EQ(past.closed_for(CloseReason::kCrash).get(), 4U);
  EXPECT_EQ(past.active(), 0U);
}

TEST_F(Retire, KeepsWhatWasHandedOver) {
  block.handed_over_in.add(5);
  block.handed_over_out.add(6);
  retire();
  EXPECT_EQ(past.handed_over_in.get(), 5U);
  EXPECT_EQ(past.handed_over_out.get(), 6U);
  EXPECT_EQ(past.closed_for(CloseReason::kCrash).get(), 2U) << "only what it still had";
  EXPECT_EQ(past.active(), 0U);
  EXPECT_EQ(block.handed_over_in.get() + block.handed_over_out.get(), 0U);
}

TEST_F(Retire, OfAWorkerThatClosedEverythingBooksNoCrash) {
  block.closed_for(CloseReason::kDrain).add(3);
  retire();
  EXPECT_EQ(past.closed_for(CloseReason::kCrash).get(), 0U);
}

TEST(Tallies, AreOfEachSlotWithAllOfItsWorkersAndThoseBefore) {
  auto board = value_or_throw(Scoreboard::create());
  board.assign(5, 0);
  board.assign(9, 1);
  board.assign(2, 1);  // one that leaves, beside the worker of the slot
  board.block(5).accepted.add(1);
  board.block(9).accepted.add(10);
  board.block(2).accepted.add(100);
  board.block(3).accepted.add(1'000'000);  // of no slot
  board.master().slots[1].past.accepted.add(1000);
  const auto tallies = board.tallies(2);
  ASSERT_EQ(tallies.size(), 2U);
  EXPECT_EQ(tallies[0].accepted, 1U);
  EXPECT_EQ(tallies[1].accepted, 1110U);
  board.retire(2, 1);
  EXPECT_EQ(board.tallies(2)[1].accepted, 1110U) << "it counts as before, but for what was open";
}

TEST(Tallies, NeverMissNorDoubleWhatMovesFromABlockToTheSlotsPast) {
  auto masters = value_or_throw(Scoreboard::create());
  // Valgrind lets one thread run at a time, and is slow to change.
  const std::uint64_t connections = runs_under_valgrind() ? 100 : 10'000;
  constexpr std::uint64_t kAtOnce = 10;  // die while a reader reads once: it does not try for ever
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> reads{0};
  std::thread master([&] {
    while (begun < connections) {
      masters.assign(0, 0);
      ++begun;
      masters.block(0).accepted.add(1);
      masters.retire(0, 0);
      const auto before = reads.load();
      while (begun % kAtOnce == 0 && begun < connections && reads == before) let_others_run();
    }
  });
  const auto others = mapped_again(masters);
  std::uint64_t seen = 0;
  std::uint64_t mistakes = 0;
  while (seen < connections) {
    const auto tally = others.tallies(1).front();
    if (tally.accepted < seen || tally.accepted > begun || tally.active() > 1) ++mistakes;
    if (tally.accepted == seen) let_others_run();
    seen = tally.accepted;
    ++reads;
  }
  master.join();
  EXPECT_EQ(mistakes, 0U);
}

TEST(Tallies, DoNotWaitForEverForAMasterThatStandsStillInTheMiddle) {
  auto board = value_or_throw(Scoreboard::create());
  board.assign(0, 0);
  board.block(0).accepted.add(7);
  board.master().moves.store(1);
  EXPECT_EQ(mapped_again(board).tallies(1).front().accepted, 7U);
}

TEST(Tallies, OfTheMasterItselfNeedNoWaiting) {
  auto board = value_or_throw(Scoreboard::create());
  board.assign(0, 0);
  board.block(0).accepted.add(7);
  board.master().moves.store(1);  // by a worker gone wild
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(board.tallies(1).front().accepted, 7U);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30)) << "a hundred if it naps";
}

TEST(Tallies, AreTakenFromNoSlotThatThereIsNot) {
  auto board = value_or_throw(Scoreboard::create());
  board.assign(0, 0);
  board.master().owners[0].store(4'000'000);  // a worker gone wild writes wherever it likes
  board.master().blocks_used.store(4'000'000);
  EXPECT_EQ(board.tallies(1).front(), Tally{});
}

}  // namespace
}  // namespace tcp_echo::test
