// How a master calls a process into being: the same program with other arguments, and descriptors at agreed
// numbers. Both sides use this, so that they cannot disagree.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tcp_echo {

inline constexpr int kLogDescriptor = 2;
inline constexpr int kControlDescriptor = 3;
inline constexpr int kFirstListenerDescriptor = 4;
inline constexpr std::size_t kMostListenersOfAChild = 64;

/// The words of a role that a master has processes for.
struct ChildRole {
  std::string_view word;   ///< as it is called, and as the log names it
  std::string_view title;  ///< in ps(1)
  bool is_single = false;  ///< there is one of it, which has no number where a person reads it
};
inline constexpr ChildRole kWorkerRole{"worker", "wrk"};
inline constexpr ChildRole kAdminRole{"admin", "admin", true};

/// "tcp-echo[wrk2]", "tcp-echo[admin]".
std::string title_of(const ChildRole& role, unsigned number);
/// Whether a process that is called so is one of that role.
bool is_title_of(const ChildRole& role, std::string_view title);

struct RoleCall {
  unsigned number = 0;        ///< which of that role, counted from 1: a worker's slot
  std::size_t listeners = 0;  ///< their descriptors follow each other
  bool operator==(const RoleCall&) const = default;

  /// The program file, which is needed only to get it started.
  int program_descriptor() const noexcept { return kFirstListenerDescriptor + static_cast<int>(listeners); }
  /// The log, which the child puts in the place of kLogDescriptor; the last of the descriptors. uv_spawn(3)
  /// would make 0 to 2 wait again: it clears their O_NONBLOCK, which all processes with that log share.
  int log_descriptor() const noexcept { return program_descriptor() + 1; }
};

/// argv, the program's name first: "tcp-echo-master worker NUMBER LISTENERS".
std::vector<std::string> to_argv(const ChildRole& role, const RoleCall& call);

/// `arguments` without the program's name. Nothing if this is no call of that role.
std::optional<RoleCall> parse_role_call(const ChildRole& role, const std::vector<std::string>& arguments);

}  // namespace tcp_echo
