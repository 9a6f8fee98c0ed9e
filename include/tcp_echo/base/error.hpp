// What went wrong, in one line for a person, and the exit code it means if the program cannot go on.
//
// Code that runs inside a loop returns Result<T>; code that starts a program up may throw FatalError, which
// main() turns into that one line and that code.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "tcp_echo/base/exit_code.hpp"

namespace tcp_echo {

struct Error {
  ExitCode code = ExitCode::kSoftware;
  std::string text;  ///< one line, no newline: what was attempted and why it failed
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> failure(ExitCode code, std::string text) {
  return tl::unexpected<Error>(Error{code, std::move(text)});
}

/// What strerror(3) says: "Permission denied".
std::string reason_of(int error_number);

/// "open /var/log/x: Permission denied". EACCES and EPERM mean kNoPermission, everything else kOsError.
Error system_error(std::string_view attempted, int error_number);

inline tl::unexpected<Error> system_failure(std::string_view attempted, int error_number) {
  return tl::unexpected<Error>(system_error(attempted, error_number));
}

/// Thrown only while a program starts up; never through libuv.
class FatalError : public std::runtime_error {
 public:
  explicit FatalError(const Error& error) : std::runtime_error(error.text), code_(error.code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// Start-up's bridge from Result to exception.
template <class T>
T value_or_throw(Result<T> result) {
  if (!result) throw FatalError(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace tcp_echo
