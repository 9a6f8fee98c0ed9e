#include "tcp_echo/ctl/ctl.hpp"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>

#include "command.hpp"
#include "connections_view.hpp"
#include "conversation.hpp"
#include "discovery.hpp"
#include "events_view.hpp"
#include "status_view.hpp"
#include "style.hpp"
#include "tcp_echo/base/environment.hpp"
#include "tcp_echo/base/version.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

constexpr auto kWatchEvery = 1s;
/// To the upper left corner, and nothing below: ED and CUP of console_codes(4).
constexpr std::string_view kClearScreen = "\x1b[H\x1b[J";

bool is_on_a_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

/// As https://no-color.org has it.
Style style_of_output() {
  return Style(is_on_a_terminal() && environment_variable("NO_COLOR").empty() &&
               environment_variable("TERM") != "dumb");
}

void print(std::string_view text) {
  const bool is_written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!is_written) throw FatalError({ExitCode::kOsError, "cannot write to standard output"});
}

/// --socket, else the place that the daemon would take from the same environment, else the only one there is.
Result<std::string> socket_for(const CtlCommand& command) {
  if (!command.socket.empty()) return command.socket;
  if (const auto given = environment_variable("TCP_ECHO_CONTROL_SOCKET");
      !given.empty() && given != "auto" && given != "off")
    return std::string(given);
  return find_control_socket();
}

ControlReply ask(Conversation& conversation, const ControlRequest& request) {
  auto reply = value_or_throw(conversation.ask(request));
  if (!reply.is_ok) throw FatalError({ExitCode::kFailed, reply.message});
  return reply;
}

void show_status(Conversation& conversation, const CtlCommand& command) {
  const auto is_redrawn = command.again_and_again && is_on_a_terminal() && !command.as_json;
  for (;;) {
    const auto status = ask(conversation, command.request).data;
    const auto text =
        command.as_json ? status + '\n' : value_or_throw(status_view(status, style_of_output()));
    print(is_redrawn ? std::string(kClearScreen) + text : text);
    if (!command.again_and_again) return;
    std::this_thread::sleep_for(kWatchEvery);
  }
}

void show_events(Conversation& conversation, const CtlCommand& command) {
  auto request = command.request;
  for (;;) {
    const auto view =
        value_or_throw(events_view(ask(conversation, request).data, command.as_json, style_of_output()));
    print(view.text);
    if (!command.again_and_again) return;
    request.number = view.last;
    request.waits = true;
  }
}

/// A worker that does not answer is told of at the end, after the connections of the others.
void show_connections(Conversation& conversation, const CtlCommand& command) {
  auto request = command.request;
  ConnectionsView view(command, style_of_output());
  std::string complaints;
  do {
    const auto reply = ask(conversation, request);
    print(value_or_throw(view.add(reply.data)));
    if (!reply.message.empty()) complaints += (complaints.empty() ? "" : "; ") + reply.message;
    request.number = view.next();
  } while (request.number != 0);
  print(view.end());
  if (!complaints.empty())
    throw FatalError({ExitCode::kFailed, "connections are missing here: " + complaints});
}

void carry_out(Conversation& conversation, const CtlCommand& command) {
  switch (command.request.command) {
    case ControlCommand::kStatus: return show_status(conversation, command);
    case ControlCommand::kEvents: return show_events(conversation, command);
    case ControlCommand::kConnections: return show_connections(conversation, command);
    default: break;
  }
  const auto reply = ask(conversation, command.request);
  print(reply.message + '\n');
  // Last: in a container the end of the master is ours.
  if (command.request.command == ControlCommand::kStop) value_or_throw(conversation.await_end_of_master());
}

}  // namespace

ExitCode run_ctl(const std::vector<std::string>& arguments) {
  const auto command = value_or_throw(read_ctl_command(arguments));
  switch (command.action) {
    case CtlAction::kHelp: print(ctl_help(columns_of_output())); return ExitCode::kOk;
    case CtlAction::kVersion: print(fmt::format("tcp-echo-ctl {}\n", version())); return ExitCode::kOk;
    case CtlAction::kAsk: break;
  }
  auto conversation = value_or_throw(Conversation::begin(value_or_throw(socket_for(command))));
  carry_out(conversation, command);
  return ExitCode::kOk;
}

}  // namespace tcp_echo
