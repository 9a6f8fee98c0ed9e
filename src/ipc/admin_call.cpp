#include "tcp_echo/ipc/admin_call.hpp"

namespace tcp_echo {
namespace {

constexpr const char* kAdminRole = "admin";

}  // namespace

std::vector<std::string> admin_argv() { return {"tcp-echo-master", kAdminRole}; }

bool is_admin_call(const std::vector<std::string>& arguments) {
  return arguments.size() == 1 && arguments.front() == kAdminRole;
}

}  // namespace tcp_echo
