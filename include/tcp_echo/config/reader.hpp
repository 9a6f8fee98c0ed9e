// From what the user wrote to one effective Config: built-in default < file < environment < flag.
//
// Every value that was given is checked, also one that a later source overrides: a wrong line does not wait
// for the day on which it starts to count. The first mistake ends the reading with one line and the right
// exit code: 64 for the command line, 78 for file and environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tcp_echo/base/error.hpp"
#include "tcp_echo/config/config.hpp"
#include "tcp_echo/config/options.hpp"

namespace tcp_echo {

/// One value, as given, before it is checked.
struct Setting {
  const Option* option = nullptr;
  std::vector<std::string> texts;  ///< one, or a list's elements
  std::string source;  ///< names the place in an error line: "--port", "TCP_ECHO_PORT", "/etc/x.toml:3: port"
};

struct CommandLine {
  MasterAction action = MasterAction::kRun;
  std::vector<Setting> settings;
};

struct Environment {
  std::vector<Setting> settings;
  std::vector<std::string> warnings;  ///< unknown TCP_ECHO_* variables
  std::vector<std::string> notices;   ///< what a cluster injected and we ignore
};

struct GivenConfig {
  MasterAction action = MasterAction::kRun;
  Config config;
  std::vector<std::string> sources;   ///< where each option's value came from; parallel to options()
  std::vector<std::string> warnings;  ///< for the log, in order
  std::vector<std::string> notices;
};

/// `arguments` without the program's name.
Result<CommandLine> read_command_line(const std::vector<std::string>& arguments);

/// `variables` as environ has them, "NAME=value"; those of other programs are passed over.
Result<Environment> read_environment(const std::vector<std::string>& variables);

/// `name` is what error lines call the text.
Result<std::vector<Setting>> read_toml(std::string_view text, std::string_view name);

/// All sources together. For --help, --version and --probe nothing but the command line is read. Relative
/// paths begin in `start_folder`; empty: where the process is.
Result<GivenConfig> read_config(const std::vector<std::string>& arguments,
                                const std::vector<std::string>& variables,
                                const std::string& start_folder = {});

/// What a master sends its workers: every value, so that they read no file and no environment.
std::string effective_toml(const Config& config);
Result<Config> parse_effective_toml(std::string_view text);

/// For --print-config: as above, each value with its source as a comment. read_config() of it gives the same
/// configuration.
std::string annotated_toml(const GivenConfig& given);

}  // namespace tcp_echo
