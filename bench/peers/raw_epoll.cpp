// The limit of what user space can do with readiness: one thread, level-triggered epoll(7), one recv(2) and
// one send(2) for a wake-up of a connection, no timer, no limit, no log. raw-epoll PORT

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_map>

namespace {

constexpr std::size_t kBufferSize = std::size_t{64} * 1024;
constexpr int kEventsPerWait = 256;

[[noreturn]] void give_up(const char* attempted) {
  std::perror(attempted);
  std::exit(1);
}

int listen_on(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("bind");
  if (::listen(fd, 4096) != 0) give_up("listen");
  return fd;
}

bool is_temporary(int error) { return error == EAGAIN || error == EINTR; }

class Server {
 public:
  explicit Server(std::uint16_t port) : listener_(listen_on(port)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, kEventsPerWait> events{};
    for (;;) {
      const int count = ::epoll_wait(epoll_, events.data(), kEventsPerWait, -1);
      for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == listener_)
          accept_all();
        else
          serve(event.data.fd, event.events);
      }
    }
  }

 private:
  void watch(int operation, int fd, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, operation, fd, &event);
  }

  void accept_all() const {
    const int on = 1;
    int fd = -1;
    while ((fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  void serve(int fd, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0)
      flush(fd);
    else if ((events & EPOLLIN) != 0)
      echo(fd);
    else
      close(fd);
  }

  void echo(int fd) {
    const auto received = ::recv(fd, buffer_->data(), kBufferSize, 0);
    if (received < 0 && is_temporary(errno)) return;
    if (received <= 0) return close(fd);  // nothing is left to send: what is lagging is not read
    const auto size = static_cast<std::size_t>(received);
    auto sent = ::send(fd, buffer_->data(), size, MSG_NOSIGNAL);
    if (sent < 0 && !is_temporary(errno)) return close(fd);
    if (sent < 0) sent = 0;
    if (sent == received) return;
    leftovers_[fd].assign(buffer_->data() + sent, size - static_cast<std::size_t>(sent));
    watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
  }

  void flush(int fd) {
    auto& left = leftovers_[fd];
    const auto sent = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0 && is_temporary(errno)) return;
    if (sent < 0) return close(fd);
    left.erase(0, static_cast<std::size_t>(sent));
    if (!left.empty()) return;
    leftovers_.erase(fd);
    watch(EPOLL_CTL_MOD, fd, EPOLLIN);
  }

  void close(int fd) {
    leftovers_.erase(fd);
    ::close(fd);
  }

  using Buffer = std::array<char, kBufferSize>;
  int listener_;
  int epoll_;
  std::unique_ptr<Buffer> buffer_ = std::make_unique<Buffer>();
  std::unordered_map<int, std::string> leftovers_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("raw-epoll PORT\n", stderr);
    return 64;
  }
  Server server(static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10)));
  std::puts("ready");
  std::fflush(stdout);
  server.run();
}
