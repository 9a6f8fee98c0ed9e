#include "fleet/fake_worker.hpp"

#include <array>
#include <string_view>

#include "tcp_echo/base/overloaded.hpp"

namespace tcp_echo::test {
namespace {

// In the order of the variant.
constexpr std::array<std::string_view, std::variant_size_v<Message>> kNames = {
    "CONFIGURE", "ACCEPT",  "SUCCESSOR",   "PREDECESSOR", "DRAIN",        "STOP",      "LEND",
    "TAKE BACK", "CLEAR",   "GIVE UP",     "LET GO",      "LOG",          "READY",     "LEAVING",
    "STRANDED",  "EMPTIED", "REFUSE LOAN", "CLEARED",     "REFUSE CLEAR", "HAND OVER", "TAKEN OVER"};

}  // namespace

std::string text_of(const Message& message) {
  const auto name = std::string(kNames[message.index()]);
  const auto number = std::visit(
      [](const auto& each) -> std::string {
        if constexpr (requires { each.slot; }) return " " + std::to_string(each.slot);
        if constexpr (requires { each.number; }) return " " + std::to_string(each.number);
        return "";
      },
      message);
  return name + number;
}

WorkerAction Duties::handle(WorkerEvent event) {
  const auto [next, action] = step(phase, event);
  phase = next;
  if (action == WorkerAction::kCloseAll) {
    desks.clear();
    clearings.clear();
  }
  return action;
}

WorkerAction Duties::hear(const FakeProcess::Told& told) {
  constexpr auto kNone = WorkerAction::kNone;
  return std::visit(Overloaded{
                        [&](const ConfigureMessage& configure) {
                          waits = configure.waits;
                          return handle(WorkerEvent::kConfigured);
                        },
                        [&](const AcceptMessage&) {
                          waits = false;
                          return kNone;
                        },
                        [&](const SuccessorMessage&) { return handle(WorkerEvent::kSuccessor); },
                        [&](const DrainMessage&) { return handle(WorkerEvent::kDrainAsked); },
                        [&](const StopMessage&) { return handle(WorkerEvent::kStopAsked); },
                        [&](const LendMessage& lend) {
                          if (phase == WorkerPhase::kConfiguring)
                            return handle(WorkerEvent::kStopAsked);  // it makes no sense
                          if (serves()) desks[lend.slot - 1] = told.descriptors;
                          return kNone;
                        },
                        [&](const TakeBackMessage& take_back) {
                          desks.erase(take_back.slot - 1);
                          return kNone;
                        },
                        [&](const ClearMessage& clear) {
                          if (phase != WorkerPhase::kConfiguring && phase != WorkerPhase::kLeaving)
                            clearings[clear.number] = told.descriptors;
                          return kNone;
                        },
                        [&](const GiveUpMessage& give_up) {
                          clearings.erase(give_up.number);
                          return kNone;
                        },
                        [&](const LetGoMessage&) {
                          desks.clear();
                          return kNone;
                        },
                        [&](const auto&) { return kNone; },
                    },
                    told.message);
}

bool Duties::accepts_from(int listener) const {
  return accepts() && std::any_of(desks.begin(), desks.end(), [listener](const auto& desk) {
           return std::find(desk.second.begin(), desk.second.end(), listener) != desk.second.end();
         });
}

std::string FakeWorker::name() const {
  return "worker " + std::to_string(slot_ + 1) + " (pid " + std::to_string(process_.pid()) + ")";
}

std::vector<FakeProcess::Told> FakeWorker::note_told() {
  const auto& told = process_.told();
  std::vector<FakeProcess::Told> fresh(told.begin() + static_cast<std::ptrdiff_t>(noted_count_), told.end());
  for (const auto& each : fresh) outlook_.hear(each);
  noted_count_ = told.size();
  return fresh;
}

/// What comes after it may change how things will be: so all of that is heard once more.
void FakeWorker::refuse_next() {
  const auto& told = process_.told();
  if (const auto* const lend = std::get_if<LendMessage>(&told[heard_count_].message))
    heard_.desks.erase(lend->slot - 1);
  ++heard_count_;
  outlook_ = heard_;
  for (auto i = heard_count_; i < noted_count_; ++i) outlook_.hear(told[i]);
}

WorkerAction FakeWorker::handle(WorkerEvent event) {
  const auto action = heard_.handle(event);
  outlook_ = heard_;
  for (auto i = heard_count_; i < noted_count_; ++i) outlook_.hear(process_.told()[i]);
  return action;
}

void FakeWorker::forget_clearing(std::uint32_t number) {
  heard_.clearings.erase(number);
  outlook_.clearings.erase(number);
}

}  // namespace tcp_echo::test
