// tcp-echo-bench: what tcp-echo-master can do, beside other echo servers on the same machine at the same
// time.
//   build/release/tcp-echo-bench --help

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cases.hpp"
#include "comparison.hpp"
#include "footprint.hpp"
#include "load.hpp"
#include "options.hpp"
#include "peers.hpp"
#include "results.hpp"
#include "server.hpp"
#include "setting.hpp"
#include "tcp_echo/base/error.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo::bench {
namespace {

std::string now_in_utc() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// "2025-01-31T12:34:56Z" is "2025-01-31-123456".
std::string file_name_of(std::string date) {
  date.erase(std::remove_if(date.begin(), date.end(), [](char c) { return c == ':' || c == 'Z'; }),
             date.end());
  std::replace(date.begin(), date.end(), 'T', '-');
  return date;
}

std::string joined(const Process::Command& words) {
  std::string line;
  for (const auto& word : words) line += line.empty() ? word : " " + word;
  return line;
}

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

class Bench {
 public:
  Bench(Setting setting, const std::string& command) : setting_(std::move(setting)) {
    results_.date = now_in_utc();
    results_.command = command;
    results_.machine = machine();
    for (const auto& peer : kPeers) {
      if (!setting_.options.wants_peer(peer.name)) continue;
      if (is_there(peer, setting_))
        peers_.push_back(peer);
      else
        setting_.notices.push_back(fmt::format("{} is left out: {} is not there", peer.name, peer.program));
    }
  }
  ~Bench() {
    std::error_code error;
    std::filesystem::remove_all(setting_.scratch, error);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  ExitCode run() {
    for (const auto& line : setting_.notices) note(line);
    print(fmt::format("about {}, on:",
                      counted(1 + static_cast<std::uint64_t>(expected_length().count()) / 60'000, "minute")));
    for (const auto& [name, value] : results_.machine) print(fmt::format(" {}: {};", name, value));
    print("\n\n" + table_head());
    try {
      for (const auto& row : kCases) {
        if (setting_.options.wants_case(row.name)) measure(row);
      }
    } catch (const Interrupted&) {
      results_.is_interrupted = true;
      sum_up();  // what there is
      throw;
    }
    sum_up();
    print("\n" + markdown(results_));
    const auto code = exit_code(results_);
    if (code != ExitCode::kOk) print("\ntcp-echo-bench: FAILED, see above\n");
    return code;
  }

 private:
  void note(const std::string& line) {
    results_.notices.push_back(line);
    print("note: " + line + "\n");
  }

  void sum_up() const {
    print("\n" + legend(results_));
    if (const auto text = faults(results_); !text.empty()) print("\n" + text);
    write_down();
  }

  std::chrono::milliseconds expected_length() const {
    std::chrono::milliseconds sum{0};
    for (const auto& row : kCases) {
      if (!setting_.options.wants_case(row.name) || row.kind == Kind::kMemory || row.kind == Kind::kCounts)
        continue;
      for (const auto& peer : peers_) {
        if (!peer.forks || row.forking_peers)
          sum += 2 * setting_.options.pairs * length_of(setting_, load_of(row));
      }
    }
    return sum;
  }

  Load load_of(const Case& row) const {
    auto load = row.load;
    load.idle = std::min(load.idle, setting_.idle);
    return load;
  }

  /// A server that does not start, or fails in the midst, costs what was to be measured with it, and nothing
  /// else. Runs that fail are no exception, see run_load().
  template <class Measure>
  void attempt(const Case& row, std::string_view server, Measure measure) {
    try {
      measure();
    } catch (const FatalError& error) {
      results_.failures.push_back({std::string(server), std::string(row.title), error.what()});
      print(table_row(results_.failures.back()));
    }
  }

  void measure(const Case& row) {
    switch (row.kind) {
      case Kind::kRate: return compare_with_peers(row);
      case Kind::kAmongIdle: compare_with_peers(row); return compare_with_none_idle(row);
      case Kind::kWorkers: return compare_workers(row);
      case Kind::kMemory: return measure_memory(row);
      case Kind::kCounts: return measure_counts(row);
    }
  }

  std::unique_ptr<Server> ours(unsigned workers = 1) {
    auto server = Server::start_ours(setting_, workers, setting_.server_cpus);
    results_.versions[server->name()] = server->version();
    return server;
  }

  std::unique_ptr<Server> start(const Peer& peer) {
    auto server = Server::start_peer(setting_, peer);
    results_.versions[server->name()] = server->version();
    return server;
  }

  void compare_with_peers(const Case& row) {
    for (const auto& peer : peers_) {
      if (peer.forks && !row.forking_peers) continue;
      attempt(row, peer.name, [&] {
        const auto our_server = ours();
        const auto their_server = start(peer);
        compare(setting_, row, {*our_server, load_of(row)}, {*their_server, load_of(row)},
                std::string(peer.name));
      });
    }
  }

  void compare_with_none_idle(const Case& row) {
    attempt(row, kOurs, [&] {
      const auto server = ours();
      auto none_idle = row.load;
      none_idle.idle = 0;
      compare(setting_, row, {*server, load_of(row)}, {*server, none_idle}, "ours, none idle");
    });
  }

  void compare_workers(const Case& row) {
    constexpr std::size_t kNeeded = 4;  // two for the workers, as many for the client that must keep up
    if (setting_.server_cpus.empty() || setting_.client_cpus.size() + 1 < kNeeded)
      return note(
          fmt::format("{}: left out, takes {} CPUs: here the client could not keep up, and the figure "
                      "would be the client's",
                      row.title, kNeeded));
    auto setting = setting_;
    const std::vector<int> cpus{setting.server_cpus.front(), setting.client_cpus.front()};
    setting.client_cpus.erase(setting.client_cpus.begin());
    attempt(row, kOurs, [&] {
      const auto two = Server::start_ours(setting, 2, cpus);
      const auto one = Server::start_ours(setting, 1, setting.server_cpus);
      compare(setting, row, {*two, load_of(row)}, {*one, load_of(row)}, "ours, 1 worker", 2);
    });
  }

  void compare(const Setting& setting, const Case& row, const Side& ours, const Side& theirs,
               std::string peer, unsigned workers = 1) {
    Comparison comparison;
    comparison.case_name = row.name;
    comparison.title = row.title;
    if (ours.load.idle > 0) comparison.title += fmt::format(" ({})", ours.load.idle);
    comparison.unit = row.unit;
    comparison.peer = std::move(peer);
    comparison.workers = workers;
    auto command = load_command(setting, ours.load, ours.server.port());
    // Results are published: without the folder that the program lies in.
    command.front() = std::filesystem::path(command.front()).filename().string();
    comparison.command = joined(command);
    comparison.pairs = run_pairs(setting, ours, theirs);
    print(table_row(comparison));
    results_.comparisons.push_back(std::move(comparison));
  }

  void measure_memory(const Case& row) {
    if (setting_.idle < kFewestIdle)
      return note(fmt::format("{}: left out, for the limit on open files", row.title));
    const auto measure = [&](Server& server) {
      results_.memory.push_back({server.name(), measure_idle_memory(setting_, server)});
      print(table_row(results_.memory.back()));
    };
    attempt(row, kOurs, [&] { measure(*ours()); });
    for (const auto& peer : peers_) {
      if (!peer.forks) attempt(row, peer.name, [&] { measure(*start(peer)); });
    }
  }

  void measure_counts(const Case& row) {
    count(row, std::string(kOurs), [&](const Wrapper& wrapper) {
      return Server::start_ours(setting_, 1, setting_.server_cpus, wrapper);
    });
    for (const auto& peer : peers_) {
      if (peer.name != "raw-epoll") continue;
      count(row, std::string(peer.name),
            [&](const Wrapper& wrapper) { return Server::start_peer(setting_, peer, wrapper); });
    }
  }

  void count(const Case& row, const std::string& server, const Starter& start) {
    attempt(row, server, [&] {
      CountsRow counts;
      counts.server = server;
      const auto plain = start({});
      results_.versions[server] = plain->version();
      counts.system_calls = system_calls_per_echo(setting_, *plain, row.load.connections);
      if (!counts.system_calls) note("system calls are not counted: strace is missing, or not allowed");
      counts.instructions = instructions_per_echo(setting_, start, row.load.connections);
      if (!counts.instructions)
        note("instructions are not counted: Valgrind is missing, or cannot run this program");
      print(table_row(counts));
      results_.counts.push_back(std::move(counts));
    });
  }

  void write_down() const {
    const std::filesystem::path folder(setting_.options.output);
    std::filesystem::create_directories(folder);
    const auto name = file_name_of(results_.date);
    write(folder / (name + ".json"), json(results_, setting_));
    if (!results_.comparisons.empty()) write(folder / (name + ".svg"), chart(results_));
  }

  static void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream stream(path);
    stream << text << std::flush;
    if (!stream) throw FatalError({ExitCode::kCantCreate, "cannot write " + path.string()});
    print("written: " + path.string() + "\n");
  }

  Setting setting_;
  Results results_;
  std::vector<Peer> peers_;
};

int fail(const std::string& text, ExitCode code) {
  std::fprintf(stderr, "tcp-echo-bench: %s\n", text.c_str());
  return static_cast<int>(code);
}

int run(int argc, char** argv) {
  const auto options = parse_options(argc, argv);
  if (!options) return 0;
  note_signals();
  return static_cast<int>(Bench(look_around(*options), joined({argv, argv + argc})).run());
}

}  // namespace
}  // namespace tcp_echo::bench

int main(int argc, char** argv) {
  try {
    return tcp_echo::bench::run(argc, argv);
  } catch (const tcp_echo::bench::Interrupted& interrupted) {
    return 128 + interrupted.signal;
  } catch (const tcp_echo::FatalError& error) {
    return tcp_echo::bench::fail(error.what(), error.code());
  } catch (const std::exception& error) {
    return tcp_echo::bench::fail(error.what(), tcp_echo::ExitCode::kSoftware);
  }
}
