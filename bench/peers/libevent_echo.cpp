// An echo server on libevent's bufferevents, one thread: the input's memory moves to the output, it is not
// copied. libevent-echo PORT

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr std::size_t kOutputMost = std::size_t{64} * 1024;

void close_when_written(bufferevent* connection, void* /*context*/) {
  if (evbuffer_get_length(bufferevent_get_output(connection)) == 0) bufferevent_free(connection);
}

void on_event(bufferevent* connection, short events, void* /*context*/);
void on_read(bufferevent* connection, void* context);

/// Called once the output is empty: a client that lagged may be read again.
void on_written(bufferevent* connection, void* context) {
  if ((bufferevent_get_enabled(connection) & EV_READ) != 0) return;
  bufferevent_enable(connection, EV_READ);
  on_read(connection, context);
}

void on_read(bufferevent* connection, void* /*context*/) {
  auto* output = bufferevent_get_output(connection);
  bufferevent_read_buffer(connection, output);
  if (evbuffer_get_length(output) >= kOutputMost) bufferevent_disable(connection, EV_READ);
}

void on_event(bufferevent* connection, short events, void* context) {
  if ((events & BEV_EVENT_EOF) == 0 || evbuffer_get_length(bufferevent_get_output(connection)) == 0)
    return bufferevent_free(connection);
  bufferevent_setcb(connection, nullptr, close_when_written, on_event, context);
}

void on_accept(evconnlistener* listener, evutil_socket_t fd, sockaddr* /*peer*/, int /*size*/,
               void* /*context*/) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto* connection = bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(connection, on_read, on_written, on_event, nullptr);
  bufferevent_enable(connection, EV_READ | EV_WRITE);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("libevent-echo PORT\n", stderr);
    return 64;
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* base = event_base_new();
  auto* listener =
      evconnlistener_new_bind(base, on_accept, nullptr, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 4096,
                              reinterpret_cast<sockaddr*>(&address), sizeof address);
  if (listener == nullptr) {
    std::perror("libevent-echo: bind");
    return 1;
  }
  std::printf("ready libevent %s\n", event_get_version());
  std::fflush(stdout);
  event_base_dispatch(base);
  evconnlistener_free(listener);
  event_base_free(base);
}
