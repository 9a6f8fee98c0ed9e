#include "tcp_echo/master/steering.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <utility>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/base/version.hpp"
#include "tcp_echo/config/options.hpp"
#include "tcp_echo/ipc/text_notice.hpp"
#include "tcp_echo/status/connections_json.hpp"
#include "tcp_echo/status/service_status.hpp"
#include "tcp_echo/status/status_json.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookForEventsEvery = 100ms;
constexpr std::ptrdiff_t kMostFollowers = kMostControlClients / 2;

bool waits_for_a_job(const ControlServer::Waiting& client) {
  return row_of(client.request.command).is_job && client.request.command != ControlCommand::kStop;
}

bool follows(const ControlServer::Waiting& client) { return client.request.waits; }

}  // namespace

std::optional<ControlSocket> hold_control_socket(const Config& config) {
  if (config.control_socket == kSocketOff) return std::nullopt;
  if (config.control_socket != kSocketAuto)
    return value_or_throw(ControlSocket::claim(config.control_socket));
  const auto places = usual_control_sockets();
  if (places.empty()) {
    spdlog::info("no control socket: there is no usual folder for it (--control-socket)");
    return std::nullopt;
  }
  auto socket = ControlSocket::claim(places.front());
  if (socket) return std::move(*socket);
  spdlog::warn("no control socket (--control-socket): {}", socket.error().text);
  return std::nullopt;
}

Steering::Steering(Loop& loop, Fleet& fleet, Jobs& jobs, ServiceReport& report, Scoreboard& scoreboard,
                   Host& host, std::optional<ControlSocket> socket)
    : loop_(loop),
      fleet_(fleet),
      jobs_(jobs),
      report_(report),
      scoreboard_(scoreboard),
      host_(host),
      next_look_(loop, [this] { look_for_events(); }) {
  if (!socket) return;
  const auto path = socket->path();
  server_ = std::make_unique<ControlServer>(loop, loop, std::move(*socket), listener());
  put_up_notice_of(path);
}

/// Without it the service is as good, only tcp-echo-ctl has to be told where the socket is.
void Steering::put_up_notice_of(const std::string& path) {
  auto notice = put_up_text_notice(kControlNotice, path);
  if (!notice)
    return spdlog::warn("{}; tcp-echo-ctl needs --socket {}", notice.error().text, printable(path));
  notice_ = std::move(*notice);
}

ControlServer::OnRequest Steering::listener() {
  return [this](Ticket ticket, const ControlRequest& request) { on_request(ticket, request); };
}

// ---- from program to program

void Steering::restore(const ControlRecord& record) {
  if (record.fd < 0) return;
  try {
    server_ = std::make_unique<ControlServer>(loop_, loop_, record, listener());
  } catch (const FatalError& error) {
    return spdlog::error("the control socket is lost: {}", error.what());
  }
  put_up_notice_of(record.path);
  for (const auto& [ticket, request] : server_->waiting())
    if (!row_of(request.command).is_job) on_request(ticket, request);
}

ControlRecord Steering::record() const { return server_ ? server_->record() : ControlRecord{}; }

// ---- what is asked

void Steering::on_request(Ticket ticket, const ControlRequest& request) {
  if (fleet_.is_ending() && waits_for_a_job({ticket, request}))
    return server_->answer(ticket, ControlReply::failed("the service stops"));
  switch (request.command) {
    case ControlCommand::kStatus: return tell_status(ticket);
    case ControlCommand::kEvents: return follow(ticket, request);
    case ControlCommand::kConnections: return list_connections(ticket, request);
    case ControlCommand::kReload: return jobs_.ask_for_reload({ticket});
    case ControlCommand::kUpgrade: return jobs_.ask_for_upgrade({ticket});
    case ControlCommand::kScale:
      return jobs_.ask_for_workers(static_cast<unsigned>(request.number), {ticket});
    case ControlCommand::kRestart: return restart(ticket, static_cast<unsigned>(request.number));
    case ControlCommand::kLogLevel: return answer(ticket, host_.log_level(request.word));
    case ControlCommand::kStop: return host_.stop_for("control socket");
    case ControlCommand::kVersion: return answer(ticket, "tcp-echo-master " + std::string(version()));
  }
}

void Steering::tell_status(Ticket ticket) {
  report_.look_at_queues();
  server_->answer(ticket, ControlReply::of_data(status_json(read_status(scoreboard_, loop_.now()))));
}

/// Followers stay as long as they like, and must not take all of the places.
void Steering::follow(Ticket ticket, const ControlRequest& request) {
  const auto waiting = server_->waiting();
  const auto followers = std::count_if(waiting.begin(), waiting.end(), follows);
  if (request.waits && followers > kMostFollowers)
    return server_->answer(
        ticket, ControlReply::failed(fmt::format("{} others wait for events already", kMostFollowers)));
  tell_events(ticket, request);
}

/// All that are newer than the one that the client knows. It may wait for one if there is none.
void Steering::tell_events(Ticket ticket, const ControlRequest& request) {
  const auto& ring = scoreboard_.master().events;
  if (request.waits && ring.written() <= request.number) {
    if (!next_look_.is_running()) next_look_.start(kLookForEventsEvery);
    return;
  }
  server_->answer(ticket,
                  ControlReply::of_data(fmt::format(R"({{"events":{},"last":{}}})",
                                                    events_json(ring.read(request.number)), ring.written())));
}

void Steering::look_for_events() {
  for (const auto& [ticket, request] : server_->waiting())
    if (request.command == ControlCommand::kEvents) tell_events(ticket, request);
}

/// One page for each request: the master never holds more of them, however many there are.
void Steering::list_connections(Ticket ticket, const ControlRequest& request) {
  ConnectionQuery query{.place = request.number};
  if (!request.word.empty()) {
    const auto peers = Network::parse(request.word);
    if (!peers) return answer(ticket, failure(ExitCode::kUsage, Network::why_not(request.word)));
    query.peers = peers;
  }
  fleet_.list_connections(query,
                          [this, ticket](const ConnectionPage& page) { tell_connections(ticket, page); });
}

void Steering::tell_connections(Ticket ticket, const ConnectionPage& page) {
  std::map<ListenerId, Endpoint> listeners;
  for (const auto& address : fleet_.generation()->listeners.addresses())
    listeners.emplace(address.id, address.bound);
  auto reply = ControlReply::of_data(
      fmt::format(R"({{"connections":{},"next":{}}})",
                  connections_json(page.worker, page.pid, page.connections, listeners), page.next));
  reply.message = page.complaint;
  server_->answer(ticket, reply);
}

void Steering::restart(Ticket ticket, unsigned slot) {
  const auto worker = fleet_.worker_of(slot - 1);
  if (worker != 0) return jobs_.ask_for_restart(slot - 1, worker, {ticket});
  server_->answer(ticket, ControlReply::failed(fmt::format("worker {} does not run now; the service has {}",
                                                           slot, counted(jobs_.workers(), "worker"))));
}

// ---- what is answered

void Steering::answer(Ticket ticket, const Outcome& outcome) {
  if (!server_) return;
  server_->answer(ticket,
                  outcome ? ControlReply::done(*outcome) : ControlReply::failed(outcome.error().text));
}

void Steering::on_stopping() {
  if (!server_) return;
  for (const auto& client : server_->waiting())
    if (waits_for_a_job(client)) server_->answer(client.ticket, ControlReply::failed("the service stops"));
}

/// Who waits for another event gets those that there are, and sees the connection end.
void Steering::on_stopped() {
  if (!server_) return;
  look_for_events();
  for (const auto& client : server_->waiting()) {
    if (client.request.command == ControlCommand::kStop)
      server_->answer(client.ticket, ControlReply::done("stopped"));
    if (waits_for_a_job(client))
      server_->answer(client.ticket, ControlReply::failed("the service has stopped"));
  }
}

}  // namespace tcp_echo
