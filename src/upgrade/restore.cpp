#include "tcp_echo/upgrade/restore.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {
namespace {

Endpoint endpoint_from(const std::string& text) {
  const auto endpoint = Endpoint::parse(text);
  if (!endpoint)
    throw FatalError({ExitCode::kConfig, "the state to take over has no address in " + in_quotes(text)});
  return *endpoint;
}

std::vector<ListenerSet::Address> addresses_from(const std::vector<AddressRecord>& records) {
  std::vector<ListenerSet::Address> addresses;
  for (const auto& record : records) {
    auto& address = addresses.emplace_back(
        ListenerSet::Address{endpoint_from(record.wanted), endpoint_from(record.bound), {}, record.id});
    for (const int socket : record.sockets)
      address.by_slot.push_back(socket < 0 ? nullptr : std::make_shared<const UniqueFd>(copy_of(socket)));
  }
  return addresses;
}

}  // namespace

ListenerSet listeners_from(const UpgradeState& state) {
  return ListenerSet::restore(addresses_from(state.addresses), state.listeners_are_inherited,
                              state.next_listener_id);
}

ListenerSet admin_listeners_from(const UpgradeState& state) {
  return ListenerSet::restore(addresses_from(state.admin_addresses), false);
}

std::vector<AddressRecord> records_of(const ListenerSet& listeners) {
  std::vector<AddressRecord> records;
  for (const auto& address : listeners.addresses()) {
    auto& record =
        records.emplace_back(AddressRecord{address.wanted.text(), address.bound.text(), {}, address.id});
    for (const auto& socket : address.by_slot)
      record.sockets.push_back(socket == nullptr ? -1 : socket->get());
  }
  return records;
}

void close_all_but(const std::vector<int>& descriptors, int kept) {
  for (const int fd : descriptors) {
    if (fd != kept) ::close(fd);
  }
  ::fcntl(kept, F_SETFD, FD_CLOEXEC);
}

}  // namespace tcp_echo
