// std::visit with one lambda per alternative.
#pragma once

namespace tcp_echo {

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

}  // namespace tcp_echo
