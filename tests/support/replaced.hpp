// Text with something else in the place of each of its parts that read like that.
#pragma once

#include <string>

namespace tcp_echo::test {

inline std::string replaced(std::string text, const std::string& part, const std::string& by) {
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + by.size()))
    text.replace(at, part.size(), by);
  return text;
}

}  // namespace tcp_echo::test
