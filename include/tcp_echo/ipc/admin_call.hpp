// How a master calls the admin process into being: as WorkerCall, with other descriptors.
#pragma once

#include <string>
#include <vector>

namespace tcp_echo {

inline constexpr int kAdminListenerDescriptor = 4;
inline constexpr int kAdminProgramDescriptor = 5;

/// argv, the program's name first: "tcp-echo-master admin".
std::vector<std::string> admin_argv();

/// `arguments` without the program's name.
bool is_admin_call(const std::vector<std::string>& arguments);

}  // namespace tcp_echo
