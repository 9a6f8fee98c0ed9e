#include "tcp_echo/ipc/address_notice.hpp"

#include <string>

#include "tcp_echo/base/text.hpp"
#include "tcp_echo/ipc/text_notice.hpp"

namespace tcp_echo {
namespace {

constexpr const char* kName = "tcp-echo-addresses";

std::vector<Endpoint> endpoints_in(const std::string& text) {
  std::vector<Endpoint> endpoints;
  for (const auto& line : split(text, '\n')) {
    const auto endpoint = Endpoint::parse(line);
    if (endpoint) endpoints.push_back(*endpoint);
  }
  return endpoints;
}

}  // namespace

Result<UniqueFd> put_up_notice(const std::vector<Endpoint>& endpoints) {
  std::string text;
  for (const auto& endpoint : endpoints) text += endpoint.text() + '\n';
  return put_up_text_notice(kName, text);
}

std::vector<AddressNotice> find_notices(std::optional<pid_t> of) {
  std::vector<AddressNotice> notices;
  for (const auto& [pid, text] : find_text_notices(kName, of)) notices.push_back({pid, endpoints_in(text)});
  return notices;
}

}  // namespace tcp_echo
