// Text as operators write and read it: durations, quoted values, byte counts.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tcp_echo {

/// "250ms", "10s", "5m", "2h", or a bare "0". Nothing for anything else, also for what does not fit in
/// milliseconds.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest text that parse_duration() reads back as the same value: 90000 ms is "90s", 3600000 ms is
/// "1h".
std::string format_duration(std::chrono::milliseconds duration);

/// A plain decimal number; no sign, no space, no overflow.
std::optional<std::uint64_t> parse_number(std::string_view text);

/// "64", "64KiB", "1MiB", "2GiB": bytes. Nothing for anything else, also for what does not fit.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// "on", "true", "yes", "1" and their opposites, in any case.
std::optional<bool> parse_switch(std::string_view text);

/// With control characters, and bytes that are not UTF-8, as \n or \x1b: whatever a user typed, it stays one
/// line.
std::string printable(std::string_view text);

/// The value between single quotes, cut at 80 bytes, printable.
std::string in_quotes(std::string_view text);

/// Whether the bytes are UTF-8 as RFC 3629 has it.
bool is_utf8(std::string_view text);

/// Turns \n, \r, \t and \\ into what they stand for; nothing if another character follows a backslash.
std::optional<std::string> unescaped(std::string_view text);

/// "1.5 MiB", "12 B".
std::string format_bytes(std::uint64_t bytes);

/// "3 workers", "1 worker".
std::string counted(std::uint64_t count, std::string_view noun);

/// "1st", "2nd", "3rd", "11th".
std::string ordinal(unsigned number);

/// The parts between `separator`, with the white space around each removed.
std::vector<std::string> split(std::string_view text, char separator);

}  // namespace tcp_echo
