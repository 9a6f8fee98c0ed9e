#include "system/prometheus.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace tcp_echo::test {
namespace {

constexpr std::chrono::milliseconds kScrapeInterval{500};

/// A program of that name in PATH; empty if there is none.
std::string program_named(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    auto file = folder.append("/").append(name);
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

std::string configuration(std::uint16_t target) {
  const auto interval = std::to_string(kScrapeInterval.count()) + "ms";
  return "global: {scrape_interval: " + interval + ", scrape_timeout: " + interval +
         ", evaluation_interval: " + interval +
         "}\n"
         "rule_files: [" TCP_ECHO_SOURCE
         "/docker/monitoring/alerts.yml]\n"
         "scrape_configs:\n"
         "  - {job_name: tcp-echo, static_configs: [{targets: ['127.0.0.1:" +
         std::to_string(target) + "']}]}\n";
}

Launch launch(const Folder& folder, std::uint16_t target) {
  const auto file = (folder / "prometheus.yml").string();
  std::ofstream(file) << configuration(target);
  return {.arguments = {"--config.file=" + file, "--storage.tsdb.path=" + (folder / "data").string(),
                        "--web.listen-address=127.0.0.1:0"},
          .program = program_named("prometheus")};
}

}  // namespace

bool PrometheusServer::is_installed() {
  return !program_named("prometheus").empty() && !program_named("promtool").empty();
}

PrometheusServer::PrometheusServer(std::uint16_t target)
    : server_(launch(folder_, target)), url_("http://" + address()) {}

std::string PrometheusServer::address() {
  const auto is_ready = server_.logs("Server is ready to receive web requests");
  const auto log = server_.log();
  std::smatch match;  // version 3 has another word in between
  if (!is_ready || !std::regex_search(log, match, std::regex(R"(msg="Listening on"[^\n]* address=(\S+))")))
    throw std::runtime_error("Prometheus does not start: " + log);
  return match[1];
}

bool PrometheusServer::scrapes(std::size_t times) const {
  const auto count = [this] {
    const auto found = query("sum_over_time(up[1h])");
    return found.empty() ? 0 : std::stoul(found.at(0).at("value").at(1).get<std::string>());
  };
  const auto before = count();
  return eventually([&] {
    pause_for(kScrapeInterval / 5);
    return count() >= before + times;
  });
}

nlohmann::json PrometheusServer::query(const std::string& expression,
                                       std::optional<std::chrono::system_clock::time_point> at) const {
  Launch question{.arguments = {"query", "instant", "--format=json"}, .program = program_named("promtool")};
  if (at) {
    const std::chrono::duration<double> since_epoch = at->time_since_epoch();
    question.arguments.push_back("--time=" + std::to_string(since_epoch.count()));
  }
  question.arguments.insert(question.arguments.end(), {url_, expression});
  const auto answer = run(std::move(question));
  if (answer.exit_code != 0) throw std::runtime_error(expression + ": " + answer.log + answer.output);
  return nlohmann::json::parse(answer.output);
}

double PrometheusServer::value(const std::string& expression,
                               std::optional<std::chrono::system_clock::time_point> at) const {
  const auto found = query(expression, at);
  if (found.size() != 1) throw std::runtime_error(expression + " finds " + found.dump());
  return std::stod(found.at(0).at("value").at(1).get<std::string>());
}

}  // namespace tcp_echo::test
