#include "census.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
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
  Question(Timekeeper& clock, Child& asked, std::uint64_t its_number, std::function<void()> on_silence)
      : worker(asked), number(its_number), silence(clock, std::move(on_silence)) {}

  void answer(const ListedMessage& listed, std::string complaint = {}) const {
    auto next = place;
    next.descriptor = listed.next;
    if (listed.next == 0) next = place.behind();
    on_page({.worker = worker.number(),
             .pid = worker.pid(),
             .connections = listed.connections,
             .next = next.number(),
             .complaint = std::move(complaint)});
  }

  Child& worker;
  std::uint64_t number;
  CensusPlace place = {};
  std::optional<Network> peers = {};
  OnConnectionPage on_page = {};
  Deadline silence;  ///< it runs from the moment on at which the worker is asked
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
  const auto number = ++last_number_;
  auto question = std::make_unique<Question>(clock_, worker, number, [this, number] { on_silence(number); });
  question->place = next->place == from.begin() ? from : next->place;
  question->peers = query.peers;
  question->on_page = std::move(on_page);
  if (!worker.is_reachable()) return question->answer({}, worker.name() + " speaks another protocol version");
  if (owes_an_answer(worker)) return question->answer({}, worker.name() + " does not answer");
  questions_.push_back(std::move(question));
  ask_next(worker);
}

/// One after the other: what is said on a channel at once must fit into it, beside all else that is said
/// there.
void Census::ask_next(const Child& worker) {
  const auto next = std::find_if(questions_.begin(), questions_.end(),
                                 [&worker](const auto& question) { return &question->worker == &worker; });
  if (next == questions_.end() || (*next)->silence.is_running()) return;
  auto& question = **next;
  question.silence.start(kPatienceForAPage);
  const auto asked =
      question.worker.try_tell(ListMessage{question.number, question.place.descriptor, question.peers});
  if (asked) owed_[&worker] = question.number;  // else it has ended, or reads nothing
}

Census::Questions::iterator Census::find(std::uint64_t number) {
  return std::find_if(questions_.begin(), questions_.end(),
                      [number](const auto& question) { return question->number == number; });
}

/// To a question that nobody waits for any more.
bool Census::owes_an_answer(const Child& worker) {
  const auto owed = owed_.find(&worker);
  return owed != owed_.end() && find(owed->second) == questions_.end();
}

void Census::on_listed(const Child& worker, const ListedMessage& message) {
  const auto owed = owed_.find(&worker);
  if (owed == owed_.end() || owed->second != message.number) return;
  owed_.erase(owed);
  const auto found = find(message.number);
  if (found == questions_.end()) return;
  Questions answered;
  answered.splice(answered.end(), questions_, found);
  answered.front()->answer(message);
  ask_next(worker);
}

void Census::on_worker_gone(const Child& worker) {
  owed_.erase(&worker);
  for (const auto& question : take_all_of(worker)) question->answer({});
}

/// Those who wait behind that question would wait for as long.
void Census::on_silence(std::uint64_t number) {
  const auto& worker = (*find(number))->worker;
  for (const auto& question : take_all_of(worker)) question->answer({}, worker.name() + " does not answer");
}

Census::Questions Census::take_all_of(const Child& worker) {
  Questions taken;
  for (auto question = questions_.begin(); question != questions_.end();) {
    const auto next = std::next(question);
    if (&(*question)->worker == &worker) taken.splice(taken.end(), questions_, question);
    question = next;
  }
  return taken;
}

}  // namespace tcp_echo
