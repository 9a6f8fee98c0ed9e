#include "tcp_echo/config/commands.hpp"

#include <array>
#include <csignal>

namespace tcp_echo {
namespace {

constexpr int kStopSignals[] = {SIGTERM, SIGQUIT, SIGINT};
constexpr int kReloadSignals[] = {SIGHUP};
constexpr int kReopenSignals[] = {SIGUSR1};
constexpr int kUpgradeSignals[] = {SIGUSR2};
constexpr int kScaleSignals[] = {SIGTTIN, SIGTTOU};

constexpr CommandRow kCommands[] = {
    {Command::kStop, "stop", kStopSignals,
     "stop gracefully, within --shutdown-timeout; a second TERM or INT stops at once; either way the exit "
     "code is 0"},
    {Command::kReload, "reload", kReloadSignals,
     "reload: read the configuration again and replace all workers; if anything is wrong, nothing changes"},
    {Command::kReopenLog, "reopen-log", kReopenSignals,
     "reopen the log file in all processes; log statistics, a line for each worker and one for the service"},
    {Command::kUpgrade, "upgrade", kUpgradeSignals,
     "upgrade: replace the program by the file that is at its path now, then reload; if that cannot serve, "
     "this program goes on"},
    {Command::kScale, "scale", kScaleSignals, "one worker more, one fewer; never below 1, nor above 1024"},
};

}  // namespace

std::span<const CommandRow> commands() { return kCommands; }

}  // namespace tcp_echo
