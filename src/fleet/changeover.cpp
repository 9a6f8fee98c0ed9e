#include "changeover.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

#include "tcp_echo/base/overloaded.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {

/// A worker that has no place yet.
class Changeover::Beginner final : private Child::Holder {
 public:
  Beginner(Changeover& changeover, unsigned slot) : changeover_(changeover), slot_(slot) {}

  Result<void> start(const Generation& generation) {
    auto worker = changeover_.household_.nursery.start(slot_, generation, true, *this);
    if (!worker) return tl::unexpected(worker.error());
    candidate_.worker = std::move(*worker);
    return {};
  }

  Child& worker() const noexcept { return *candidate_.worker; }
  Candidate take() { return std::move(candidate_); }

 private:
  void on_message(Child& child, const ToMaster& message) override {
    const auto too_early = [&child] { child.kill_for("sent a message before its time"); };
    std::visit(
        Overloaded{
            [&](const ReadyMessage&) {
              child.note_ready();
              changeover_.on_ready();
            },
            [&](const LeavingMessage&) { candidate_.wants_successor = true; },  // after a signal
            [&](const StrandedMessage&) { too_early(); }, [&](const EmptiedMessage&) { too_early(); },
            [&](const RefuseLoanMessage&) { too_early(); }, [&](const ClearedMessage&) { too_early(); },
            [&](const RefuseClearMessage&) { too_early(); }, [&](const ListedMessage&) { too_early(); },
            [&](const BeatMessage&) { too_early(); },
            [&](const LimitMessage& limit) { note_limit(child, limit, changeover_.household_.events); }},
        message);
  }

  void on_exit(Child& child, const ExitStatus& status) override {
    auto& changeover = changeover_;
    const auto death = changeover.household_.nursery.bury(slot_, child, status);
    changeover.beginners_.erase(slot_);  // this object
    changeover.host_.on_candidate_failed({ExitCode::kTemporary, death.text});
  }

  Changeover& changeover_;
  unsigned slot_;
  Candidate candidate_;
};

Changeover::Changeover(const Household& household, Host& host)
    : household_(household), host_(host), late_(household.clock, [this] { on_late(); }) {}

Changeover::~Changeover() = default;

void Changeover::begin(Movement movement) {
  movement_.emplace(std::move(movement));
  for (const auto slot : movement_->renewed) {
    auto beginner = std::make_unique<Beginner>(*this, slot);
    if (auto started = beginner->start(*movement_->generation); !started) {
      return host_.on_candidate_failed({started.error().code, fmt::format("worker {} cannot be started: {}",
                                                                          slot + 1, started.error().text)});
    }
    beginners_.emplace(slot, std::move(beginner));
  }
  if (beginners_.empty()) return host_.on_candidates_ready();
  late_.start(movement_->generation->config.ready_timeout);
}

Movement Changeover::finish() {
  late_.stop();
  auto movement = std::move(*movement_);
  movement_.reset();
  return movement;
}

Candidate Changeover::take(unsigned slot) {
  const auto beginner = beginners_.extract(slot);
  return beginner.empty() ? Candidate{} : beginner.mapped()->take();
}

void Changeover::change_log(int descriptor, const LogMessage& how) {
  for (const auto& [slot, beginner] : beginners_) beginner->worker().change_log(descriptor, how);
}

void Changeover::on_ready() {
  const auto is_ready = [](const auto& each) { return each.second->worker().was_ready(); };
  if (std::all_of(beginners_.begin(), beginners_.end(), is_ready)) host_.on_candidates_ready();
}

void Changeover::on_late() {
  const auto late = std::find_if(beginners_.begin(), beginners_.end(),
                                 [](const auto& each) { return !each.second->worker().was_ready(); });
  host_.on_candidate_failed(
      {ExitCode::kTemporary,
       fmt::format("{} is not ready after {} (--ready-timeout)", late->second->worker().name(),
                   format_duration(movement_->generation->config.ready_timeout))});
}

}  // namespace tcp_echo
