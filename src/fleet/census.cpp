#include "census.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "tcp_echo/ipc/scoreboard.hpp"
#include "tcp_echo/loop/deadline.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

/// How long a worker may take to answer. A loop that turns does so in less than a millisecond.
constexpr auto kPatienceForAPage = 2s;

// The bits of a place's number, from the lowest on.
constexpr unsigned kDescriptorBits = 29;
constexpr unsigned kBlockBits = 12;
constexpr unsigned kSlotBits = 11;
static_assert(kMostBlocks <= std::size_t{1} << kBlockBits && kMostSlots < std::size_t{1} << kSlotBits);

constexpr std::uint64_t lowest(std::uint64_t number, unsigned bits) {
  return number & ((std::uint64_t{1} << bits) - 1);
}

}  // namespace

std::uint64_t CensusPlace::number() const noexcept {
  std::uint64_t number = is_placed ? 1 : 0;
  number = (number << kSlotBits) + slot;
  number = (number << kBlockBits) + block;  // which may be one too many, and then it is the next slot
  return (number << kDescriptorBits) + lowest(descriptor, kDescriptorBits);
}

CensusPlace CensusPlace::from_number(std::uint64_t number) noexcept {
  CensusPlace place;
  place.descriptor = static_cast<std::uint32_t>(lowest(number, kDescriptorBits));
  number >>= kDescriptorBits;
  place.block = static_cast<std::uint32_t>(lowest(number, kBlockBits));
  number >>= kBlockBits;
  place.slot = static_cast<unsigned>(lowest(number, kSlotBits));
  place.is_placed = number >> kSlotBits != 0;
  return place;
}

CensusPlace CensusPlace::of_placed(const Child& worker) noexcept {
  return {true, worker.number(), static_cast<std::uint32_t>(worker.block())};
}

CensusPlace CensusPlace::of_leaver(const Child& worker) noexcept {
  return {false, worker.number(), static_cast<std::uint32_t>(worker.block())};
}

CensusPlace CensusPlace::begin() const noexcept { return {is_placed, slot, block}; }

CensusPlace CensusPlace::behind() const noexcept {
  return is_placed ? CensusPlace{true, slot + 1} : CensusPlace{false, slot, block + 1};
}

struct Census::Question {
  void answer(const Child& worker, const ListedMessage& listed, std::string complaint = {}) const {
    auto next = place;
    next.descriptor = listed.next;
    if (listed.next == 0) next = place.behind();
    on_page({.worker = worker.number(),
             .pid = worker.pid(),
             .connections = listed.connections,
             .next = next.number(),
             .complaint = std::move(complaint)});
  }

  CensusPlace place;
  std::optional<Network> peers;
  OnConnectionPage on_page;
};

/// What one worker is asked, one after the other: its answers must fit into its channel, beside all else that
/// it has to say.
struct Census::Line {
  Line(Timekeeper& clock, std::function<void()> on_silence) : silence(clock, std::move(on_silence)) {}

  std::deque<Question> questions;  ///< the first has been put to the worker
  std::uint64_t owed = 0;          ///< the number of the question that it has not answered; 0: there is none
  Deadline silence;
};

namespace {

/// The worker with which a walk that stands there goes on; null if it has met all.
const Census::Resident* first_not_met(const std::vector<Census::Resident>& residents,
                                      const CensusPlace& from) {
  const Census::Resident* first = nullptr;
  for (const auto& resident : residents) {
    const auto& place = resident.place;
    // Whichever worker has a slot now, it is the one that the walk is amidst, or has its connections.
    const bool was_met = place.is_placed ? from.is_placed && place.slot < from.slot : place < from.begin();
    if (!was_met && (first == nullptr || place < first->place)) first = &resident;
  }
  return first;
}

}  // namespace

/// The numbers begin with the time, so that a late answer to the program before this one (an upgrade) answers
/// no question of this one.
Census::Census(Timekeeper& clock)
    : clock_(clock), last_number_(static_cast<std::uint64_t>(clock.now().count()) << 20U) {}

Census::~Census() = default;

void Census::ask(const std::vector<Resident>& residents, const ConnectionQuery& query,
                 OnConnectionPage on_page) {
  const auto from = CensusPlace::from_number(query.place);
  const auto* const next = first_not_met(residents, from);
  if (next == nullptr) return on_page({});
  auto& worker = *next->worker;
  Question question{next->place == from.begin() ? from : next->place, query.peers, std::move(on_page)};
  if (!worker.is_reachable())
    return question.answer(worker, {}, worker.name() + " speaks another protocol version");
  auto& line = line_of(worker);
  const bool has_been_silent = line.owed != 0 && line.questions.empty();
  if (has_been_silent) return question.answer(worker, {}, worker.name() + " does not answer");
  line.questions.push_back(std::move(question));
  if (line.questions.size() == 1) ask_next(worker, line);
}

Census::Line& Census::line_of(Child& worker) {
  auto& line = lines_[&worker];
  if (line == nullptr) line = std::make_unique<Line>(clock_, [this, &worker] { on_silence(worker); });
  return *line;
}

void Census::ask_next(Child& worker, Line& line) {
  const auto& question = line.questions.front();
  const auto number = ++last_number_;
  line.silence.start(kPatienceForAPage);
  if (worker.try_tell(ListMessage{number, question.place.descriptor, question.peers}))
    line.owed = number;  // else it has ended, or reads nothing
}

void Census::on_listed(Child& worker, const ListedMessage& message) {
  auto& line = line_of(worker);
  if (message.number != line.owed) return;
  line.owed = 0;
  if (line.questions.empty()) return;  // it comes too late
  line.silence.stop();
  const auto question = std::move(line.questions.front());
  line.questions.pop_front();
  if (!line.questions.empty()) ask_next(worker, line);
  question.answer(worker, message);
}

void Census::on_worker_gone(const Child& worker) {
  const auto line = lines_.extract(&worker);
  if (line.empty()) return;
  for (const auto& question : line.mapped()->questions) question.answer(worker, {});
}

/// Those who wait behind the question that was put to it would wait for as long.
void Census::on_silence(Child& worker) {
  for (const auto& question : std::exchange(line_of(worker).questions, {}))
    question.answer(worker, {}, worker.name() + " does not answer");
}

}  // namespace tcp_echo
