#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <initializer_list>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/reader.hpp"

namespace tcp_echo {
namespace {

/// Kubernetes and Docker links describe a service called tcp-echo or tcp-echo-X in variables that look like
/// ours: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables Only the
/// first of these names can be an option's too, and then a URL tells whose it is.
bool injected_by_cluster(const std::string& name, const std::string& value) {
  const auto words = split(name, '_');
  const auto is = [&words](std::size_t i, std::initializer_list<std::string_view> choice) {
    return i < words.size() && std::find(choice.begin(), choice.end(), words[i]) != choice.end();
  };
  const bool is_url =
      value.starts_with("tcp://") || value.starts_with("udp://") || value.starts_with("sctp://");
  if (is(words.size() - 1, {"PORT"}) && is_url) return true;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const auto behind = words.size() - i - 1;
    const bool host = is(i, {"SERVICE"}) && is(i + 1, {"HOST"}) && behind == 1;
    const bool port = is(i, {"SERVICE"}) && is(i + 1, {"PORT"});  // a name may follow: SERVICE_PORT_HTTP
    const bool link = is(i, {"PORT"}) && is(i + 2, {"TCP", "UDP", "SCTP"}) && parse_number(words[i + 1]) &&
                      (behind == 2 || (behind == 3 && is(i + 3, {"PROTO", "PORT", "ADDR"})));
    if (host || port || link) return true;
  }
  return false;
}

}  // namespace

Result<Environment> read_environment(const std::vector<std::string>& variables) {
  Environment environment;
  std::vector<std::string> injected;
  for (const auto& variable : variables) {
    if (!variable.starts_with(kVariablePrefix)) continue;
    const auto equals = std::min(variable.find('='), variable.size());
    const auto name = variable.substr(0, equals);
    const auto value = equals < variable.size() ? variable.substr(equals + 1) : std::string();
    const auto* const option = find_option_by_variable(name);
    if (injected_by_cluster(name, value)) {
      injected.push_back(printable(name));
    } else if (option == nullptr) {
      environment.warnings.push_back(
          fmt::format("{}: unknown variable, ignored; see --help for those there are", printable(name)));
    } else if (!value.empty()) {  // compose files write X= for "not set"
      environment.settings.push_back(
          {option, option->is_list() ? split(value, ',') : std::vector{value}, name});
    }
  }
  if (!injected.empty()) {
    environment.notices.push_back(fmt::format("{}: set by the cluster for a service called tcp-echo, ignored",
                                              fmt::join(injected, ", ")));
  }
  return environment;
}

}  // namespace tcp_echo
