#include "tcp_echo/config/reader.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "config_file.hpp"
#include "tcp_echo/base/account.hpp"
#include "tcp_echo/base/text.hpp"
#include "value.hpp"

namespace tcp_echo {
namespace {

constexpr std::string_view kBuiltIn = "built-in default";
/// A command in bash's <(...) may have to ask a machine far away for what it writes.
constexpr std::chrono::seconds kPatience{30};

std::size_t row_of(const Option& option) { return static_cast<std::size_t>(&option - options().data()); }

/// Two options of one source that both write the same thing cannot both be meant.
Result<void> check_port_against_listen(const std::vector<Setting>& settings, ExitCode code) {
  const auto is = [](std::string_view name) {
    return [name](const Setting& setting) { return setting.option->name == name; };
  };
  const auto port = std::find_if(settings.begin(), settings.end(), is("port"));
  const auto listen = std::find_if(settings.begin(), settings.end(), is("listen"));
  if (port == settings.end() || listen == settings.end()) return {};
  return failure(
      code,
      fmt::format("{}: stands for the default listen address, which {} replaces; allowed: one of the two",
                  port->source, listen->source));
}

/// Puts one source's settings over what earlier sources said.
Result<void> apply(const std::vector<Setting>& settings, ExitCode code, GivenConfig& given) {
  if (auto checked = check_port_against_listen(settings, code); !checked) return checked;
  for (const auto& setting : settings) {
    const auto assigned = assign(*setting.option, setting.texts, given.config);
    if (!assigned) return failure(code, fmt::format("{}: {}", setting.source, assigned.error()));
    given.sources[row_of(*setting.option)] = setting.source;
  }
  return {};
}

/// Flags and variables cannot carry a line end as comfortably as TOML can.
Result<void> unescape(std::vector<Setting>& settings, ExitCode code) {
  for (auto& setting : settings) {
    const auto* const value = std::get_if<TextValue>(&setting.option->value);
    if (value == nullptr || !value->escapes) continue;
    for (auto& text : setting.texts) {
      auto plain = unescaped(text);
      if (!plain) {
        return failure(code, fmt::format(R"({}: {} has an unknown escape; allowed: \n, \r, \t, \\)",
                                         setting.source, in_quotes(text)));
      }
      text = std::move(*plain);
    }
  }
  return {};
}

std::vector<Setting> built_in_defaults() {
  std::vector<Setting> defaults;
  for (const auto& option : options()) {
    if (!option.is_list())
      defaults.push_back(
          {&option, {std::string(option.default_text)}, std::string(kBuiltIn) + ": " + option.flag()});
  }
  return defaults;
}

Result<GivenConfig> with_built_in_defaults() {
  GivenConfig given;
  given.sources.resize(options().size());
  auto defaults = built_in_defaults();
  if (auto done = unescape(defaults, ExitCode::kSoftware); !done) return tl::unexpected(done.error());
  if (auto done = apply(defaults, ExitCode::kSoftware, given); !done) return tl::unexpected(done.error());
  std::fill(given.sources.begin(), given.sources.end(), kBuiltIn);
  return given;
}

Result<void> apply_file(GivenConfig& given) {
  const auto& path = given.config.config_file;
  if (path.empty()) return {};
  const auto text = read_config_file(path, kPatience);
  if (!text) return tl::unexpected(text.error());
  const auto settings = read_toml(*text, path);
  if (!settings) return tl::unexpected(settings.error());
  return apply(*settings, ExitCode::kConfig, given);
}

/// --config comes from the environment or a flag, and has to be known before the file can take its place
/// below both.
Result<void> apply_config_file_option(const std::vector<Setting>& settings, ExitCode code,
                                      GivenConfig& given) {
  for (const auto& setting : settings) {
    if (setting.option->name != "config") continue;
    if (auto done = apply({setting}, code, given); !done) return done;
  }
  return {};
}

/// The code for a mistake in that option's effective value.
ExitCode code_for(const GivenConfig& given, const Option& option) {
  return given.sources[row_of(option)] == option.flag() ? ExitCode::kUsage : ExitCode::kConfig;
}

/// What can only be judged once all values are known.
Result<void> check_respawn_delays(const GivenConfig& given) {
  const auto& config = given.config;
  if (config.respawn_delay_min <= config.respawn_delay_max) return {};
  const auto& min = *find_option("respawn-delay-min");
  const auto& max = *find_option("respawn-delay-max");
  const bool min_is_built_in = given.sources[row_of(min)] == kBuiltIn;
  const auto& blamed = min_is_built_in ? max : min;
  const auto& other = min_is_built_in ? min : max;
  return failure(
      code_for(given, blamed),
      fmt::format("{}: {} is {} than {} {} ({}); allowed: at {} that", given.sources[row_of(blamed)],
                  to_toml(blamed, config), min_is_built_in ? "less" : "more", other.key(),
                  to_toml(other, config), given.sources[row_of(other)], min_is_built_in ? "least" : "most"));
}

/// Names depend on the machine, so only those that count are looked up.
Result<void> check_accounts(const GivenConfig& given) {
  const auto check = [&given](std::string_view name, const std::string& account, auto find) -> Result<void> {
    const auto& option = *find_option(name);
    if (account.empty() || find(account)) return {};
    return failure(code_for(given, option),
                   fmt::format("{}: {} is not known here; allowed: the name of a {} of this machine",
                               given.sources[row_of(option)], in_quotes(account), name));
  };
  if (auto done = check("user", given.config.user, find_user); !done) return done;
  return check("group", given.config.group, find_group);
}

/// Combinations that are allowed but surely not meant.
void warn_of_contradictions(GivenConfig& given) {
  const auto& config = given.config;
  if (config.send_reset && !config.idle_notice.empty()) {
    given.warnings.emplace_back(
        "--idle-notice is never seen together with --send-reset: a reset discards what was written");
  }
}

/// The service that runs is asked, whatever file and environment say by now.
Result<GivenConfig> for_probe(const CommandLine& line, GivenConfig given) {
  for (const auto& setting : line.settings) {
    if (setting.option->name == "pid-file") continue;
    return failure(ExitCode::kUsage,
                   fmt::format("{}: says nothing to --probe, which asks the service that runs; "
                               "allowed with it: --pid-file",
                               setting.source));
  }
  if (auto done = apply(line.settings, ExitCode::kUsage, given); !done) return tl::unexpected(done.error());
  return given;
}

/// --port and --listen write the same value; whichever was last is shown.
bool is_shown(const Option& option, const Config& config) {
  if (option.name == "config") return false;
  if (option.name == "port") return config.listen_is_default;
  if (option.name == "listen") return !config.listen_is_default;
  return true;
}

}  // namespace

Result<GivenConfig> read_config(const std::vector<std::string>& arguments,
                                const std::vector<std::string>& variables, const std::string& start_folder) {
  auto line = read_command_line(arguments);
  if (!line) return tl::unexpected(line.error());
  auto given = with_built_in_defaults();
  if (!given) return given;
  given->config.start_folder = start_folder;
  given->action = line->action;
  if (line->action == MasterAction::kHelp || line->action == MasterAction::kVersion) return given;
  if (line->action == MasterAction::kProbe) return for_probe(*line, std::move(*given));

  auto environment = read_environment(variables);
  if (!environment) return tl::unexpected(environment.error());
  given->warnings = std::move(environment->warnings);
  given->notices = std::move(environment->notices);

  const auto step = [&given](Result<void> done) {
    if (given && !done) given = tl::unexpected(done.error());
    return given.has_value();
  };
  const bool ok = step(unescape(environment->settings, ExitCode::kConfig)) &&
                  step(unescape(line->settings, ExitCode::kUsage)) &&
                  step(apply_config_file_option(environment->settings, ExitCode::kConfig, *given)) &&
                  step(apply_config_file_option(line->settings, ExitCode::kUsage, *given)) &&
                  step(apply_file(*given)) && step(apply(environment->settings, ExitCode::kConfig, *given)) &&
                  step(apply(line->settings, ExitCode::kUsage, *given)) &&
                  step(check_respawn_delays(*given)) && step(check_accounts(*given));
  if (ok) warn_of_contradictions(*given);
  return given;
}

std::string effective_toml(const Config& config) {
  std::string text;
  for (const auto& option : options()) {
    if (is_shown(option, config)) text += fmt::format("{} = {}\n", option.key(), to_toml(option, config));
  }
  return text;
}

Result<Config> parse_effective_toml(std::string_view text) {
  auto given = with_built_in_defaults();
  if (!given) return tl::unexpected(given.error());
  const auto settings = read_toml(text, "effective configuration");
  if (!settings) return tl::unexpected(settings.error());
  if (auto done = apply(*settings, ExitCode::kSoftware, *given); !done) return tl::unexpected(done.error());
  return given->config;
}

std::string annotated_toml(const GivenConfig& given) {
  std::string text;
  for (const auto& option : options()) {
    if (!is_shown(option, given.config)) continue;
    text += fmt::format("{} = {}  # {}\n", option.key(), to_toml(option, given.config),
                        given.sources[row_of(option)]);
  }
  return text;
}

}  // namespace tcp_echo
