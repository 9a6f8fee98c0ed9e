// Takes a command line apart into flags with their values and other words, in the same way for each program.
// What a value means is the program's to say, and so are the words of its error lines. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tcp_echo/base/error.hpp"

namespace tcp_echo {

enum class FlagValue : std::uint8_t {
  kNone,      ///< --help
  kOptional,  ///< --send-reset, or --send-reset=off
  kNeeded,    ///< --port 7, or --port=7
};

/// A flag that a program knows.
struct FlagShape {
  std::string name;  ///< with its dashes: "--help"
  FlagValue value = FlagValue::kNone;
  std::string short_name = {};  ///< "-h", or empty; it stands alone: neither -hV nor -h=x has it
};

/// Whether "--dur" may stand for "--duration" where no other flag begins so, as getopt_long(3) has it.
enum class FlagNames : std::uint8_t { kWhole, kMayBeCut };

struct GivenFlag {
  std::size_t shape;  ///< its place among the flags that the program knows
  std::string value;  ///< "true" where none was given
};

/// A word that cannot be read.
struct ArgumentMistake {
  enum class Kind : std::uint8_t { kUnknown, kMissingValue, kUnwantedValue };

  Kind kind;
  std::string word;       ///< as it was given, with a value behind an equals sign
  std::size_t shape = 0;  ///< unless it is unknown
};

/// What stands on a command line up to the first mistake, each in the order in which it was given.
struct Arguments {
  std::vector<GivenFlag> flags;
  std::vector<std::string> others;  ///< "-", words that do not begin with a dash, and all that is behind "--"
  std::optional<ArgumentMistake> mistake;
};

/// `words` without the program's name. A value is taken as it is, also one that looks like a flag. CLI11 is
/// behind this; should it refuse what is none of the mistakes above, that is kUsage.
Result<Arguments> take_apart(const std::vector<std::string>& words, std::span<const FlagShape> shapes,
                             FlagNames names);

}  // namespace tcp_echo
