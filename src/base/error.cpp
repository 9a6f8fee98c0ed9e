#include "tcp_echo/base/error.hpp"

#include <cerrno>
#include <system_error>

namespace tcp_echo {

Error system_error(std::string_view attempted, int error_number) {
  const bool forbidden = error_number == EACCES || error_number == EPERM;
  std::string text(attempted);
  text += ": ";
  text += std::generic_category().message(error_number);
  return Error{forbidden ? ExitCode::kNoPermission : ExitCode::kOsError, std::move(text)};
}

}  // namespace tcp_echo
