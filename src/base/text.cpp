#include "tcp_echo/base/text.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace tcp_echo {
namespace {

struct DurationUnit {
  std::string_view suffix;
  std::int64_t milliseconds;
};

// Largest first, so that formatting finds the shortest text.
constexpr std::array kDurationUnits = {
    DurationUnit{"h", 3'600'000},
    DurationUnit{"m", 60'000},
    DurationUnit{"s", 1'000},
    DurationUnit{"ms", 1},
};

constexpr std::size_t kLongestQuote = 80;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// The second and later bytes of a character in UTF-8.
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

/// Of ASCII letters, whatever the locale.
std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::array<std::string_view, 4> kSuffixes = {"", "KiB", "MiB", "GiB"};
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number(text.substr(0, digits));
  const auto* const suffix = std::find(kSuffixes.begin(), kSuffixes.end(), text.substr(digits));
  if (!number || suffix == kSuffixes.end()) return std::nullopt;
  const auto unit = std::uint64_t{1} << (10U * static_cast<unsigned>(suffix - kSuffixes.begin()));
  if (*number > std::numeric_limits<std::uint64_t>::max() / unit) return std::nullopt;
  return *number * unit;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds{0};
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const auto& unit : kDurationUnits) {
    if (text.substr(digits) != unit.suffix) continue;
    const auto largest = std::numeric_limits<std::int64_t>::max() / unit.milliseconds;
    if (*number > static_cast<std::uint64_t>(largest)) return std::nullopt;
    return std::chrono::milliseconds{static_cast<std::int64_t>(*number) * unit.milliseconds};
  }
  return std::nullopt;
}

std::string format_duration(std::chrono::milliseconds duration) {
  if (duration.count() == 0) return "0";
  for (const auto& unit : kDurationUnits) {
    if (duration.count() % unit.milliseconds == 0) {
      return fmt::format("{}{}", duration.count() / unit.milliseconds, unit.suffix);
    }
  }
  return fmt::format("{}ms", duration.count());
}

std::optional<bool> parse_switch(std::string_view text) {
  const auto lower = in_lower_case(text);
  for (const std::string_view yes : {"on", "true", "yes", "1"}) {
    if (lower == yes) return true;
  }
  for (const std::string_view no : {"off", "false", "no", "0"}) {
    if (lower == no) return false;
  }
  return std::nullopt;
}

std::string printable(std::string_view text) {
  const bool utf8 = is_utf8(text);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  if (text.size() <= kLongestQuote) return fmt::format("'{}'", printable(text));
  std::size_t cut = kLongestQuote;
  while (cut > 0 && is_continuation(text[cut])) --cut;  // not in the middle of a character
  return fmt::format("'{}...'", printable(text.substr(0, cut)));
}

bool is_utf8(std::string_view text) {
  struct Form {
    std::uint32_t mask, lead, smallest;
    std::size_t trailing;
  };
  constexpr std::array<Form, 4> kForms = {
      {{0x80, 0x00, 0, 0}, {0xe0, 0xc0, 0x80, 1}, {0xf0, 0xe0, 0x800, 2}, {0xf8, 0xf0, 0x10000, 3}}};
  while (!text.empty()) {
    const auto lead = static_cast<unsigned char>(text.front());
    const auto* const form = std::find_if(kForms.begin(), kForms.end(),
                                          [lead](const Form& f) { return (lead & f.mask) == f.lead; });
    if (form == kForms.end() || text.size() <= form->trailing) return false;
    std::uint32_t point = lead & ~form->mask & 0xffU;
    for (const char c : text.substr(1, form->trailing)) {
      if (!is_continuation(c)) return false;
      point = (point << 6U) | (static_cast<unsigned char>(c) & 0x3fU);
    }
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (point < form->smallest || point > 0x10ffff || surrogate) return false;
    text.remove_prefix(1 + form->trailing);
  }
  return true;
}

std::optional<std::string> unescaped(std::string_view text) {
  constexpr std::string_view kLetters = "nrt\\";
  constexpr std::string_view kMeanings = "\n\r\t\\";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const auto which = ++i < text.size() ? kLetters.find(text[i]) : std::string_view::npos;
    if (which == std::string_view::npos) return std::nullopt;
    out += kMeanings[which];
  }
  return out;
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string ordinal(unsigned number) {
  const auto tens = number % 100;
  const auto ones = number % 10;
  const bool teen = tens >= 11 && tens <= 13;
  return std::to_string(number) + (!teen && ones == 1   ? "st"
                                   : !teen && ones == 2 ? "nd"
                                   : !teen && ones == 3 ? "rd"
                                                        : "th");
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const auto cut = text.find(separator);
    parts.emplace_back(trimmed(text.substr(0, cut)));
    if (cut == std::string_view::npos) return parts;
    text.remove_prefix(cut + 1);
  }
}

}  // namespace tcp_echo
