// The text of one option's value: read it, write it, say what is allowed. Pure.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "tcp_echo/config/options.hpp"

namespace tcp_echo {

/// Puts the value into the configuration. `texts` has one element unless the option is a list. The error says
/// what was given and what is allowed, not yet which option or where: "'lots' is not a number; allowed: 1 to
/// 1024, or auto".
tl::expected<void, std::string> assign(const Option& option, const std::vector<std::string>& texts,
                                       Config& config);

/// "1 to 1024, or auto".
std::string allowed(const Option& option);

/// The configured value as TOML: 4, "60s", true, ["[::]:8090"].
std::string to_toml(const Option& option, const Config& config);

}  // namespace tcp_echo
