#include "fleet/census.hpp"

#include <gtest/gtest.h>

#include "support/household.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

struct CensusTest : HouseholdTest {
  /// Of workers that all have places.
  void ask(std::uint64_t place = 0) {
    std::vector<Census::Resident> residents;
    for (const auto& [slot, worker] : workers)
      residents.push_back({CensusPlace::of_placed(*worker), worker.get()});
    census.ask(residents, {.place = place}, [this](const ConnectionPage& page) { pages.push_back(page); });
  }
  void answer(FakeProcess& process, unsigned slot, std::uint32_t next = 0) {
    census.on_listed(worker(slot), {process.last<ListMessage>().number, next, {}});
  }

  std::vector<ConnectionPage> pages;
};

TEST_F(CensusTest, BringsAWorkersAnswerToTheOneWhoAsked) {
  auto& process = let_serve(1);
  ask();
  EXPECT_TRUE(pages.empty());
  census.on_listed(worker(1), {process.last<ListMessage>().number, 77, {{.received = 5}}});
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_EQ(pages[0].worker, 2U);
  EXPECT_EQ(pages[0].pid, worker(1).pid());
  EXPECT_EQ(pages[0].connections, std::vector{ListedConnection{.received = 5}});
  EXPECT_EQ(pages[0].complaint, "");
  ask(pages[0].next);
  EXPECT_EQ(process.last<ListMessage>().place, 77U) << "there it goes on";
}

TEST_F(CensusTest, MeetsEachWorkerOnceAndThenEnds) {
  auto& first = let_serve(0);
  auto& second = let_serve(2);
  ask();
  answer(first, 0);
  ask(pages.at(0).next);
  answer(second, 2);
  EXPECT_EQ(pages.at(1).worker, 3U);
  ask(pages.at(1).next);
  EXPECT_EQ(pages.at(2).worker, 0U);
  EXPECT_EQ(pages.at(2).next, 0U);
  EXPECT_EQ(first.count<ListMessage>() + second.count<ListMessage>(), 2U);
}

TEST_F(CensusTest, MeetsThoseThatLeaveFirstSoThatWhatMovesIsNotMissed) {
  let_serve(0);
  const auto leaver = start(2);
  const auto other_leaver = start(2);
  const std::vector<Census::Resident> residents = {
      {CensusPlace::of_placed(worker(0)), &worker(0)},
      {CensusPlace::of_leaver(*other_leaver), other_leaver.get()},
      {CensusPlace::of_leaver(*leaver), leaver.get()}};
  std::vector<pid_t> met;
  std::uint64_t place = 0;
  for (std::size_t i = 1; i <= residents.size(); ++i) {
    census.ask(residents, {.place = place}, [&](const ConnectionPage& page) {
      met.push_back(page.pid);
      place = page.next;
    });
    for (const auto& resident : residents) census.on_worker_gone(*resident.worker);
    ASSERT_EQ(met.size(), i);
  }
  EXPECT_EQ(met, (std::vector{leaver->pid(), other_leaver->pid(), worker(0).pid()}));
}

TEST_F(CensusTest, BeginsAnewWithAWorkerThatHasTakenThePlaceOfOneItWasAmidst) {
  auto& former = let_serve(1);
  ask();
  answer(former, 1, 50);
  auto left = std::move(workers[1]);
  auto& successor = let_serve(1);
  ask(pages.at(0).next);
  EXPECT_EQ(successor.last<ListMessage>().place, 0U);
  EXPECT_TRUE(successor.was_told<ListMessage>());
}

TEST_F(CensusTest, AsksAWorkerOneQuestionAfterTheOther) {
  auto& process = let_serve(0);
  auto& other = let_serve(1);
  for (int i = 0; i < 32; ++i) ask();
  EXPECT_EQ(process.count<ListMessage>(), 1U) << "all answers at once would not fit into its channel";
  ask(CensusPlace{true, 2}.number());
  EXPECT_EQ(other.count<ListMessage>(), 1U) << "another worker has a channel of its own";
  for (std::size_t i = 1; i <= 32; ++i) {
    EXPECT_EQ(process.count<ListMessage>(), i);
    answer(process, 0);
    EXPECT_EQ(pages.size(), i);
  }
  answer(process, 0);
  EXPECT_EQ(pages.size(), 32U) << "nobody waits for that";
}

TEST_F(CensusTest, IgnoresWhatItHasNotAsked) {
  auto& process = let_serve(0);
  let_serve(1);
  ask();
  const auto number = process.last<ListMessage>().number;
  census.on_listed(worker(0), {number - 1, 0, {}});
  census.on_listed(worker(1), {number, 0, {}});
  EXPECT_TRUE(pages.empty());
}

TEST_F(CensusTest, NumbersNoQuestionAsAFormerProgramDid) {
  auto& process = let_serve(0);
  ask();
  const auto before = process.last<ListMessage>().number;
  clock.turn(1ms);
  Census next(clock);
  next.ask({{CensusPlace::of_placed(worker(0)), &worker(0)}}, {}, [](const ConnectionPage&) {});
  EXPECT_GT(process.last<ListMessage>().number, before + 1000);
}

TEST_F(CensusTest, GoesOnWithoutAWorkerThatIsSilent) {
  auto& process = let_serve(0);
  let_serve(1);
  ask();
  ask();
  clock.turn(1s);
  EXPECT_TRUE(pages.empty());
  clock.turn(2s);
  ASSERT_EQ(pages.size(), 2U) << "who waits behind a question need not wait for longer";
  for (const auto& page : pages) EXPECT_EQ(page.complaint, worker(0).name() + " does not answer");
  ask();
  ASSERT_EQ(pages.size(), 3U) << "it owes an answer still";
  EXPECT_EQ(pages[2].complaint, worker(0).name() + " does not answer");
  EXPECT_EQ(process.count<ListMessage>(), 1U);
  answer(process, 0);
  EXPECT_EQ(pages.size(), 3U) << "too late";
  ask();
  EXPECT_EQ(process.count<ListMessage>(), 2U) << "it answers again";
  ask(pages[0].next);
  census.on_worker_gone(worker(1));
  EXPECT_EQ(pages.back().worker, 2U) << "the next one's turn";
}

TEST_F(CensusTest, GoesOnWithoutAWorkerThatHasGone) {
  auto& process = let_serve(0);
  ask();
  process.be_deaf(true);
  ask();
  EXPECT_TRUE(pages.empty());
  census.on_worker_gone(worker(0));
  ASSERT_EQ(pages.size(), 2U);
  for (const auto& page : pages)
    EXPECT_EQ(page.complaint, "") << "its connections are gone, or another worker's";
}

TEST_F(CensusTest, TakesAWorkerThatCannotBeToldForOneThatIsSilentOrHasEnded) {
  auto& process = let_serve(0);
  process.be_deaf(true);
  ask();
  EXPECT_TRUE(pages.empty()) << "the next that is heard may be that it has ended";
  clock.turn(3s);
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_EQ(pages[0].complaint, worker(0).name() + " does not answer");
  process.be_deaf(false);
  ask();
  EXPECT_TRUE(process.was_told<ListMessage>());
}

TEST_F(CensusTest, SaysWhichWorkerDoesNotUnderstand) {
  let_serve(0).speak_another_version();
  ask();
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_EQ(pages[0].complaint, worker(0).name() + " speaks another protocol version");
}

TEST(CensusPlace, IsANumberThatAnyReaderOfJsonKeepsAsItIs) {
  const CensusPlace last{true, kMostSlots, kMostBlocks - 1, (1U << 29U) - 1};
  EXPECT_LT(last.number(), std::uint64_t{1} << 53U);
  for (const auto& place : {CensusPlace{}, CensusPlace{true}, CensusPlace{false, 1, 2, 3}, last}) {
    EXPECT_EQ(CensusPlace::from_number(place.number()), place);
    EXPECT_LE(place.number(), last.number());
  }
}

TEST(CensusPlace, BehindAWorkerIsBeforeTheNextOne) {
  const CensusPlace leaver{false, 1, kMostBlocks - 1};
  EXPECT_GT(leaver.behind().number(), leaver.number());
  EXPECT_LE(leaver.behind().number(), (CensusPlace{false, 2}.number()));
  EXPECT_EQ((CensusPlace{true, 1, 7, 9}.behind()), (CensusPlace{true, 2}));
}

}  // namespace
}  // namespace tcp_echo::test
