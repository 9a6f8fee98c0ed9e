#include "tcp_echo/base/account.hpp"

#include <grp.h>
#include <pwd.h>

namespace tcp_echo {

std::optional<UserAccount> find_user(const std::string& name) {
  const passwd* const entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return std::nullopt;
  return UserAccount{entry->pw_uid, entry->pw_gid};
}

std::optional<gid_t> find_group(const std::string& name) {
  const group* const entry = ::getgrnam(name.c_str());
  if (entry == nullptr) return std::nullopt;
  return entry->gr_gid;
}

}  // namespace tcp_echo
