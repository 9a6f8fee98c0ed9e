// A worker's connections in words, for the master that asks for them.
#pragma once

#include "tcp_echo/echo/connection_table.hpp"
#include "tcp_echo/ipc/message.hpp"

namespace tcp_echo {

/// Looks at no more than kMostListed of them: the echo waits meanwhile.
ListedMessage list_connections(const ConnectionTable& table, const ListMessage& question);

}  // namespace tcp_echo
