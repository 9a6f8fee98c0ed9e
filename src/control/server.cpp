#include "tcp_echo/control/server.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "session.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/limits.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

/// How many clients are welcomed in one turn of the loop.
constexpr int kMostAtOnce = 64;
/// Without a free descriptor the queue stays readable, and is looked at again after so long.
constexpr auto kRecovery = 1s;

/// The last ones are for workers, that they can be started again. The kernel gives the lowest number that is
/// free.
constexpr int kSpareDescriptors = 16;

/// Why this client is not heard, if it is not.
std::string why_not(const Result<Peer>& peer) {
  constexpr uid_t kRoot = 0;
  if (!peer) return peer.error().text;
  if (peer->uid == kRoot || peer->uid == ::geteuid()) return {};
  return fmt::format("only user {} and root may steer this service, and not user {}", ::geteuid(), peer->uid);
}

/// To a client that is let go at once; what has no room in its buffer is lost.
void say(const UniqueFd& client, const ControlReply& reply) {
  const auto line = to_line(reply) + '\n';
  [[maybe_unused]] const auto size =
      ::send(client.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void turn_away(const UniqueFd& client, std::string why) {
  say(client, {.is_ok = false, .message = std::move(why), .refusal = ControlReply::Refusal::kBusy});
}

}  // namespace

ControlServer::ControlServer(Loop& loop, Timekeeper& clock, ControlSocket socket, OnRequest on_request)
    : loop_(loop),
      clock_(clock),
      socket_(std::move(socket)),
      on_request_(std::move(on_request)),
      handlers_(std::make_unique<const ControlSessionHandlers>(ControlSessionHandlers{
          .on_request = [this](ControlSession& session,
                               const ControlRequest& request) { on_request_(session.ticket(), request); },
          .on_end = [this](ControlSession& session) { sessions_.erase(session.ticket()); }})),
      recovery_(clock, [this] { listen(); }),
      poll_(loop, socket_.fd(), [this] { welcome(); }) {
  listen();
}

ControlServer::ControlServer(Loop& loop, Timekeeper& clock, const ControlRecord& record, OnRequest on_request)
    : ControlServer(loop, clock,
                    ControlSocket::restore(record.path, {record.device, record.inode}, copy_of(record.fd)),
                    std::move(on_request)) {
  restore(record);
}

void ControlServer::restore(const ControlRecord& record) {
  last_ticket_ = record.last_ticket;
  for (const auto& session : record.sessions)
    sessions_[session.ticket] =
        std::make_unique<ControlSession>(loop_, clock_, *handlers_, session, copy_of(session.fd));
}

ControlServer::~ControlServer() = default;

void ControlServer::listen() {
  if (!poll_.watch(Readiness::kReadable)) recovery_.start(kRecovery);
}

void ControlServer::welcome() {
  for (int i = 0; i < kMostAtOnce; ++i) {
    UniqueFd client(::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client) {
      welcome(std::move(client));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      spdlog::warn("control socket: {}; trying again in a second", reason_of(errno));
      poll_.stop();
      return recovery_.start(kRecovery);
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

void ControlServer::welcome(UniqueFd client) {
  if (const auto reason = why_not(peer_of(client.get())); !reason.empty()) {
    spdlog::warn("control socket: {}", reason);
    return say(client, {.is_ok = false, .message = reason, .refusal = ControlReply::Refusal::kForbidden});
  }
  if (sessions_.size() >= kMostControlClients)
    return turn_away(client, fmt::format("{} others are connected already", kMostControlClients));
  if (client.get() + kSpareDescriptors >= open_files_limit())
    return turn_away(client, "the master has no descriptor to spare (ulimit -n)");
  try {
    const auto ticket = ++last_ticket_;
    sessions_[ticket] =
        std::make_unique<ControlSession>(loop_, clock_, *handlers_, ticket, std::move(client));
  } catch (const FatalError& error) {
    spdlog::warn("control socket: {}; a client is dropped", error.what());
  }
}

void ControlServer::answer(Ticket ticket, const ControlReply& reply) {
  const auto found = sessions_.find(ticket);
  if (found != sessions_.end() && found->second->request()) found->second->answer(reply);
}

std::vector<ControlServer::Waiting> ControlServer::waiting() const {
  std::vector<Waiting> all;
  for (const auto& [ticket, session] : sessions_)
    if (session->request()) all.push_back({ticket, *session->request()});
  return all;
}

ControlRecord ControlServer::record() const {
  ControlRecord record{.path = socket_.path(),
                       .device = socket_.file().device,
                       .inode = socket_.file().inode,
                       .fd = socket_.fd(),
                       .last_ticket = last_ticket_};
  record.sessions.reserve(sessions_.size());
  for (const auto& [ticket, session] : sessions_) record.sessions.push_back(session->record());
  return record;
}

}  // namespace tcp_echo
