// Shows on standard error how a run is going on: on a terminal in one line that is written again and again,
// elsewhere line by line.
#pragma once

#include <string>

namespace tcp_echo {

class Progress {
 public:
  Progress();
  /// Wipes the line away, so that nothing of it stays before what is written next.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// In place of what was shown before. ASCII, without a newline.
  void show(std::string line);

 private:
  bool is_terminal_;
  bool is_shown_ = false;
};

}  // namespace tcp_echo
