#include "value.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>
#include <sys/un.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "tcp_echo/base/overloaded.hpp"
#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

using Assigned = tl::expected<void, std::string>;

constexpr unsigned kLargestPort = 65535;
constexpr std::size_t kLongestSocketPath = sizeof(sockaddr_un::sun_path) - 1;  // unix(7)

/// What stands behind the backslash for a character that has such a short form in TOML.
std::optional<char> escape_letter(char c) {
  switch (c) {
    case '"':
    case '\\': return c;
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return std::nullopt;
  }
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const auto letter = escape_letter(c)) {
      out += '\\';
      out += *letter;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string listed(std::span<const std::string_view> words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

/// A number may be well written and still be none that we can take.
std::string_view why_not_a_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool only_digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  return only_digits ? "is out of range" : "is not a number";
}

/// Reads one value into a Config; an error is the reason alone ("is not a number").
class Reader {
 public:
  Reader(const std::vector<std::string>& texts, Config& config)
      : texts_(texts), text_(texts.back()), config_(config) {}

  Assigned operator()(const SwitchValue& value) const {
    const auto on = parse_switch(text_);
    if (!on) return refuse("is neither on nor off");
    config_.*value.member = *on;
    return {};
  }

  Assigned operator()(const NumberValue& value) const {
    if (!value.word.empty() && text_ == value.word) {
      config_.*value.member = 0;
      return {};
    }
    const auto number = parse_number(text_);
    if (!number) return refuse(why_not_a_number(text_));
    if (*number < value.min || *number > value.max) return refuse("is out of range");
    config_.*value.member = static_cast<unsigned>(*number);
    return {};
  }

  Assigned operator()(const DurationValue& value) const {
    const auto duration = parse_duration(text_);
    if (!duration) return refuse("is not a duration");
    const bool off = duration->count() == 0 && !value.zero.empty();
    if (!off && (*duration < value.min || *duration > value.max)) return refuse("is out of range");
    config_.*value.member = *duration;
    return {};
  }

  Assigned operator()(const TextValue& value) const {
    if (text_.size() > value.max_bytes) return refuse("is too long");
    if (!is_utf8(text_)) return refuse("is not UTF-8");
    config_.*value.member = text_;
    return {};
  }

  Assigned operator()(const PathValue& value) const { return read_path(config_.*value.member); }

  Assigned operator()(const SocketValue& value) const {
    auto& path = config_.*value.member;
    if (text_ == kSocketOff || text_ == kSocketAuto) {
      path = text_;
      return {};
    }
    if (text_.empty()) return refuse("is no path");
    if (auto read = read_path(path); !read) return read;
    if (path.size() > kLongestSocketPath) return refuse("is too long");
    return {};
  }

  Assigned operator()(const AddressValue& value) const {
    auto& address = config_.*value.member;
    address = Endpoint::parse(text_);
    if (address || text_ == kAddressOff) return {};
    return refuse(Endpoint::why_not(text_));
  }

  Assigned operator()(const ChoiceValue& value) const {
    const auto found = std::find(value.words.begin(), value.words.end(), text_);
    if (found == value.words.end()) return refuse("is none of them");
    value.set(config_, static_cast<std::size_t>(found - value.words.begin()));
    return {};
  }

  Assigned operator()(const ListenValue&) const {
    if (texts_.size() > kMaxListenAddresses)
      return tl::unexpected(fmt::format("{} addresses are too many", texts_.size()));
    std::vector<Endpoint> addresses;
    for (const auto& text : texts_) {
      const auto address = Endpoint::parse(text);
      if (!address) return tl::unexpected(fmt::format("{} {}", in_quotes(text), Endpoint::why_not(text)));
      const bool twice =
          address->port() != 0 && std::find(addresses.begin(), addresses.end(), *address) != addresses.end();
      if (twice) return tl::unexpected(in_quotes(text) + " is given twice");
      addresses.push_back(*address);
    }
    config_.listen = std::move(addresses);
    config_.listen_is_default = false;
    return {};
  }

  Assigned operator()(const PortValue&) const {
    const auto port = parse_number(text_);
    if (!port) return refuse(why_not_a_number(text_));
    if (*port > kLargestPort) return refuse("is out of range");
    config_.listen = {Endpoint::any_v6(static_cast<std::uint16_t>(*port))};
    config_.listen_is_default = true;
    return {};
  }

 private:
  Assigned read_path(std::string& into) const {
    if (!is_utf8(text_)) return refuse("is not UTF-8");
    if (text_.find('\0') != std::string::npos) return refuse("contains a zero byte");
    into = text_;
    if (text_.empty()) return {};
    std::error_code error;  // the folder we were started in may be gone
    // Not normalised: "link/.." is not where the link stands.
    const auto path = std::filesystem::absolute(std::filesystem::path(config_.start_folder) / text_, error);
    if (error) return refuse("has no folder to be relative to");
    into = path.string();
    // Workers and later programs get the configuration as TOML, which is UTF-8.
    if (!is_utf8(path.string())) return refuse("is relative to a folder whose name is not UTF-8");
    return {};
  }

  Assigned refuse(std::string_view why) const {
    return tl::unexpected(fmt::format("{} {}", in_quotes(text_), why));
  }

  const std::vector<std::string>& texts_;
  const std::string& text_;
  Config& config_;
};

/// An option whose behaviour is still to come takes its built-in value only, however that is spelled.
bool is_supported(const Option& option, std::string_view text, const Config& changed) {
  if (option.support == Support::kNow) return option.later_word.empty() || text != option.later_word;
  Config built_in;
  const std::vector<std::string> default_texts = {std::string(option.default_text)};
  return std::visit(Reader(default_texts, built_in), option.value).has_value() &&
         to_toml(option, changed) == to_toml(option, built_in);
}

std::string supported_text(const Option& option) {
  if (option.default_text.empty()) return "leaving it out";
  return std::string(option.default_text);
}

}  // namespace

Assigned assign(const Option& option, const std::vector<std::string>& texts, Config& config) {
  if (texts.empty()) return tl::unexpected("an empty list; allowed: " + allowed(option));
  Config changed = config;
  const auto read = std::visit(Reader(texts, changed), option.value);
  if (!read) return tl::unexpected(read.error() + "; allowed: " + allowed(option));
  if (!is_supported(option, texts.back(), changed)) {
    return tl::unexpected(in_quotes(texts.back()) +
                          " is not supported yet; allowed: " + supported_text(option));
  }
  config = std::move(changed);
  return {};
}

std::string allowed(const Option& option) {
  return std::visit(
      Overloaded{
          [](const SwitchValue&) -> std::string { return "on, true, yes, 1, or off, false, no, 0"; },
          [](const NumberValue& value) {
            const auto range = fmt::format("{} to {}", value.min, value.max);
            return value.word.empty() ? range : fmt::format("{}, or {}", range, value.word);
          },
          [](const DurationValue& value) {
            const auto range =
                fmt::format("{} to {}", format_duration(value.min), format_duration(value.max));
            return value.zero.empty() ? range : fmt::format("{}, or 0 ({})", range, value.zero);
          },
          [](const TextValue& value) { return fmt::format("at most {} bytes of UTF-8", value.max_bytes); },
          [](const PathValue&) -> std::string { return "a path"; },
          [](const SocketValue&) {
            return fmt::format("a path of at most {} bytes, {} or {}", kLongestSocketPath, kSocketAuto,
                               kSocketOff);
          },
          [](const AddressValue&) {
            return fmt::format(
                "ADDR:PORT with the address in numbers, such as 127.0.0.1:8091 or [::1]:8091, or {}",
                kAddressOff);
          },
          [](const ChoiceValue& value) { return listed(value.words); },
          [](const ListenValue&) {
            return fmt::format(
                "up to {} of ADDR:PORT with the address in numbers, such as 127.0.0.1:8090 or [::1]:8090",
                kMaxListenAddresses);
          },
          [](const PortValue&) { return fmt::format("0 to {}", kLargestPort); },
      },
      option.value);
}

std::string to_toml(const Option& option, const Config& config) {
  return std::visit(
      Overloaded{
          [&](const SwitchValue& value) -> std::string { return config.*value.member ? "true" : "false"; },
          [&](const NumberValue& value) {
            const auto number = config.*value.member;
            return number == 0 && !value.word.empty() ? toml_string(value.word) : std::to_string(number);
          },
          [&](const DurationValue& value) { return toml_string(format_duration(config.*value.member)); },
          [&](const TextValue& value) { return toml_string(config.*value.member); },
          [&](const PathValue& value) { return toml_string(config.*value.member); },
          [&](const SocketValue& value) { return toml_string(config.*value.member); },
          [&](const AddressValue& value) {
            const auto& address = config.*value.member;
            return toml_string(address ? address->text() : std::string(kAddressOff));
          },
          [&](const ChoiceValue& value) { return toml_string(value.words[value.get(config)]); },
          [&](const ListenValue&) {
            std::vector<std::string> texts;
            for (const auto& address : config.listen) texts.push_back(toml_string(address.text()));
            return fmt::format("[{}]", fmt::join(texts, ", "));
          },
          [&](const PortValue&) { return std::to_string(config.listen.front().port()); },
      },
      option.value);
}

}  // namespace tcp_echo
