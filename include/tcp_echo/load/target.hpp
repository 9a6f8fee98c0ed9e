// Where the connections of a load lead to, and where they come from.
#pragma once

#include <string>
#include <vector>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

/// What HOST:PORT means. Numbers are taken as they are. Of a name's addresses it is the first that accepts a
/// connection, in the resolver's order (RFC 6724): a server may well listen on one of them alone. If none
/// does it is the first of all, and the run will show why. With `sources` it is of their family.
/// Blocks. kUsage for another form of text, or another family than that of `sources`; kUnavailable for a name
/// that the resolver does not know.
Result<Endpoint> find_target(const std::string& text, const std::vector<Endpoint>& sources);

/// Makes a socket connect from that address, with a port that is chosen in connect(2): so it need only be
/// free for that one target (IP_BIND_ADDRESS_NO_PORT, ip(7)). 0 or an errno.
int bind_source(int fd, const Endpoint& source) noexcept;

/// Whether connections may come from each of them. kUnavailable if not.
Result<void> check_sources(const std::vector<Endpoint>& sources);

}  // namespace tcp_echo
