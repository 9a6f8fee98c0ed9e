#include "tcp_echo/base/processor_time.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <ctime>

namespace tcp_echo {

using std::chrono::nanoseconds;

/// It is the second of three numbers.
nanoseconds waited_time(std::string_view schedstat) {
  const auto space = schedstat.find(' ');
  if (space == std::string_view::npos) return {};
  const auto rest = schedstat.substr(space + 1);
  std::int64_t waited = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), waited);
  return nanoseconds(waited);
}

ProcessorClock::ProcessorClock(const std::filesystem::path& schedstat)
    : schedstat_(::open(schedstat.c_str(), O_RDONLY | O_CLOEXEC)) {}

ProcessorTime ProcessorClock::read() const noexcept {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  constexpr std::size_t kLongestLine = 80;  // three numbers of 64 bits
  std::array<char, kLongestLine> line{};
  const auto size = ::pread(schedstat_.get(), line.data(), line.size(), 0);
  const std::string_view text(line.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return {std::chrono::seconds(used.tv_sec) + nanoseconds(used.tv_nsec), waited_time(text)};
}

}  // namespace tcp_echo
