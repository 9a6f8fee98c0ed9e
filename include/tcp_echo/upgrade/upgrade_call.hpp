// How a master calls the program that is to take its place, and what that one answers. Old and new use this,
// so it outlives any version: it may be added to, and never changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo {

inline constexpr const char* kPreflightWord = "preflight";
inline constexpr const char* kTakeOverWord = "take-over";

struct UpgradeCall {
  enum class Purpose {
    kPreflight,  ///< say whether you could, and leave
    kTakeOver,   ///< by execve(2): you are the master now
  };
  Purpose purpose = Purpose::kPreflight;
  int state = -1;     ///< descriptor of a sealed memfd with an UpgradeState
  int program = -1;   ///< descriptor of the file that is being run
  int fallback = -1;  ///< of the file to run if the state cannot be taken over; -1: there is none
  std::vector<std::string> arguments;  ///< those that the daemon was started with
  bool operator==(const UpgradeCall&) const = default;
};

/// argv, the program's name first: "tcp-echo-master preflight STATE PROGRAM FALLBACK ARGUMENT...".
std::vector<std::string> to_argv(const UpgradeCall& call);

/// execve(2) of the call's program. Returns only if that fails, with errno set.
void execute_upgrade(const UpgradeCall& call);

/// `arguments` without the program's name. Nothing if this is no such call.
std::optional<UpgradeCall> parse_upgrade_call(const std::vector<std::string>& arguments);

/// What a preflight that went well writes to stdout. Another program, put there by mistake, does not.
inline constexpr const char* kPreflightAnswer = "tcp-echo-master: ready to take over\n";

/// The text, sealed (ipc/sealed_text.hpp).
Result<UniqueFd> make_state_file(const std::string& text);

/// What make_state_file() wrote; kSoftware if that is no such file.
Result<std::string> read_state_file(int fd);

}  // namespace tcp_echo
