#include "tcp_echo/base/error.hpp"

#include <cerrno>
#include <system_error>

namespace tcp_echo {

std::string reason_of(int error_number) { return std::generic_category().message(error_number); }

Error system_error(std::string_view attempted, int error_number) {
  const bool forbidden = error_number == EACCES || error_number == EPERM;
  std::string text(attempted);
  text += ": ";
  text += reason_of(error_number);
  return Error{forbidden ? ExitCode::kNoPermission : ExitCode::kOsError, std::move(text)};
}

}  // namespace tcp_echo
