// The one table of options. A row tells everything about an option: flag, environment variable, key of the
// file, --help, --print-config, error lines, README and what a reload may change all derive from it, and a
// test walks the rows.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/config/config.hpp"

namespace tcp_echo {

/// On or off; the flag --NAME turns it on, --no-NAME off.
struct SwitchValue {
  bool Config::*member;
};

/// A whole number. Where `word` is set it may be written for 0 ("auto").
struct NumberValue {
  unsigned Config::*member;
  unsigned min;
  unsigned max;
  std::string_view word = {};
};

/// A time; `zero` says what 0 means here and is empty where 0 is not allowed.
struct DurationValue {
  std::chrono::milliseconds Config::*member;
  std::chrono::milliseconds min;
  std::chrono::milliseconds max;
  std::string_view zero = {};
};

/// Free text of bounded length. With `escapes`, \n, \r, \t and \\ are understood in flags and variables too,
/// as they are in TOML.
struct TextValue {
  std::string Config::*member;
  std::size_t max_bytes;
  bool escapes = false;
};

/// A file; a relative path is resolved against the folder that the program was started in.
struct PathValue {
  std::string Config::*member;
};

/// A unix socket: a path as PathValue, or one of these words; the second leaves the place to us.
inline constexpr std::string_view kSocketOff = "off";
inline constexpr std::string_view kSocketAuto = "auto";
struct SocketValue {
  std::string Config::*member;
};

/// An address to serve something else than echo on, or "off".
inline constexpr std::string_view kAddressOff = "off";
struct AddressValue {
  std::optional<Endpoint> Config::*member;
};

/// One of a few words, in the order of the enum behind it.
struct ChoiceValue {
  std::span<const std::string_view> words;
  std::size_t (*get)(const Config&);
  void (*set)(Config&, std::size_t);
};

/// Addresses to listen on; repeatable.
struct ListenValue {};

/// The port of the default listen address: shorthand that writes Config::listen.
struct PortValue {};

using OptionValue = std::variant<SwitchValue, NumberValue, DurationValue, TextValue, PathValue, SocketValue,
                                 AddressValue, ChoiceValue, ListenValue, PortValue>;

/// When another value takes effect: on the next reload (or upgrade), or only on a new start, because the
/// master has done by then what the option asks for, and does it once.
enum class TakesEffect : std::uint8_t { kOnReload, kOnStart };

enum class Support : std::uint8_t {
  kNow,
  kLater,  ///< known, but only its built-in (off) value is accepted so far
};

struct Option {
  std::string_view name;          ///< as in the flag, without the dashes: "idle-timeout"
  std::string_view placeholder;   ///< what --help shows behind the flag; empty for a switch
  std::string_view default_text;  ///< in the text that the flag takes
  std::string_view help;          ///< one sentence, no full stop
  OptionValue value;
  TakesEffect takes_effect;  ///< without a default, so that no row forgets it
  Support support = Support::kNow;
  std::string_view later_word = {};  ///< the one word of a choice that is not supported yet

  std::string flag() const;      ///< "--idle-timeout"
  std::string variable() const;  ///< "TCP_ECHO_IDLE_TIMEOUT"
  std::string key() const;       ///< "idle_timeout"

  /// The help with what else its reader has to know: "... (not supported yet)".
  std::string full_help() const;

  bool is_switch() const { return std::holds_alternative<SwitchValue>(value); }
  bool is_list() const { return std::holds_alternative<ListenValue>(value); }
};

inline constexpr std::string_view kVariablePrefix = "TCP_ECHO_";
inline constexpr unsigned kMaxWorkers = 1024;
inline constexpr std::size_t kMaxListenAddresses = 64;

/// Every option, in the order of --help. The first is --config.
std::span<const Option> options();

/// The row of that name as flag, without the dashes, as variable or as key of the file; null if there is
/// none.
const Option* find_option(std::string_view name);
const Option* find_option_by_variable(std::string_view variable);
const Option* find_option_by_key(std::string_view key);

/// "info".
std::string_view name_of(LogLevel level);
/// Fails with kUsage, and says what is allowed.
Result<LogLevel> parse_log_level(std::string_view word);

/// What the command line asks for.
enum class MasterAction : std::uint8_t { kRun, kCheck, kPrintConfig, kProbe, kVersion, kHelp };

/// A flag that asks for something else than to serve. It takes no value, and is in no file.
struct ActionFlag {
  std::string_view name;  ///< without the dashes
  char letter = '\0';     ///< of its short form, -h, if it has one
  std::string_view help;
  MasterAction action = MasterAction::kRun;

  std::string flag() const;        ///< "--help"
  std::string short_flag() const;  ///< "-h", or empty
};

/// In the order of --help. If several are given, the last of these counts.
std::span<const ActionFlag> action_flags();

}  // namespace tcp_echo
