// The page that people look at, whole: made from the files in page/ by cmake/embed_page.cmake.
#pragma once

#include <string_view>

namespace tcp_echo {

/// HTML with its style and its script in it.
extern const std::string_view kStatusPage;

/// Another one for every other page.
extern const std::string_view kStatusPageId;

/// Its Content-Security-Policy: nothing but what is in the page runs, and it speaks with nobody but where it
/// came from.
extern const std::string_view kStatusPagePolicy;

}  // namespace tcp_echo
