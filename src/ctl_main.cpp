// tcp-echo-ctl: says in one line what went wrong, and with which exit code.

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/ctl/ctl.hpp"

namespace tcp_echo {
namespace {

int complain(const char* text, ExitCode code) {
  std::fprintf(stderr, "tcp-echo-ctl: %s\n", text);
  return static_cast<int>(code);
}

int run(const std::vector<std::string>& arguments) {
  try {
    return static_cast<int>(run_ctl(arguments));
  } catch (const FatalError& error) {
    return complain(error.what(), error.code());
  } catch (const std::exception& error) {
    return complain(error.what(), ExitCode::kSoftware);
  }
}

}  // namespace
}  // namespace tcp_echo

int main(int argc, char** argv) { return tcp_echo::run({argv + 1, argv + argc}); }
