// A forked child of a test, for what belongs to a whole process: its descriptors, its variables, its user.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "tcp_echo/base/unique_fd.hpp"

namespace tcp_echo::test {

/// An ordinary user: "nobody", where it has a name.
inline constexpr uid_t kNobody = 65534;

/// Everything until the other ends are closed.
inline std::string read_to_end(const UniqueFd& fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

struct PipeEnds {
  PipeEnds() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    reading.reset(ends[0]);
    writing.reset(ends[1]);
  }

  UniqueFd reading;
  UniqueFd writing;
};

/// As fork(2); but what stdio holds is written before, or under Valgrind the child writes its copy as well.
inline pid_t fork_with_nothing_unwritten() {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork");
  return child;
}

/// What `body` returns, or what it threw, in a child of its own. Expectations are of no use in there: the
/// test would not hear of them. The child ends with _exit(2), for everything that it would clean up, or find
/// leaked, is its parent's.
template <class Body>
std::string in_child(Body body) {
  PipeEnds pipe;
  const pid_t child = fork_with_nothing_unwritten();
  if (child == 0) {
    constexpr int kOutOfTheWay = 100;  // the low numbers are the body's
    const int answer = ::fcntl(pipe.writing.get(), F_DUPFD_CLOEXEC, kOutOfTheWay);
    pipe.reading.reset();
    pipe.writing.reset();
    std::string text;
    try {
      text = body();
    } catch (const std::exception& error) {
      text = std::string("threw: ") + error.what();
    }
    const auto written = ::write(answer, text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  pipe.writing.reset();
  auto text = read_to_end(pipe.reading);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "the child died";
  return text;
}

}  // namespace tcp_echo::test
