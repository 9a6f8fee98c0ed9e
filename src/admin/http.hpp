// A request and what is answered, as plain values: what serves HTTP knows no page, and pages no HTTP library.
#pragma once

#include <string>

namespace tcp_echo {

/// A GET, or a HEAD, which is answered as a GET is, without the body.
struct HttpRequest {
  std::string path;    ///< decoded, without what follows a question mark
  std::string accept;  ///< the header of that name
  std::string since;   ///< the argument of that name, behind the question mark
};

struct HttpResponse {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;      ///< text ends with a newline
  std::string policy{};  ///< what a page may do: Content-Security-Policy; empty: there is none
};

}  // namespace tcp_echo
