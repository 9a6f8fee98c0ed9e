#include "tcp_echo/load/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace tcp_echo {
namespace {

/// ECMA-48's EL: what follows the cursor in its line goes.
constexpr const char* kEraseToEnd = "\x1b[K";

bool can_go_back(int fd) {
  const char* const kind = std::getenv("TERM");
  return ::isatty(fd) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

/// A line that is wider would fill two, of which only the second could be written again.
void fit(std::string& line) {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 && line.size() >= size.ws_col)
    line.resize(size.ws_col - 1U);
}

}  // namespace

Progress::Progress() : is_terminal_(can_go_back(STDERR_FILENO)) {}

Progress::~Progress() {
  if (is_shown_) std::fprintf(stderr, "\r%s", kEraseToEnd);
}

void Progress::show(std::string line) {
  if (!is_terminal_) {
    std::fprintf(stderr, "%s\n", line.c_str());
    return;
  }
  fit(line);
  std::fprintf(stderr, "\r%s%s", line.c_str(), kEraseToEnd);
  is_shown_ = true;
}

}  // namespace tcp_echo
