// How a child follows its master to another log.
#pragma once

#include <vector>

#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/ipc/message.hpp"

namespace tcp_echo {

/// `descriptors` came with the message. The log goes on in any case, be it the old one.
void follow_log(const LogMessage& how, const std::vector<UniqueFd>& descriptors);

}  // namespace tcp_echo
