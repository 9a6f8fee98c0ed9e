// What the tests of this module share: files to read, and short forms of read_config() for those that expect
// success or failure.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/folder.hpp"
#include "tcp_echo/config/reader.hpp"

namespace tcp_echo::test {

/// A folder for the files of a test.
class FileFolder {
 public:
  std::string path() const { return folder_.path().string(); }

  /// Writes a file and returns its absolute path.
  std::string file(const std::string& name, const std::string& text) const {
    const auto path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

 private:
  Folder folder_;
};

inline GivenConfig all_given(const std::vector<std::string>& arguments,
                             const std::vector<std::string>& variables = {}) {
  return value_or_throw(read_config(arguments, variables));
}

inline Config configured(const std::vector<std::string>& arguments,
                         const std::vector<std::string>& variables = {}) {
  return all_given(arguments, variables).config;
}

/// The error that the reading ends with; one that it does not end with is a failure of the test.
inline Error refused(const std::vector<std::string>& arguments,
                     const std::vector<std::string>& variables = {}) {
  const auto result = read_config(arguments, variables);
  if (result) {
    ADD_FAILURE() << "was not refused: " << testing::PrintToString(arguments)
                  << testing::PrintToString(variables);
    return {ExitCode::kOk, ""};
  }
  return result.error();
}

inline const Option& row(std::string_view name) { return *find_option(name); }

MATCHER(IsOneLine, "is one line of printable text") {
  for (const char c : std::string(arg)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return !arg.empty();
}

/// An error with this exit code whose one line contains this.
MATCHER_P2(Says, code, part, "") {
  *result_listener << "exit code " << static_cast<int>(arg.code) << ", \"" << arg.text << '"';
  return arg.code == code && testing::Matches(IsOneLine())(arg.text) &&
         testing::Matches(testing::HasSubstr(part))(arg.text);
}

}  // namespace tcp_echo::test
