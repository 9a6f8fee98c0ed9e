#include "departures.hpp"

#include <algorithm>
#include <utility>

namespace tcp_echo {

Leaver& Departures::add(unsigned slot, std::unique_ptr<Child> worker) {
  const auto place = leavers_.emplace(leavers_.end());
  *place = std::make_unique<Leaver>(household_, slot, std::move(worker), [this, place] { erase(place); });
  return **place;
}

void Departures::restore(const std::vector<LeaverRecord>& records) {
  for (const auto& record : records) {
    const auto place = leavers_.emplace(leavers_.end());
    *place = std::make_unique<Leaver>(household_, record, [this, place] { erase(place); });
  }
}

void Departures::erase(Place place) {
  leavers_.erase(place);
  household_.settle();
}

void Departures::hand_over() {
  for (const auto& leaver : leavers_) {
    if (!leaver->has_begun()) leaver->hand_over();
  }
}

void Departures::drain() {
  for (const auto& leaver : leavers_) leaver->drain();
}

void Departures::stop() {
  for (const auto& leaver : leavers_) leaver->stop();
}

void Departures::abort_hung(std::chrono::milliseconds since_last_look) {
  for (const auto& leaver : leavers_) leaver->abort_if_hung(since_last_look);
}

void Departures::change_log(int descriptor, const LogMessage& how) {
  for (const auto& leaver : leavers_) leaver->change_log(descriptor, how);
}

bool Departures::is_moving() const {
  return std::any_of(leavers_.begin(), leavers_.end(),
                     [](const auto& leaver) { return leaver->stage() == LeaverStage::kMoving; });
}

std::vector<LeaverRecord> Departures::record() const {
  std::vector<LeaverRecord> records;
  for (const auto& leaver : leavers_) records.push_back(leaver->record());
  return records;
}

}  // namespace tcp_echo
