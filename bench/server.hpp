// A running echo server: ours, or one that it is compared with. It ends with its object.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "process.hpp"
#include "setting.hpp"

namespace tcp_echo::bench {

struct Peer;

inline constexpr std::string_view kOurs = "tcp-echo";

bool is_there(const Peer& peer, const Setting& setting);

/// What stands before the command, of Valgrind say; and how patient one must be then.
struct Wrapper {
  std::vector<std::string> command;
  std::chrono::milliseconds patience{5000};
};

class Server {
 public:
  /// Both throw FatalError if it does not answer in time, or with fewer workers than it was asked for.
  static std::unique_ptr<Server> start_ours(const Setting& setting, unsigned workers,
                                            const std::vector<int>& cpus, const Wrapper& wrapper = {});
  static std::unique_ptr<Server> start_peer(const Setting& setting, const Peer& peer,
                                            const Wrapper& wrapper = {});

  ~Server() { stop(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Lets it end in peace, and waits for that.
  void stop();

  const std::string& name() const noexcept { return name_; }
  const std::string& version() const noexcept { return version_; }
  std::uint16_t port() const noexcept { return port_; }

  /// The processes that serve: of ours the workers.
  const std::vector<pid_t>& serving() const noexcept { return serving_; }

  /// Whether all of them are still there.
  bool is_sound();

  /// Processor time of those that serve; nothing where connections have processes of their own, or one of
  /// those that serve is gone.
  std::optional<double> cpu_seconds() const;

 private:
  Server(std::string name, std::uint16_t port, const Process::Command& command, const std::vector<int>& cpus,
         const Wrapper& wrapper, bool is_ours);

  void wait_until_it_answers();

  std::string name_;
  std::string version_;
  std::uint16_t port_;
  bool is_ours_;
  bool forks_ = false;
  std::chrono::milliseconds patience_;
  Process process_;
  std::vector<pid_t> serving_;
};

}  // namespace tcp_echo::bench
