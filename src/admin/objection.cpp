#include "objection.hpp"

#include <microhttpd.h>
#include <strings.h>

#include <string>

namespace tcp_echo {
namespace {

const HttpResponse kOtherMethod{.status = MHD_HTTP_METHOD_NOT_ALLOWED,
                                .body = "only GET and HEAD are answered here\n"};
const HttpResponse kHost{.status = MHD_HTTP_BAD_REQUEST,
                         .body = "a request names one host (RFC 9112, 3.2)\n"};
const HttpResponse kBody{.status = MHD_HTTP_BAD_REQUEST, .body = "a request has no body here\n"};

bool has_no_byte_of(std::string_view text, std::string_view bytes) {
  return text.find_first_of(bytes) == std::string_view::npos;
}

/// What the headers of a request say that matters to us.
struct Head {
  int hosts = 0;
  bool is_clear =
      true;  ///< there is no body, and another program in between cannot have read it in another way

  void look_at(std::string_view name, std::string_view value) {
    const auto is = [name](const char* other) { return ::strcasecmp(std::string(name).c_str(), other) == 0; };
    if (is(MHD_HTTP_HEADER_HOST)) ++hosts;
    const bool announces_body = is(MHD_HTTP_HEADER_TRANSFER_ENCODING) || is(MHD_HTTP_HEADER_EXPECT) ||
                                (is(MHD_HTTP_HEADER_CONTENT_LENGTH) && value != "0");
    if (announces_body || !has_no_byte_of(name, " \t") || !has_no_byte_of(value, "\r\n")) is_clear = false;
  }
};

Head head_of(MHD_Connection* connection) {
  Head head;
  const auto look = [](void* into, MHD_ValueKind /*kind*/, const char* name, const char* value) noexcept {
    static_cast<Head*>(into)->look_at(name, value == nullptr ? "" : value);
    return MHD_YES;
  };
  MHD_get_connection_values(connection, MHD_HEADER_KIND, look, &head);
  return head;
}

}  // namespace

const HttpResponse* objection_to(MHD_Connection* connection, std::string_view method,
                                 std::string_view version) {
  if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD) return &kOtherMethod;
  const auto head = head_of(connection);
  const bool names_host = head.hosts == 1 || (head.hosts == 0 && version == MHD_HTTP_VERSION_1_0);
  if (!names_host) return &kHost;
  return head.is_clear ? nullptr : &kBody;
}

}  // namespace tcp_echo
