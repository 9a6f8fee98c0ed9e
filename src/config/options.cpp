#include "tcp_echo/config/options.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config.h"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using enum TakesEffect;

constexpr milliseconds kLongestTimeout = 24h * 365;
constexpr milliseconds kLongestKeepalive = 32767s;  // MAX_TCP_KEEPIDLE of the kernel

constexpr std::array<std::string_view, 2> kAffinityWords = {"off", "auto"};
constexpr std::array<std::string_view, 5> kLevelWords = {"trace", "debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 2> kFormatWords = {"text", "json"};
constexpr std::array<std::string_view, 3> kTimestampWords = {"auto", "on", "off"};
constexpr std::array<std::string_view, 3> kSandboxWords = {"off", "auto", "require"};

template <auto Member>
ChoiceValue choice(std::span<const std::string_view> words) {
  return {words, [](const Config& config) { return static_cast<std::size_t>(config.*Member); },
          [](Config& config, std::size_t index) {
            config.*Member = static_cast<std::remove_cvref_t<decltype(config.*Member)>>(index);
          }};
}

const std::array kOptions = {
    Option{"config", "FILE", "", "TOML file with further options", PathValue{&Config::config_file},
           kOnReload},
    Option{"listen", "ADDR:PORT", "",
           "address to listen on; repeatable; port 0 picks a free one; [::] takes IPv4 as well",
           ListenValue{}, kOnReload},
    Option{"port", "N", TCP_ECHO_DEFAULT_PORT, "the port of the default listen address, [::]", PortValue{},
           kOnReload},
    Option{"workers", "N|auto", TCP_ECHO_DEFAULT_WORKERS,
           "worker processes; auto is the CPUs that may really be used",
           NumberValue{&Config::workers, 1, kMaxWorkers, "auto"}, kOnReload},
    Option{"cpu-affinity", "auto|off", TCP_ECHO_DEFAULT_CPU_AFFINITY,
           "auto pins worker i to the i-th usable CPU", choice<&Config::cpu_affinity>(kAffinityWords),
           kOnReload},
    Option{"backlog", "N", TCP_ECHO_DEFAULT_BACKLOG, "accept-queue length asked of the kernel",
           NumberValue{&Config::backlog, 1, 1'000'000}, kOnReload},

    Option{"idle-timeout", "D", TCP_ECHO_DEFAULT_IDLE_TIMEOUT,
           "close a connection that was quiet for this long",
           DurationValue{&Config::idle_timeout, 1ms, kLongestTimeout, "never"}, kOnReload},
    Option{"idle-notice", "TEXT", TCP_ECHO_DEFAULT_IDLE_NOTICE,
           "written before an idle close; may contain \\n, \\r, \\t, \\\\",
           TextValue{&Config::idle_notice, 1024, true}, kOnReload},
    Option{"linger-timeout", "D", TCP_ECHO_DEFAULT_LINGER_TIMEOUT,
           "after our FIN, wait this long for the peer's, then reset",
           DurationValue{&Config::linger_timeout, 1ms, kLongestTimeout, "leave it to the kernel"}, kOnReload},
    Option{"send-reset", "", TCP_ECHO_DEFAULT_SEND_RESET, "close idle connections with RST instead of FIN",
           SwitchValue{&Config::send_reset}, kOnReload},
    Option{"keepalive", "D", TCP_ECHO_DEFAULT_KEEPALIVE,
           "TCP keep-alive: first probe after D, in whole seconds",
           DurationValue{&Config::keepalive, 1s, kLongestKeepalive, "off"}, kOnReload},
    Option{"nodelay", "", TCP_ECHO_DEFAULT_NODELAY, "TCP_NODELAY: send small echoes at once",
           SwitchValue{&Config::nodelay}, kOnReload},
    Option{"worker-connections", "N", TCP_ECHO_DEFAULT_WORKER_CONNECTIONS,
           "most connections per worker; more wait in the accept queue; 0 is no limit",
           NumberValue{&Config::worker_connections, 0, 10'000'000}, kOnReload},
    Option{"worker-recycle-after", "N", TCP_ECHO_DEFAULT_WORKER_RECYCLE_AFTER,
           "replace a worker that served N connections; 0 is never",
           NumberValue{&Config::worker_recycle_after, 0, 1'000'000'000}, kOnReload},

    Option{"shutdown-timeout", "D", TCP_ECHO_DEFAULT_SHUTDOWN_TIMEOUT,
           "longest graceful stop; what is left is closed then",
           DurationValue{&Config::shutdown_timeout, 1ms, kLongestTimeout, "at once"}, kOnReload},
    Option{"ready-timeout", "D", TCP_ECHO_DEFAULT_READY_TIMEOUT,
           "a new worker that is not ready by then has failed",
           DurationValue{&Config::ready_timeout, 1ms, kLongestTimeout}, kOnReload},
    Option{"respawn-delay-min", "D", TCP_ECHO_DEFAULT_RESPAWN_DELAY_MIN,
           "wait before the second restart of a crashing worker; then doubles",
           DurationValue{&Config::respawn_delay_min, 1ms, kLongestTimeout}, kOnReload},
    Option{"respawn-delay-max", "D", TCP_ECHO_DEFAULT_RESPAWN_DELAY_MAX, "longest wait before a restart",
           DurationValue{&Config::respawn_delay_max, 1ms, kLongestTimeout}, kOnReload},
    Option{"watchdog", "D", TCP_ECHO_DEFAULT_WATCHDOG,
           "kill and replace a worker whose loop has not turned for D",
           DurationValue{&Config::watchdog, 100ms, kLongestTimeout, "off"}, kOnReload},

    Option{"user", "NAME", "", "user that workers run as; the master must be root",
           TextValue{&Config::user, 64}, kOnStart},
    Option{"group", "NAME", "", "group that workers run as; by default the primary one of --user",
           TextValue{&Config::group, 64}, kOnStart},
    Option{"sandbox", "auto|require|off", "off", "no_new_privs and a seccomp allow-list in workers",
           choice<&Config::sandbox>(kSandboxWords), kOnReload, Support::kLater},
    Option{"daemon", "", "off", "go to the background; exits 0 once all workers are ready",
           SwitchValue{&Config::daemon}, kOnStart},
    Option{"pid-file", "PATH", "", "file with the master's pid, locked while it runs",
           PathValue{&Config::pid_file}, kOnStart},
    Option{"control-socket", "PATH", "auto",
           "unix socket to steer the service by; auto is a usual place, or off",
           SocketValue{&Config::control_socket}, kOnStart},
    Option{"admin-listen", "ADDR:PORT", "off",
           "HTTP: a page, health, metrics; read-only, and open to all who reach it",
           AddressValue{&Config::admin_listen}, kOnReload},

    Option{"log-level", "LEVEL", TCP_ECHO_DEFAULT_LOG_LEVEL, "trace, debug, info, warn or error",
           choice<&Config::log_level>(kLevelWords), kOnReload},
    Option{"log-file", "PATH", TCP_ECHO_DEFAULT_LOG_FILE,
           "append the log to this file; without, stderr, or syslog with --daemon",
           PathValue{&Config::log_file}, kOnReload},
    Option{"log-format", "text|json", TCP_ECHO_DEFAULT_LOG_FORMAT, "one line per event either way",
           choice<&Config::log_format>(kFormatWords), kOnReload, Support::kNow, "json"},
    Option{"log-connections", "", "off", "one line per closed connection",
           SwitchValue{&Config::log_connections}, kOnReload, Support::kLater},
    Option{"log-timestamps", "auto|on|off", TCP_ECHO_DEFAULT_LOG_TIMESTAMPS,
           "auto is off under systemd's journal", choice<&Config::log_timestamps>(kTimestampWords),
           kOnReload},
};

constexpr std::array kActionFlags = {
    ActionFlag{"check", 't', "validate the configuration, print 'configuration ok' and exit",
               MasterAction::kCheck},
    ActionFlag{"print-config", '\0',
               "print the effective configuration as TOML, each value with its source, and exit",
               MasterAction::kPrintConfig},
    ActionFlag{"probe", '\0',
               "exit with 0 if the service that runs here echoes on each address, else with 69",
               MasterAction::kProbe},
    ActionFlag{"version", 'V', "print the version and exit", MasterAction::kVersion},
    ActionFlag{"help", 'h', "print this help and exit", MasterAction::kHelp},
};

std::string spelled(std::string_view name, char dash, int (*convert)(int)) {
  std::string out(name);
  for (char& c : out) c = c == '-' ? dash : static_cast<char>(convert(static_cast<unsigned char>(c)));
  return out;
}

template <class Matches>
const Option* find_row(Matches matches) {
  const auto* const found = std::find_if(kOptions.begin(), kOptions.end(), matches);
  return found == kOptions.end() ? nullptr : found;
}

}  // namespace

std::string Option::flag() const { return "--" + std::string(name); }

std::string Option::variable() const {
  return std::string(kVariablePrefix) + spelled(name, '_', [](int c) { return std::toupper(c); });
}

std::string Option::key() const {
  return spelled(name, '_', [](int c) { return c; });
}

std::string Option::full_help() const {
  std::string text(help);
  if (takes_effect == TakesEffect::kOnStart) text += " (a reload cannot change it)";
  if (support == Support::kLater) text += " (not supported yet)";
  if (!later_word.empty()) text += " (" + std::string(later_word) + " is not supported yet)";
  return text;
}

std::span<const Option> options() { return kOptions; }

const Option* find_option(std::string_view name) {
  return find_row([name](const Option& option) { return option.name == name; });
}

const Option* find_option_by_variable(std::string_view variable) {
  return find_row([variable](const Option& option) { return option.variable() == variable; });
}

const Option* find_option_by_key(std::string_view key) {
  return find_row([key](const Option& option) { return option.key() == key; });
}

std::string_view name_of(LogLevel level) { return kLevelWords.at(static_cast<std::size_t>(level)); }

Result<LogLevel> parse_log_level(std::string_view word) {
  const auto* const found = std::find(kLevelWords.begin(), kLevelWords.end(), word);
  if (found != kLevelWords.end()) return static_cast<LogLevel>(found - kLevelWords.begin());
  return failure(ExitCode::kUsage, fmt::format("no log level is {}; allowed: {}", in_quotes(word),
                                               fmt::join(kLevelWords, ", ")));
}

std::string ActionFlag::flag() const { return "--" + std::string(name); }

std::string ActionFlag::short_flag() const {
  return letter == '\0' ? std::string() : std::string("-") + letter;
}

std::span<const ActionFlag> action_flags() { return kActionFlags; }

}  // namespace tcp_echo
