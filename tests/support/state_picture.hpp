// A table of states as the picture that docs/architecture.md shows, in Mermaid's language.
#pragma once

#include <initializer_list>
#include <span>
#include <string>

namespace tcp_echo::test {

/// A row is {state, event, {state, action}}, and each of these has a name_of(); an action of the value 0 is
/// none.
template <class Row, class State>
std::string picture_of(std::span<const Row> table, State first, std::initializer_list<State> last) {
  std::string text = "```mermaid\nstateDiagram-v2\n  [*] --> " + std::string(name_of(first)) + '\n';
  for (const auto& [state, event, step] : table) {
    const auto& [next, action] = step;
    text += "  " + std::string(name_of(state)) + " --> " + std::string(name_of(next)) + ": " +
            std::string(name_of(event));
    if (static_cast<int>(action) != 0) text += " / " + std::string(name_of(action));
    text += '\n';
  }
  for (const auto state : last) text += "  " + std::string(name_of(state)) + " --> [*]\n";
  return text + "```\n";
}

}  // namespace tcp_echo::test
