#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <regex>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/loader.hpp"

namespace tcp_echo {
namespace {

/// Kubernetes and Docker links describe a service called tcp-echo in variables that look like ours:
/// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
bool injected_by_cluster(const std::string& name, const std::string& value) {
  static const std::regex url("^(tcp|udp|sctp)://.*");
  static const std::regex service("^TCP_ECHO_(.*_)?SERVICE_(HOST|PORT(_.*)?)$|^TCP_ECHO_(.*_)?PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$");
  return std::regex_match(value, url) || std::regex_match(name, service);
}

const Option* option_of_variable(std::string_view name) {
  const auto all = options();
  const auto found = std::find_if(all.begin(), all.end(), [name](const Option& option) { return option.variable() == name; });
  return found == all.end() ? nullptr : &*found;
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
    const auto* const option = option_of_variable(name);
    if (injected_by_cluster(name, value)) {
      injected.push_back(name);
    } else if (option == nullptr) {
      environment.warnings.push_back(fmt::format("{}: unknown variable, ignored; see --help for those there are", name));
    } else if (!value.empty()) {  // compose files write X= for "not set"
      environment.settings.push_back({option, option->is_list() ? split(value, ',') : std::vector{value}, name});
    }
  }
  if (!injected.empty()) {
    environment.notices.push_back(
        fmt::format("{}: set by the cluster for a service called tcp-echo, ignored", fmt::join(injected, ", ")));
  }
  return environment;
}

}  // namespace tcp_echo
