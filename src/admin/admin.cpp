#include "tcp_echo/admin/admin.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <utility>
#include <variant>

#include "http_server.hpp"
#include "pages.hpp"
#include "silence.hpp"
#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/log.hpp"
#include "tcp_echo/base/overloaded.hpp"
#include "tcp_echo/config/log_settings.hpp"
#include "tcp_echo/config/reader.hpp"
#include "tcp_echo/ipc/heartbeat.hpp"
#include "tcp_echo/ipc/log_call.hpp"
#include "tcp_echo/ipc/role_call.hpp"

namespace tcp_echo {
namespace {

using namespace std::chrono_literals;

/// After a signal of its own, or without a master that speaks with it.
constexpr auto kTimeToFinish = 1000ms;

/// Without a watchdog too: the answers tell how the master is.
constexpr auto kBeatUnwatched = 1000ms;

/// A connection needs a descriptor.
HttpServer::Limits limits_here() {
  constexpr int kSpareDescriptors = 32;
  HttpServer::Limits limits;
  const auto descriptors = static_cast<std::size_t>(std::max(open_files_limit() - kSpareDescriptors, 1));
  limits.connections = std::min(limits.connections, descriptors);
  return limits;
}

}  // namespace

Admin::Admin(AdminBirth birth)
    : birth_(std::move(birth)),
      silence_(std::make_unique<Silence>()),
      beat_(loop_, [this] { beat(); }),
      deadline_(loop_, [this] { loop_.stop(); }),
      terminate_(loop_, SIGTERM, [this](int) { finish_soon(); }),
      quit_(loop_, SIGQUIT, [this](int) { finish_soon(); }),
      control_(loop_, std::move(birth_.control),
               {.on_message = [this](const ToWorker& message,
                                     const std::vector<UniqueFd>& fds) { on_message(message, fds); },
                .on_closed = [this] { finish_soon(); },  // a dead master does not leave that much time
                .on_nonsense = [this](const DecodeError& error) { on_nonsense(error); }}) {}

Admin::~Admin() = default;

ExitCode Admin::run() {
  loop_.run();
  return exit_code_;
}

void Admin::on_message(const ToWorker& received, const std::vector<UniqueFd>& descriptors) {
  std::visit(
      Overloaded{
          [&](const ConfigureMessage& message) { configure(message, descriptors); },
          [&](const HeardMessage&) { silence_->end(); },
          [&](const LogMessage& message) { follow_log(message, descriptors); },
          [&](const DrainMessage& message) { finish(std::chrono::milliseconds(message.milliseconds)); },
          [&](const StopMessage&) { loop_.stop(); },
          [&](const auto&) { fail(ExitCode::kSoftware, "the master sent a message of another role"); },
      },
      received);
}

void Admin::configure(const ConfigureMessage& message, const std::vector<UniqueFd>& descriptors) {
  if (http_ != nullptr || descriptors.size() != 1)
    return fail(ExitCode::kSoftware, "the master sent no usable scoreboard");
  const auto config = parse_effective_toml(message.configuration);
  if (!config) return fail(ExitCode::kSoftware, config.error().text);
  auto scoreboard = Scoreboard::map_for_reading(descriptors.front());
  if (!scoreboard) return fail(scoreboard.error().code, scoreboard.error().text);
  scoreboard_.emplace(std::move(*scoreboard));
  set_up_logging(std::string(spdlog::default_logger()->name()), log_settings(*config, kLogDescriptor));
  silence_->begin(loop_.now(),
                  config->watchdog.count() > 0 ? heartbeat_interval(config->watchdog) : kBeatUnwatched);
  try {
    serve();
  } catch (const FatalError& error) {
    fail(error.code(), error.what());
  }
}

void Admin::serve() {
  http_ = std::make_unique<HttpServer>(
      loop_, loop_, std::move(birth_.listeners),
      [this](const HttpRequest& request) { return answer(request); }, limits_here());
  say(ReadyMessage{});
  beat();
}

HttpResponse Admin::answer(const HttpRequest& request) const {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return tcp_echo::answer(request, {.status = read_status(*scoreboard_, loop_.now()),
                                    .silence = silence_->length(),
                                    .clock = loop_.now(),
                                    .wall = std::chrono::duration_cast<std::chrono::milliseconds>(wall),
                                    .events = scoreboard_->master().events,
                                    .samples = scoreboard_->master().samples});
}

void Admin::beat() {
  silence_->look(loop_.now());
  say(BeatMessage{});
  beat_.start(silence_->interval());
}

/// A master that cannot be told is busy, or gone; the end of the channel tells that.
void Admin::say(const ToMaster& message) {
  if (auto told = control_.send(message); !told) spdlog::debug("{}", told.error().text);
}

void Admin::on_nonsense(const DecodeError& error) {
  switch (error.kind) {
    case DecodeError::Kind::kOtherVersion: return finish_soon();
    case DecodeError::Kind::kNonsense: return fail(ExitCode::kSoftware, "the master sent " + error.text);
  }
}

void Admin::finish_soon() { finish(kTimeToFinish); }

void Admin::finish(std::chrono::milliseconds time) {
  if (http_ == nullptr) return loop_.stop();
  const bool finishes_already = deadline_.is_running();
  deadline_.start_within(time);
  if (!finishes_already) http_->finish([this] { loop_.stop(); });
}

void Admin::fail(ExitCode code, const std::string& why) noexcept {
  spdlog::error("{}; leaving", why);
  exit_code_ = code;
  loop_.stop();
}

}  // namespace tcp_echo
