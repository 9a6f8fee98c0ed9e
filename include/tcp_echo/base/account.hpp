// Users and groups by name: getpwnam(3), getgrnam(3). What they answer depends on the machine, and may come
// over a network; ask once, while starting up.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace tcp_echo {

struct UserAccount {
  uid_t id;
  gid_t primary_group;
};

/// Nothing if there is no such user, or getpwnam(3) fails. Not safe in threads.
std::optional<UserAccount> find_user(const std::string& name);

/// As find_user().
std::optional<gid_t> find_group(const std::string& name);

}  // namespace tcp_echo
