// Colours, where there are any: SGR sequences of a terminal, console_codes(4).
#pragma once

#include <string>
#include <string_view>

namespace tcp_echo {

enum class Tone { kPlain, kTitle, kGood, kWarning, kBad, kFaint };

class Style {
 public:
  explicit Style(bool has_colours) : has_colours_(has_colours) {}

  std::string in(Tone tone, std::string_view text) const {
    const auto code = code_of(tone);
    if (!has_colours_ || code.empty()) return std::string(text);
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
  }

 private:
  static constexpr std::string_view code_of(Tone tone) {
    switch (tone) {
      case Tone::kPlain: return "";
      case Tone::kTitle: return "1";
      case Tone::kGood: return "32";
      case Tone::kWarning: return "33";
      case Tone::kBad: return "31";
      case Tone::kFaint: return "2";
    }
    return "";
  }

  bool has_colours_;
};

}  // namespace tcp_echo
