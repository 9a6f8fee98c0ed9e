#include "pages.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "metrics.hpp"
#include "status_page.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/status/live_json.hpp"
#include "tcp_echo/status/status_json.hpp"

namespace tcp_echo {
namespace {

constexpr unsigned kNotFound = 404;
constexpr unsigned kUnavailable = 503;

std::optional<std::string> why_not_healthy(const Outlook& outlook) {
  if (outlook.silence > kLongestSilence)
    return fmt::format("the master (pid {}) has not turned for {}", outlook.status.pid,
                       format_duration(std::chrono::floor<std::chrono::seconds>(outlook.silence)));
  if (outlook.status.is_healthy()) return std::nullopt;
  return fmt::format("the service is {}", name_of(outlook.status.state));
}

HttpResponse verdict(const std::optional<std::string>& complaint) {
  if (complaint) return {.status = kUnavailable, .body = *complaint + "\n"};
  return {.body = "ok\n"};
}

HttpResponse healthz(const HttpRequest& /*request*/, const Outlook& outlook) {
  return verdict(why_not_healthy(outlook));
}

HttpResponse readyz(const HttpRequest& /*request*/, const Outlook& outlook) {
  return verdict(outlook.status.why_not_ready());
}

HttpResponse status(const HttpRequest& /*request*/, const Outlook& outlook) {
  return {.type = "application/json", .body = status_json(outlook.status) + "\n"};
}

HttpResponse status_page(const HttpRequest& /*request*/, const Outlook& /*outlook*/) {
  return {.type = "text/html; charset=utf-8",
          .body = std::string(kStatusPage),
          .policy = std::string(kStatusPagePolicy)};
}

/// The samples that a page knows are counted from the service's first one. More than there are, it knows from
/// another service.
HttpResponse live(const HttpRequest& request, const Outlook& outlook) {
  const auto taken = outlook.samples.written();
  const auto known = parse_number(request.since).value_or(0);
  const LiveView view{.page = std::string(kStatusPageId),
                      .status = outlook.status,
                      .clock = outlook.clock,
                      .wall = outlook.wall,
                      .complaint = why_not_healthy(outlook),
                      .events = outlook.events.read(),
                      .samples = outlook.samples.read(known > taken ? 0 : known),
                      .samples_taken = taken};
  return {.type = "application/json", .body = live_json(view) + "\n"};
}

HttpResponse metrics(const HttpRequest& request, const Outlook& outlook) {
  const auto format = wanted_format(request.accept);
  return {.type = std::string(type_of(format)), .body = metrics_text(outlook.status, format)};
}

struct Page {
  std::string_view path;
  std::string_view what;
  HttpResponse (*answer)(const HttpRequest&, const Outlook&);
};

constexpr std::array kPages = {
    Page{"/", "how the service is, for people: open it in a browser", status_page},
    Page{"/healthz", "200 while the master serves, otherwise 503 and why", healthz},
    Page{"/readyz", "200 while every listener has a worker that accepts, otherwise 503 and why", readyz},
    Page{"/status", "all figures as JSON, as tcp-echo-ctl status --json gives them", status},
    Page{"/metrics", "the same for Prometheus, also as OpenMetrics", metrics},
    Page{"/live", "what the page in the browser asks for, and nobody else should", live},
};

std::string list_of_pages() {
  std::string list;
  for (const auto& page : kPages) list += fmt::format("{:<10} {}\n", page.path, page.what);
  return list;
}

}  // namespace

HttpResponse answer(const HttpRequest& request, const Outlook& outlook) {
  const auto* const page =
      std::find_if(kPages.begin(), kPages.end(), [&](const auto& each) { return each.path == request.path; });
  if (page != kPages.end()) return page->answer(request, outlook);
  return {.status = kNotFound, .body = "there is no such page here; there are:\n\n" + list_of_pages()};
}

}  // namespace tcp_echo
