#include "tcp_echo/config/manual.hpp"

#include <spdlog/fmt/fmt.h>

#include <array>
#include <string>
#include <vector>

#include "tcp_echo/base/signal_name.hpp"
#include "tcp_echo/config/commands.hpp"
#include "tcp_echo/config/options.hpp"

namespace tcp_echo {
namespace {

constexpr std::array kExitCodes = {
    HelpEntry{"0", "clean stop, graceful or at once"},
    HelpEntry{"64", "bad command line"},
    HelpEntry{"69",
              "cannot listen: another process has the port, or the address is not one of this machine's (the "
              "message names it); or --probe got no echo"},
    HelpEntry{"70", "internal fault"},
    HelpEntry{"71", "an operating-system call failed"},
    HelpEntry{"73",
              "cannot create the log file, the pid file or the control socket, or another instance holds it"},
    HelpEntry{"75", "workers could not become ready"},
    HelpEntry{"77", "no permission, such as for a port below 1024"},
    HelpEntry{"78", "bad configuration file or environment"},
};

/// Of each command, without SIG: "TERM, QUIT, INT".
std::vector<std::string> names_of_signals() {
  std::vector<std::string> names;
  for (const auto& row : commands()) {
    auto& name = names.emplace_back();
    for (const int number : row.signals) name += (name.empty() ? "" : ", ") + signal_name(number).substr(3);
  }
  return names;
}

constexpr std::size_t kColumn = 28;  ///< where it is said what a flag does

void add(HelpText& help, const Option& option) {
  const auto flag = option.is_switch() ? fmt::format("--[no-]{}", option.name)
                                       : fmt::format("{} {}", option.flag(), option.placeholder);
  auto text = option.full_help();
  if (option.support == Support::kNow && !option.default_text.empty())
    text += fmt::format(" (default {})", option.default_text);
  help.entry(flag, text, kColumn);
}

void add(HelpText& help, const ActionFlag& flag) {
  const auto letter = flag.short_flag();
  help.entry(letter.empty() ? flag.flag() : letter + ", " + flag.flag(), flag.help, kColumn);
}

}  // namespace

std::span<const HelpEntry> signals() {
  static const auto names = names_of_signals();
  static const auto entries = [] {
    std::vector<HelpEntry> made;
    for (const auto& row : commands()) made.push_back({names[made.size()], row.effect});
    return made;
  }();
  return entries;
}

std::span<const HelpEntry> exit_codes() { return kExitCodes; }

std::string help_text(std::size_t columns) {
  HelpText help(columns);
  help.paragraph("Usage: tcp-echo-master [OPTION]...");
  help.paragraph("A TCP echo daemon: a master supervises workers that send back every byte they receive.");
  help.blank_line();
  for (const auto& option : options()) add(help, option);
  help.blank_line();
  for (const auto& flag : action_flags()) add(help, flag);
  help.blank_line();
  help.paragraph(
      "Each option is also an environment variable (TCP_ECHO_IDLE_TIMEOUT=60s; lists are comma-separated) "
      "and a key of the TOML file (idle_timeout = \"60s\"). Built-in default < file < environment < flag. "
      "Durations D: 250ms, 10s, 5m, 2h.");
  help.blank_line();
  help.list("Signals, to the master:", signals());
  help.blank_line();
  help.list("Exit codes:", exit_codes());
  return help.text();
}

}  // namespace tcp_echo
