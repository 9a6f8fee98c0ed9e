// A lower limit on open files for as long as this lives: descriptors from `limit` on are not handed out.
// Valgrind plays the limit itself, and differently.
#pragma once

#include <sys/resource.h>

namespace tcp_echo::test {

class LowOpenFilesLimit {
 public:
  explicit LowOpenFilesLimit(int limit) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto low = before_;
    low.rlim_cur = static_cast<rlim_t>(limit);
    ::setrlimit(RLIMIT_NOFILE, &low);
  }
  LowOpenFilesLimit(const LowOpenFilesLimit&) = delete;
  LowOpenFilesLimit& operator=(const LowOpenFilesLimit&) = delete;
  ~LowOpenFilesLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace tcp_echo::test
