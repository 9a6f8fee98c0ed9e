#include "http_server.hpp"

#include <microhttpd.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <string>

#include "objection.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/net/accept_queue.hpp"
#include "tcp_echo/net/socket_options.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

/// In one turn of the loop, from one listener.
constexpr int kMostAccepted = 16;

/// After accept4(2) has failed for want of descriptors or memory.
constexpr auto kPause = 100ms;

/// Beyond the limit: connections that are being closed.
constexpr std::size_t kClosing = 64;

bool wants_pause(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

std::string value_of(MHD_Connection* connection, MHD_ValueKind kind, const char* name) {
  const auto* const value = MHD_lookup_connection_value(connection, kind, name);
  return value == nullptr ? std::string() : value;
}

struct ResponseDeleter {
  void operator()(MHD_Response* response) const noexcept { MHD_destroy_response(response); }
};
using ResponsePointer = std::unique_ptr<MHD_Response, ResponseDeleter>;

ResponsePointer response_of(const HttpResponse& response) {
  auto body = response.body;
  return ResponsePointer(MHD_create_response_from_buffer(body.size(), body.data(), MHD_RESPMEM_MUST_COPY));
}

}  // namespace

/// What the library calls: one line each, and nothing is thrown through it.
struct HttpServer::Callbacks {
  static HttpServer& self(void* server) noexcept { return *static_cast<HttpServer*>(server); }

  static Guest& guest_of(MHD_Connection* connection) noexcept {
    const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return *static_cast<Guest*>(info->socket_context);
  }

  /// Called twice for a request: with its head, and at its end. `context` is ours, and null at first.
  static MHD_Result on_request(void* server, MHD_Connection* connection, const char* url, const char* method,
                               const char* version, const char* /*upload*/, std::size_t* /*upload_size*/,
                               void** context) noexcept {
    const bool is_head = *context == nullptr;
    *context = server;
    const bool goes_on = is_head ? self(server).on_request_head(connection, method, version)
                                 : self(server).on_request(connection, url);
    return goes_on ? MHD_YES : MHD_NO;
  }

  static void on_completed(void* server, MHD_Connection* connection, void** /*context*/,
                           MHD_RequestTerminationCode /*code*/) noexcept {
    self(server).on_answered(guest_of(connection));
  }

  static void on_connection(void* server, MHD_Connection* connection, void** context,
                            MHD_ConnectionNotificationCode code) noexcept {
    if (code == MHD_CONNECTION_NOTIFY_STARTED) return self(server).on_opened(connection, context);
    self(server).on_closed(*static_cast<Guest*>(*context));
  }
};

void HttpServer::DaemonDeleter::operator()(MHD_Daemon* daemon) const noexcept { MHD_stop_daemon(daemon); }

HttpServer::HttpServer(Timekeeper& clock, Loop& loop, std::vector<UniqueFd> listeners, Answer answer,
                       const Limits& limits)
    : clock_(clock),
      listeners_(std::move(listeners)),
      answer_(std::move(answer)),
      limits_(limits),
      overdue_(clock, [this] { dismiss_overdue(); }),
      again_(loop, [this] { run(); }),
      resume_(clock, [this] { begin_to_accept(); }),
      // What is wrong with headers is our own judgement (objection_to): on what it refuses there itself the
      // library (0.9.75) sends the head of its answer twice.
      daemon_(MHD_start_daemon(
          MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, nullptr, nullptr, &Callbacks::on_request, this,
          MHD_OPTION_NOTIFY_COMPLETED, &Callbacks::on_completed, this, MHD_OPTION_NOTIFY_CONNECTION,
          &Callbacks::on_connection, this, MHD_OPTION_STRICT_FOR_CLIENT, -1, MHD_OPTION_CONNECTION_LIMIT,
          static_cast<unsigned>(limits.connections + kClosing), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
          limits.request_bytes, MHD_OPTION_END)) {
  if (!daemon_) throw FatalError({ExitCode::kOsError, "the HTTP library cannot be started"});
  const auto* const info = MHD_get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_EPOLL_FD);
  events_ = std::make_unique<Poll>(loop, info->epoll_fd, [this] { run(); });
  value_or_throw(events_->watch(Readiness::kReadable));
  for (const auto& listener : listeners_) {
    accepting_.push_back(
        std::make_unique<Poll>(loop, listener.get(), [this, fd = listener.get()] { on_clients_wait(fd); }));
  }
  begin_to_accept();
}

HttpServer::~HttpServer() = default;

// ---- clients come

void HttpServer::begin_to_accept() {
  for (const auto& poll : accepting_) {
    if (auto watched = poll->watch(Readiness::kReadable); !watched) resume_.start(kPause);
  }
}

void HttpServer::on_clients_wait(int listener) {
  run();  // who has asked meanwhile is not silent any more
  for (int accepted = 0; accepted < kMostAccepted && accept_one(listener); ++accepted) {
  }
  run();
}

/// Whether it is worth trying again at once.
bool HttpServer::accept_one(int listener) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const int fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    if (!wants_pause(error)) return error == ECONNABORTED || error == EINTR;
    if (make_room()) return true;
    pause();
    return false;
  }
  if (connections() - in(Stage::kCloses).size() >= limits_.connections) make_room();
  fin_on_close(fd);  // unlike the listeners of the service
  // Closes it if that fails.
  MHD_add_connection(daemon_.get(), fd, reinterpret_cast<sockaddr*>(&peer), size);
  return true;
}

void HttpServer::pause() {
  for (const auto& poll : accepting_) poll->stop();
  resume_.start(kPause);
}

/// Whether somebody had to go.
bool HttpServer::make_room() {
  auto* const guest = next_to_go();
  if (guest == nullptr) return false;
  dismiss(*guest);
  run();
  return true;
}

/// Those who rest leave half of the places to others. Who is being answered goes last.
HttpServer::Guest* HttpServer::next_to_go() {
  auto& resting = in(Stage::kRests);
  if (resting.size() > limits_.connections / 2) return &resting.front();
  for (const auto stage : {Stage::kSilent, Stage::kRests, Stage::kIsAnswered})
    if (!in(stage).empty()) return &in(stage).front();
  return nullptr;
}

void HttpServer::on_opened(MHD_Connection* connection, void** context) {
  auto& silent = in(Stage::kSilent);
  auto& guest = silent.emplace_back();
  guest.place = std::prev(silent.end());
  guest.fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  *context = &guest;
  enter(guest, Stage::kSilent);
}

// ---- and ask

void HttpServer::run() {
  MHD_run(daemon_.get());
  MHD_UNSIGNED_LONG_LONG timeout = 0;
  // No time of the library's own is used: it has something to do at once, or waits for an event.
  if (MHD_get_timeout(daemon_.get(), &timeout) == MHD_YES) {
    again_.start(std::max<Time>(Time(timeout), 1ms));  // after others have had their turn
  } else {
    again_.stop();
  }
  tell_if_finished();
}

bool HttpServer::on_request_head(MHD_Connection* connection, std::string_view method,
                                 std::string_view version) {
  enter(Callbacks::guest_of(connection), Stage::kIsAnswered);
  const auto* const objection = objection_to(connection, method, version);
  return objection == nullptr || queue(connection, *objection, true);
}

bool HttpServer::on_request(MHD_Connection* connection, std::string_view path) {
  const bool is_finishing = static_cast<bool>(on_finished_);
  const HttpRequest request{.path = std::string(path),
                            .accept = value_of(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT),
                            .since = value_of(connection, MHD_GET_ARGUMENT_KIND, "since")};
  return queue(connection, answer_(request), is_finishing);
}

bool HttpServer::queue(MHD_Connection* connection, const HttpResponse& response, bool is_last) const {
  const auto made = response_of(response);
  if (!made) return false;
  const auto add = [&made](const char* name, const char* value) {
    MHD_add_response_header(made.get(), name, value);
  };
  add(MHD_HTTP_HEADER_CONTENT_TYPE, response.type.c_str());
  add(MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "no-referrer");
  if (!response.policy.empty()) add("Content-Security-Policy", response.policy.c_str());
  if (response.status == MHD_HTTP_METHOD_NOT_ALLOWED) add(MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  if (is_last) add(MHD_HTTP_HEADER_CONNECTION, "close");
  return MHD_queue_response(connection, response.status, made.get()) == MHD_YES;
}

void HttpServer::on_answered(Guest& guest) {
  if (guest.stage != Stage::kCloses) enter(guest, Stage::kRests);
}

// ---- and go

void HttpServer::on_closed(const Guest& guest) { in(guest.stage).erase(guest.place); }

HttpServer::Time HttpServer::time_in(Stage stage) const noexcept {
  switch (stage) {
    case Stage::kSilent: return limits_.to_ask;
    case Stage::kIsAnswered: return limits_.to_answer;
    case Stage::kRests: return limits_.to_ask_again;
    case Stage::kCloses: return Time::zero();
  }
  return Time::zero();
}

void HttpServer::enter(Guest& guest, Stage stage) {
  auto& others = in(stage);
  others.splice(others.end(), in(guest.stage), guest.place);
  const auto time = time_in(stage);
  guest.stage = stage;
  guest.deadline = clock_.now() + time;
  if (stage != Stage::kCloses) overdue_.start_within(time);
}

/// The library sees the end of the connection in its next turn, and closes it.
void HttpServer::dismiss(Guest& guest) {
  enter(guest, Stage::kCloses);
  ::shutdown(guest.fd, SHUT_RDWR);
}

void HttpServer::dismiss_overdue() {
  const auto now = clock_.now();
  std::optional<Time> next;
  for (const auto stage : {Stage::kSilent, Stage::kIsAnswered, Stage::kRests}) {
    auto& guests = in(stage);
    while (!guests.empty() && guests.front().deadline <= now) dismiss(guests.front());
    if (!guests.empty()) next = std::min(next.value_or(Time::max()), guests.front().deadline);
  }
  if (next) overdue_.start(*next - now);
}

std::size_t HttpServer::connections() const noexcept {
  std::size_t count = 0;
  for (const auto& guests : guests_) count += guests.size();
  return count;
}

/// Those who come meanwhile are another process's, or are kept away.
void HttpServer::finish(std::function<void()> on_finished) {
  on_finished_ = std::move(on_finished);
  accepting_.clear();
  for (const auto& listener : listeners_) {
    for (auto waiting = accept_queue_of(listener.get()).waiting; waiting > 0; --waiting)
      if (!accept_one(listener.get())) break;
  }
  resume_.stop();
  listeners_.clear();
  while (!in(Stage::kRests).empty()) dismiss(in(Stage::kRests).front());
  run();
}

void HttpServer::tell_if_finished() {
  if (!on_finished_ || !listeners_.empty() || connections() > 0) return;
  const auto on_finished = on_finished_;
  on_finished();
}

}  // namespace tcp_echo
