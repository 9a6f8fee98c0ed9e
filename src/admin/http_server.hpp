// HTTP/1.1 on given listeners: libmicrohttpd on our loop, in its thread.
//
// It trusts no client. A connection that asks for nothing, or slowly, or that does not read its answer, is
// closed when its time is over. When all places are taken the next client gets one of those who do not use
// theirs. So a health check is answered in the presence of any number of clients that only sit there.
//
// https://www.gnu.org/software/libmicrohttpd/manual/
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string_view>
#include <vector>

#include "http.hpp"
#include "tcp_echo/base/unique_fd.hpp"
#include "tcp_echo/loop/loop.hpp"
#include "tcp_echo/loop/poll.hpp"
#include "tcp_echo/loop/timekeeper.hpp"
#include "tcp_echo/loop/timer.hpp"

struct MHD_Connection;
struct MHD_Daemon;

namespace tcp_echo {

class HttpServer {
 public:
  using Answer = std::function<HttpResponse(const HttpRequest&)>;

  struct Limits {
    std::size_t connections = 512;                   ///< at a time
    std::chrono::milliseconds to_ask{5000};          ///< for the first request, from the connection on
    std::chrono::milliseconds to_answer{10'000};     ///< for an answer to be taken
    std::chrono::milliseconds to_ask_again{75'000};  ///< for the next request
    std::size_t request_bytes = 16UL * 1024;         ///< of memory, for a request and the head of its answer
  };

  /// Throws FatalError. The listeners do not block, and may be shared with other processes.
  HttpServer(Timekeeper& clock, Loop& loop, std::vector<UniqueFd> listeners, Answer answer,
             const Limits& limits);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Takes the clients that wait, then no more; answers what is asked. `on_finished` is called when the last
  /// one has gone, which may be at once: then from within this call.
  void finish(std::function<void()> on_finished);

  std::size_t connections() const noexcept;

 private:
  using Time = std::chrono::milliseconds;
  /// What a connection does. Its time depends on that alone, so those who came to it first are due first.
  enum class Stage : std::uint8_t {
    kSilent,      ///< has not asked for anything yet
    kIsAnswered,  ///< or is about to be
    kRests,       ///< has its answer, and may ask again
    kCloses,
  };
  static constexpr std::size_t kStages = static_cast<std::size_t>(Stage::kCloses) + 1;
  struct Guest {
    int fd = -1;
    Stage stage{};
    Time deadline{};
    std::list<Guest>::iterator place{};
  };
  using Guests = std::list<Guest>;
  struct DaemonDeleter {
    void operator()(MHD_Daemon* daemon) const noexcept;
  };
  struct Callbacks;

  void begin_to_accept();
  void pause();
  void on_clients_wait(int listener);
  bool accept_one(int listener);
  bool make_room();
  Guest* next_to_go();
  void run();
  bool on_request_head(MHD_Connection* connection, std::string_view method, std::string_view version);
  bool on_request(MHD_Connection* connection, std::string_view path);
  bool queue(MHD_Connection* connection, const HttpResponse& response, bool is_last) const;
  void on_answered(Guest& guest);
  void on_opened(MHD_Connection* connection, void** context);
  void on_closed(const Guest& guest);
  void enter(Guest& guest, Stage stage);
  void dismiss(Guest& guest);
  void dismiss_overdue();
  void tell_if_finished();
  Guests& in(Stage stage) noexcept { return guests_.at(static_cast<std::size_t>(stage)); }
  Time time_in(Stage stage) const noexcept;

  Timekeeper& clock_;
  std::vector<UniqueFd> listeners_;
  Answer answer_;
  Limits limits_;
  std::function<void()> on_finished_;     ///< once it is to finish
  std::array<Guests, kStages> guests_{};  ///< by their stages, the one that is due first in front
  Timer overdue_;
  Timer again_;   ///< MHD has more to do, without an event
  Timer resume_;  ///< accepting, which has failed for want of descriptors or memory
  std::unique_ptr<MHD_Daemon, DaemonDeleter> daemon_;
  // After what they poll: closed before it.
  std::unique_ptr<Poll> events_;
  std::vector<std::unique_ptr<Poll>> accepting_;
};

}  // namespace tcp_echo
