// The user and group that workers run as: --user and --group. The master keeps its own.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

/// What is not set stays as the master has it.
struct Credentials {
  std::optional<uid_t> user;
  std::optional<gid_t> group;
};

/// Empty names ask for nothing. A user comes with its primary group, unless another one is named; there are
/// no supplementary groups. Fails with kNoPermission if this process may not change to others (it has to be
/// root), with kConfig for a name that this machine does not know.
Result<Credentials> find_credentials(const std::string& user, const std::string& group);

}  // namespace tcp_echo
