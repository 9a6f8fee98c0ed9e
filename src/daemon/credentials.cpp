#include "tcp_echo/daemon/credentials.hpp"

#include <unistd.h>

#include "tcp_echo/base/account.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {

Result<Credentials> find_credentials(const std::string& user, const std::string& group) {
  Credentials credentials;
  if (user.empty() && group.empty()) return credentials;
  if (::geteuid() != 0) {
    return failure(ExitCode::kNoPermission, std::string(user.empty() ? "--group" : "--user") +
                                                ": only root can start workers as others");
  }
  if (!user.empty()) {
    const auto account = find_user(user);
    if (!account) return failure(ExitCode::kConfig, "--user: there is no user " + in_quotes(user));
    credentials = {account->id, account->primary_group};
  }
  if (!group.empty()) {
    credentials.group = find_group(group);
    if (!credentials.group)
      return failure(ExitCode::kConfig, "--group: there is no group " + in_quotes(group));
  }
  return credentials;
}

}  // namespace tcp_echo
