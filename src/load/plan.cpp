#include "tcp_echo/load/plan.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "tcp_echo/base/arguments.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

constexpr std::uint64_t kMostConnections = 10'000'000;
constexpr std::uint64_t kLargestMessage = std::uint64_t{1} << 30U;
constexpr std::uint64_t kMostPipelined = 65'536;
constexpr std::uint64_t kMostThreads = 1024;
constexpr std::uint64_t kMostSources = 65'536;
constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};
constexpr double kLowestRate = 1e-6;
constexpr double kHighestRate = 1e9;

// Each takes a value's text to where it belongs, or says what is allowed.
using Read = std::optional<std::string> (*)(LoadPlan&, std::string_view);

template <auto kMember, std::uint64_t kLeast, std::uint64_t kMost>
std::optional<std::string> read_count(LoadPlan& plan, std::string_view text) {
  const auto number = parse_number(text);
  if (!number || *number < kLeast || *number > kMost) {
    if (kMost == kNoLimit) return fmt::format("a number from {} up", kLeast);
    return fmt::format("a number from {} to {}", kLeast, kMost);
  }
  auto& member = plan.*kMember;
  member = static_cast<std::remove_reference_t<decltype(member)>>(*number);
  return std::nullopt;
}

template <auto kMember, std::uint64_t kLeast>
std::optional<std::string> read_size(LoadPlan& plan, std::string_view text) {
  const auto size = parse_size(text);
  if (!size || *size < kLeast || *size > kLargestMessage)
    return fmt::format("a size such as 64 or 16KiB, from {} to 1GiB", kLeast);
  plan.*kMember = *size;
  return std::nullopt;
}

template <auto kMember>
std::optional<std::string> read_rate(LoadPlan& plan, std::string_view text) {
  double rate = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, rate, std::chars_format::fixed);
  const bool is_possible = rate == 0 || (rate >= kLowestRate && rate <= kHighestRate);
  if (error != std::errc{} || stopped != end || !is_possible)
    return "0, or a number a second such as 100 or 0.5";
  plan.*kMember = rate;
  return std::nullopt;
}

template <auto kMember, bool kMayBeZero>
std::optional<std::string> read_duration(LoadPlan& plan, std::string_view text) {
  constexpr auto kLongest = std::chrono::hours(24 * 365);
  const auto duration = parse_duration(text);
  if (!duration || *duration > kLongest || (!kMayBeZero && duration->count() == 0))
    return kMayBeZero ? "0, or a duration such as 250ms, 10s or 5m" : "a duration such as 250ms, 10s or 5m";
  plan.*kMember = *duration;
  return std::nullopt;
}

template <auto kMember>
std::optional<std::string> read_text(LoadPlan& plan, std::string_view text) {
  if (text.empty()) return "anything but nothing";
  plan.*kMember = text;
  return std::nullopt;
}

std::optional<std::string> read_message(LoadPlan& plan, std::string_view text) {
  constexpr std::string_view kAllowed =
      "one byte at least, with \\n, \\r, \\t and \\\\ for what they stand for";
  const auto message = unescaped(text);
  if (!message || message->empty()) return std::string(kAllowed);
  plan.message = *message;
  plan.message_size = message->size();
  return std::nullopt;
}

std::optional<std::string> set_half_close(LoadPlan& plan, std::string_view /*none*/) {
  plan.half_close = true;
  return std::nullopt;
}

std::optional<Endpoint> parse_address(std::string_view text) {
  const bool is_v6 = text.find(':') != std::string_view::npos;
  return Endpoint::parse(is_v6 ? fmt::format("[{}]:0", text) : fmt::format("{}:0", text));
}

/// The part of an address that a range counts through: its last 32 bits.
std::uint32_t last_bits(const Endpoint& endpoint) {
  std::uint32_t bits = 0;
  const auto* const address = endpoint.address();
  if (endpoint.family() == AF_INET)
    std::memcpy(&bits, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, sizeof bits);
  else
    std::memcpy(&bits, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr.s6_addr[12], sizeof bits);
  return ntohl(bits);
}

Endpoint with_last_bits(const Endpoint& endpoint, std::uint32_t bits) {
  sockaddr_storage address{};
  std::memcpy(&address, endpoint.address(), endpoint.size());
  const auto in_order = htonl(bits);
  if (endpoint.family() == AF_INET)
    std::memcpy(&reinterpret_cast<sockaddr_in*>(&address)->sin_addr, &in_order, sizeof in_order);
  else
    std::memcpy(&reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr.s6_addr[12], &in_order,
                sizeof in_order);
  return Endpoint::from_sockaddr(address, endpoint.size());
}

std::optional<std::string> read_sources(LoadPlan& plan, std::string_view text) {
  constexpr std::string_view kAllowed =
      "an address, or a range of at most 65536 such as 127.0.0.2-127.0.0.9; all of one family";
  // An address may have a dash of its own: fe80::1%br-lan.
  const auto dash = parse_address(text) ? std::string_view::npos : text.find('-');
  const auto first = parse_address(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_address(text.substr(dash + 1));
  if (!first || !last || first->family() != last->family()) return std::string(kAllowed);
  if (!plan.sources.empty() && plan.sources.front().family() != first->family()) return std::string(kAllowed);
  const auto begin = last_bits(*first);
  const auto end = last_bits(*last);
  if (end < begin || end - begin >= kMostSources) return std::string(kAllowed);
  if (!(with_last_bits(*first, end) == *last)) return std::string(kAllowed);  // more differs
  plan.sources.reserve(plan.sources.size() + (end - begin) + 1);
  for (std::uint64_t bits = begin; bits <= end; ++bits)
    plan.sources.push_back(with_last_bits(*first, static_cast<std::uint32_t>(bits)));
  return std::nullopt;
}

struct LoadOption {
  std::string_view name;
  std::string_view placeholder;  ///< empty for a switch
  std::string_view help;
  std::string_view default_text;
  Read read;
};

// The defaults are those of LoadPlan; a test compares them.
constexpr std::array kOptions = {
    LoadOption{"connections", "N", "concurrent connections", "50",
               read_count<&LoadPlan::connections, 0, kMostConnections>},
    LoadOption{"connect-rate", "R", "new connections a second; 0: as fast as they are made", "0",
               read_rate<&LoadPlan::connect_rate>},
    LoadOption{"message-size", "S", "bytes of a message, which look random", "64",
               read_size<&LoadPlan::message_size, 1>},
    LoadOption{"message", "TEXT", "a text instead; \\n, \\r, \\t and \\\\ stand for what they always do", "",
               read_message},
    LoadOption{"rate", "R",
               "messages a second per connection, by the clock: latency counts from when one was due; "
               "0: the next message goes out as an echo returns",
               "0", read_rate<&LoadPlan::rate>},
    LoadOption{"pipeline", "K", "messages under way on a connection, without --rate", "1",
               read_count<&LoadPlan::pipeline, 1, kMostPipelined>},
    LoadOption{"messages", "N", "a connection is closed after so many and made anew; 0: it stays", "0",
               read_count<&LoadPlan::messages, 0, kNoLimit>},
    LoadOption{"lifetime", "D", "a connection is closed after this time and made anew; 0: it stays", "0",
               read_duration<&LoadPlan::lifetime, true>},
    LoadOption{"idle", "N", "further connections that say nothing", "0",
               read_count<&LoadPlan::idle, 0, kMostConnections>},
    LoadOption{"half-close", "", "close for writing first, then expect every byte and the server's FIN", "",
               set_half_close},
    LoadOption{"slow-reader", "RATE", "bytes a second that each connection reads at most; 0: no limit", "0",
               read_size<&LoadPlan::slow_reader, 0>},
    LoadOption{"source-address", "A[-B]",
               "address, or range of them, to connect from in turn (repeatable): one reaches "
               "about 28,000 connections to one target",
               "", read_sources},
    LoadOption{"duration", "D", "how long to measure; 0: until Ctrl-C", "10s",
               read_duration<&LoadPlan::duration, true>},
    LoadOption{"warmup", "D", "load for this long before, without measuring", "0",
               read_duration<&LoadPlan::warmup, true>},
    LoadOption{"wait", "D", "how long to wait for the last echoes, and for a server's FIN", "5s",
               read_duration<&LoadPlan::wait, true>},
    LoadOption{"catch-up", "D", "with --rate: a message that is late by more is skipped, and counted", "10s",
               read_duration<&LoadPlan::catch_up, true>},
    LoadOption{"threads", "N", "threads that share the connections, each a loop of its own", "1",
               read_count<&LoadPlan::threads, 1, kMostThreads>},
    LoadOption{"interval", "D", "of progress and of --json-lines", "1s",
               read_duration<&LoadPlan::interval, false>},
    LoadOption{"json", "FILE", "write the result as one JSON document (-: standard output, here and below)",
               "", read_text<&LoadPlan::json>},
    LoadOption{"json-lines", "FILE", "write a line of JSON for each interval, while it runs", "",
               read_text<&LoadPlan::json_lines>},
    LoadOption{"histogram", "FILE", "write all latencies in HdrHistogram's text format", "",
               read_text<&LoadPlan::histogram>},
    LoadOption{"html", "FILE", "write a page with the latency curve and the rate over time", "",
               read_text<&LoadPlan::html>},
};

constexpr std::array kSignals = {
    HelpEntry{"INT (Ctrl-C), TERM",
              "end the run early, with its result; a second one does not wait for what is under way"},
};

constexpr std::array kExitCodes = {
    HelpEntry{"0", "every byte came back and nothing failed"},
    HelpEntry{"1", "a byte came back wrong or not at all, or a connection failed"},
    HelpEntry{"64", "bad command line"},
    HelpEntry{"69", "nobody knows the target's name, or a source address is not one of this machine's"},
    HelpEntry{"70", "internal fault"},
    HelpEntry{"71", "no memory, thread or descriptor to begin with"},
    HelpEntry{"73", "a report, or standard output, cannot be written"},
};

// Behind the options in the list of all flags.
constexpr std::size_t kVersionFlag = kOptions.size();
constexpr std::size_t kHelpFlag = kVersionFlag + 1;

std::vector<FlagShape> all_flags() {
  std::vector<FlagShape> flags;
  for (const auto& option : kOptions) {
    const auto value = option.placeholder.empty() ? FlagValue::kNone : FlagValue::kNeeded;
    flags.push_back({fmt::format("--{}", option.name), value});
  }
  flags.push_back({"--version", FlagValue::kNone, "-V"});
  flags.push_back({"--help", FlagValue::kNone, "-h"});
  return flags;
}

tl::unexpected<Error> usage(std::string text) { return failure(ExitCode::kUsage, std::move(text)); }

Result<void> check_together(const LoadCommand& command) {
  const auto has = [&](std::string_view flag) {
    const auto is_it = [flag](const auto& given) { return given.first == flag; };
    return std::any_of(command.options.begin(), command.options.end(), is_it);
  };
  const auto& plan = command.plan;
  if (has("--message") && has("--message-size"))
    return usage("--message-size: the size is that of --message's text; allowed: one of the two");
  if (plan.is_open_loop() && has("--pipeline"))
    return usage("--pipeline: with --rate messages go out by the clock; allowed: one of the two");
  if (plan.connections + plan.idle == 0)
    return usage("--connections: 0 and no --idle leaves nothing to do; allowed: one connection at least");
  if (plan.message_size * plan.pipeline > kLargestMessage)
    return usage("--pipeline: more than 1GiB would be under way on a connection; allowed: up to 1GiB");
  return {};
}

std::string complaint(const ArgumentMistake& mistake) {
  if (mistake.kind == ArgumentMistake::Kind::kMissingValue)
    return fmt::format("{}: the value is missing; allowed: what --help says", mistake.word);
  return fmt::format(
      "command line: {} is not an option, or has a value too many or a name cut too short; allowed: those of "
      "--help",
      in_quotes(mistake.word));
}

Result<std::string> the_target(const std::vector<std::string>& words) {
  if (words.empty()) return usage("the target is missing; allowed: HOST:PORT behind the options");
  if (words.size() > 1)
    return usage(fmt::format("{} is one target too many; allowed: one HOST:PORT", in_quotes(words[1])));
  return words.front();
}

Result<void> apply(const LoadOption& option, const std::string& value, LoadCommand& command) {
  if (const auto allowed = option.read(command.plan, value)) {
    return usage(
        fmt::format("--{}: {} is not possible; allowed: {}", option.name, in_quotes(value), *allowed));
  }
  command.options.emplace_back(fmt::format("--{}", option.name), option.placeholder.empty() ? "" : value);
  return {};
}

}  // namespace

Result<LoadCommand> read_load_command(const std::vector<std::string>& arguments) {
  const auto found = take_apart(arguments, all_flags(), FlagNames::kMayBeCut);
  if (!found) return tl::unexpected(found.error());
  LoadCommand command;
  for (const auto& [flag, value] : found->flags) {
    if (flag == kVersionFlag || flag == kHelpFlag) {  // what stands behind it does not count any more
      command.action = flag == kHelpFlag ? LoadAction::kHelp : LoadAction::kVersion;
      return command;
    }
    if (auto applied = apply(kOptions.at(flag), value, command); !applied)
      return tl::unexpected(applied.error());
  }
  if (found->mistake) return usage(complaint(*found->mistake));
  const auto target = the_target(found->others);
  if (!target) return tl::unexpected(target.error());
  command.plan.target = *target;
  if (auto checked = check_together(command); !checked) return tl::unexpected(checked.error());
  return command;
}

std::span<const HelpEntry> load_exit_codes() { return kExitCodes; }

std::string load_help(std::size_t columns) {
  constexpr std::size_t kColumn = 28;
  HelpText help(columns);
  help.paragraph("Usage: tcp-echo-load [OPTION]... HOST:PORT");
  help.paragraph("Loads a TCP echo server, compares every byte that comes back, and measures latency.");
  help.blank_line();
  for (const auto& option : kOptions) {
    const auto flag = option.placeholder.empty() ? fmt::format("--{}", option.name)
                                                 : fmt::format("--{} {}", option.name, option.placeholder);
    std::string text(option.help);
    if (!option.default_text.empty()) text += fmt::format(" (default {})", option.default_text);
    help.entry(flag, text, kColumn);
  }
  help.entry("-V, --version", "print the version and exit", kColumn);
  help.entry("-h, --help", "print this help and exit", kColumn);
  help.blank_line();
  help.paragraph("Durations D: 250ms, 10s, 5m, 2h. Sizes S: 64, 16KiB, 1MiB.");
  help.blank_line();
  help.list("Signals:", kSignals);
  help.blank_line();
  help.list("Exit codes:", kExitCodes);
  return help.text();
}

}  // namespace tcp_echo
