#include "soak/plan.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "support/dice.hpp"

namespace tcp_echo::test {
namespace {

std::string variable(const char* name, const char* otherwise) {
  const char* const given = std::getenv(name);
  return given == nullptr ? otherwise : given;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) words.push_back(word);
  return words;
}

ChangeKind draw_kind(Dice& dice, const std::vector<ChangeRow>& rows) {
  unsigned sum = 0;
  for (const auto& row : rows) sum += row.weight;
  auto ticket = dice.below(sum);
  for (const auto& row : rows) {
    if (ticket < row.weight) return row.kind;
    ticket -= row.weight;
  }
  return rows.back().kind;
}

/// Most come alone; some right behind another one, while that has just begun.
std::chrono::milliseconds draw_interval(Dice& dice, double changes_per_minute) {
  if (dice.once_in(5)) return std::chrono::milliseconds(dice.below(20));
  const auto mean = static_cast<std::size_t>(60'000 / changes_per_minute * 5 / 4);
  return std::chrono::milliseconds(dice.below(2 * mean));
}

}  // namespace

WalkOptions WalkOptions::from_environment() {
  const auto seconds = std::stol(variable("ECHO_WALK_SECONDS", "50"));
  return {.duration = std::chrono::seconds(seconds),
          .seed = first_seed(),
          .changes_per_minute = std::stod(variable("ECHO_WALK_CHANGES", "100")),
          .without = words_of(variable("ECHO_WALK_WITHOUT", ""))};
}

std::string_view name_of(ChangeKind kind) {
  const auto* const row = std::find_if(kChanges.begin(), kChanges.end(),
                                       [kind](const ChangeRow& each) { return each.kind == kind; });
  return row->name;
}

std::vector<Change> draw_plan(const WalkOptions& options) {
  std::vector<ChangeRow> rows(kChanges.begin(), kChanges.end());
  std::erase_if(rows, [&options](const ChangeRow& row) {
    return std::find(options.without.begin(), options.without.end(), row.name) != options.without.end();
  });
  Dice dice(options.seed);
  std::vector<Change> plan;
  for (auto at = std::chrono::milliseconds(1000); at < options.duration && !rows.empty();) {
    const auto kind = draw_kind(dice, rows);
    plan.push_back({at, kind, dice.number()});
    at += draw_interval(dice, options.changes_per_minute);
  }
  return plan;
}

}  // namespace tcp_echo::test
