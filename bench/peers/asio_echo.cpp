// An echo server as Asio's own examples have it: a session that holds itself while it reads and writes, one
// thread. asio-echo PORT

#include <array>
#include <asio.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <utility>

namespace {

using asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
 public:
  // The buffer stays as it is: zeros would touch all of its pages.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](const asio::error_code& error, std::size_t size) {
                              if (!error) self->write(size);
                            });
  }

 private:
  void write(std::size_t size) {
    asio::async_write(socket_, asio::buffer(buffer_.data(), size),
                      [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  std::array<char, std::size_t{64} * 1024> buffer_;
};

class Server {
 public:
  Server(asio::io_context& context, std::uint16_t port)
      : acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), port)) {
    accept();
  }

 private:
  void accept() {
    acceptor_.async_accept([this](asio::error_code error, tcp::socket socket) {
      if (!error) {
        socket.set_option(tcp::no_delay(true), error);
        std::make_shared<Session>(std::move(socket))->read();
      }
      accept();
    });
  }

  tcp::acceptor acceptor_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("asio-echo PORT\n", stderr);
    return 64;
  }
  try {
    asio::io_context context(1);
    const Server server(context, static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10)));
    std::printf("ready Asio %d.%d.%d\n", ASIO_VERSION / 100000, ASIO_VERSION / 100 % 1000,
                ASIO_VERSION % 100);
    std::fflush(stdout);
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "asio-echo: %s\n", error.what());
    return 1;
  }
}
