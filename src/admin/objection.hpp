// Which requests are refused, judged by their heads.
#pragma once

#include <string_view>

#include "http.hpp"

struct MHD_Connection;

namespace tcp_echo {

/// What a client gets whose request changes something, names no host, or may have a body: null if it is none
/// of these. What is answered so, before the rest of the request is read, has to end the connection.
const HttpResponse* objection_to(MHD_Connection* connection, std::string_view method,
                                 std::string_view version);

}  // namespace tcp_echo
