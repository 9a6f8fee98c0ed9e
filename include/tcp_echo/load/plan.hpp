// What tcp-echo-load is asked to do, and its command line. One table (plan.cpp) is behind the parser, --help
// and what the reports say of the run.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/help.hpp"

namespace tcp_echo {

struct LoadPlan {
  using Duration = std::chrono::milliseconds;

  std::string target;  ///< HOST:PORT, as given
  std::uint64_t connections = 50;
  double connect_rate = 0;  ///< new connections a second; 0: as fast as they are made
  std::uint64_t message_size = 64;
  std::string message;         ///< in place of bytes that look random
  double rate = 0;             ///< messages a second per connection, by the clock; 0: as echoes return
  std::uint64_t pipeline = 1;  ///< messages under way on a connection, as echoes return
  std::uint64_t messages = 0;  ///< on one connection, then it is closed and made anew; 0: no end
  Duration lifetime{0};        ///< of one connection, then the same; 0: no end
  std::uint64_t idle = 0;      ///< further connections that say nothing
  Duration duration = std::chrono::seconds(10);  ///< measured, after the warm-up; 0: until a signal
  Duration warmup{0};
  unsigned threads = 1;
  bool half_close = false;        ///< FIN first, then the rest of the echoes and the server's FIN
  std::uint64_t slow_reader = 0;  ///< bytes a second that each connection reads at most; 0: no limit
  std::vector<Endpoint> sources;  ///< of connections, in turn; their port is 0
  Duration catch_up = std::chrono::seconds(10);  ///< a message that is late by more is skipped
  Duration wait = std::chrono::seconds(5);       ///< for the last echoes
  Duration interval = std::chrono::seconds(1);   ///< of progress and --json-lines
  std::string json;                              ///< report files; empty: none, "-": standard output
  std::string json_lines;
  std::string histogram;
  std::string html;

  bool is_open_loop() const noexcept { return rate > 0; }
  /// Messages under way on one connection, by the clock: all of them together take 128 MiB at most.
  std::uint64_t most_under_way() const noexcept {
    constexpr std::uint64_t kInAll = std::uint64_t{1} << 24U;
    return std::clamp<std::uint64_t>(kInAll / std::max<std::uint64_t>(connections, 1), 1024, 65'536);
  }
  bool uses_standard_output() const noexcept {
    return json == "-" || json_lines == "-" || histogram == "-" || html == "-";
  }
};

enum class LoadAction : std::uint8_t { kRun, kVersion, kHelp };

struct LoadCommand {
  LoadAction action = LoadAction::kRun;
  LoadPlan plan;
  std::vector<std::pair<std::string, std::string>> options;  ///< those given: flag and value
};

/// The arguments without the program's name. On failure kUsage, with a line that names the option, what was
/// given and what is allowed.
Result<LoadCommand> read_load_command(const std::vector<std::string>& arguments);

/// What tcp-echo-load ends with. The names are the numbers.
std::span<const HelpEntry> load_exit_codes();

/// The text of --help, for lines of that many columns.
std::string load_help(std::size_t columns);

}  // namespace tcp_echo
