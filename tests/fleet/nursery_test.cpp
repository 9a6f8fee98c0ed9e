#include "fleet/nursery.hpp"

#include "support/household.hpp"
#include "tcp_echo/config/reader.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

using NurseryTest = HouseholdTest;

TEST_F(NurseryTest, TellsEachWorkerWhoItIs) {
  const auto first = start(0);
  const auto second = start(2);
  EXPECT_EQ(launcher[0].number(), 1U);
  EXPECT_EQ(launcher[1].number(), 3U);
  const auto told = launcher[1].last<ConfigureMessage>();
  EXPECT_EQ(told.block, second->block());
  EXPECT_NE(first->block(), second->block());
  EXPECT_FALSE(told.waits);
  EXPECT_EQ(told.configuration, effective_toml(crew.generation().config));
  EXPECT_EQ(launcher[1].last_descriptors(), 1U) << "the scoreboard's";
  EXPECT_EQ(launcher[1].listeners(), 1U);
  EXPECT_EQ(told.listeners, std::vector<ListenerId>{1});
}

TEST_F(NurseryTest, LetsACandidateWait) {
  const auto worker = value_or_throw(nursery.start(1, crew.generation(), true, nobody));
  EXPECT_TRUE(launcher.last().last<ConfigureMessage>().waits);
}

TEST_F(NurseryTest, BooksWhatADeadWorkerHasCountedAndGivesItsBlockAway) {
  const auto worker = start(1);
  auto& counters = scoreboard.block(worker->block());
  counters.accepted.add(5);
  counters.closed_for(CloseReason::kClient).add(3);
  worker->note_ready();
  clock.turn(2s);
  const auto death = nursery.bury(1, *worker, {.signal = SIGSEGV});
  EXPECT_EQ(death.text, worker->name() + " died from SIGSEGV after 2.0 s, with 2 connections open");
  EXPECT_FALSE(death.is_clean);
  EXPECT_EQ(death.served_for, 2s);
  EXPECT_EQ(gone, std::vector{worker->pid()});
  auto& past = scoreboard.master().slots[1].past;
  EXPECT_EQ(past.accepted.get(), 5U);
  EXPECT_EQ(past.closed_for(CloseReason::kCrash).get(), 2U);
  EXPECT_EQ(counters.accepted.get(), 0U);
  EXPECT_EQ(start(2)->block(), worker->block());
}

TEST_F(NurseryTest, LeavesTheBlocksOfAdoptedWorkersToThem) {
  auto record = start(1)->record();
  record.block = 0;
  const auto adopted = nursery.adopt(1, record, crew.generation(), nobody);
  EXPECT_NE(start(2)->block(), adopted->block());
}

TEST_F(NurseryTest, ThatCannotStartAProcessKeepsTheBlockFree) {
  launcher.fail_with("no more processes");
  const auto failed = nursery.start(1, crew.generation(), false, nobody);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().text, "no more processes");
  launcher.fail_with(std::nullopt);
  EXPECT_EQ(start(1)->block(), 0U);
}

TEST_F(NurseryTest, HasABlockForNoMoreThanSoManyProcesses) {
  std::vector<std::unique_ptr<Child>> all;
  for (std::size_t i = 0; i < kMostBlocks; ++i) all.push_back(start(0));
  const auto one_more = nursery.start(0, crew.generation(), false, nobody);
  ASSERT_FALSE(one_more);
  EXPECT_EQ(one_more.error().text, "too many processes still run");
}

}  // namespace
}  // namespace tcp_echo::test
