// What is written for Prometheus and Grafana names metrics that there are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <utility>

#include "admin/metrics.hpp"
#include "support/document.hpp"

namespace tcp_echo::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

const fs::path kSource = TCP_ECHO_SOURCE;
const fs::path kMonitoring = kSource / "docker" / "monitoring";

/// The names of all series: a histogram has three kinds.
std::set<std::string> series() {
  std::set<std::string> names;
  for (const auto& metric : metrics()) {
    const std::string name(metric.name);
    if (metric.kind != MetricKind::kHistogram) {
      names.insert(name);
      continue;
    }
    for (const auto* const part : {"_bucket", "_sum", "_count"}) names.insert(name + part);
  }
  return names;
}

void expect_names_only_series(const fs::path& file) {
  const auto known = series();
  const auto text = read_document(file);
  const std::regex name(R"(\b(tcp_echo_\w+|process_\w+)\b)");
  const std::sregex_iterator begin(text.begin(), text.end(), name);
  EXPECT_NE(begin, std::sregex_iterator()) << file << " names nothing";
  for (auto match = begin; match != std::sregex_iterator(); ++match)
    EXPECT_EQ(known.count(match->str()), 1U) << file << " names " << match->str();
}

TEST(Monitoring, NamesOnlyMetricsThatThereAre) {
  for (const auto* const file : {"alerts.yml", "alerts_test.yml", "grafana/dashboards/tcp-echo.json"})
    expect_names_only_series(kMonitoring / file);
}

json dashboard() {
  return json::parse(read_document(kMonitoring / "grafana" / "dashboards" / "tcp-echo.json"));
}

TEST(Monitoring, DashboardsPanelsAreToldApartAndLieBesideEachOther) {
  std::set<int> ids;
  std::set<std::string> titles;
  std::set<std::pair<int, int>> places;
  const auto all = dashboard();
  for (const auto& panel : all.at("panels")) {
    EXPECT_TRUE(ids.insert(panel.at("id").get<int>()).second) << panel.at("id");
    EXPECT_TRUE(titles.insert(panel.at("title").get<std::string>()).second) << panel.at("title");
    const auto& grid = panel.at("gridPos");
    EXPECT_LE(grid.at("x").get<int>() + grid.at("w").get<int>(), 24) << panel.at("title");
    for (int x = grid.at("x"); x < grid.at("x").get<int>() + grid.at("w").get<int>(); ++x)
      for (int y = grid.at("y"); y < grid.at("y").get<int>() + grid.at("h").get<int>(); ++y)
        EXPECT_TRUE(places.insert({x, y}).second) << panel.at("title") << " covers another one";
  }
}

TEST(Monitoring, DashboardAsksTheSourceAndTheInstancesThatWereChosen) {
  const auto all = dashboard();
  auto askers = all.at("annotations").at("list");
  for (const auto& panel : all.at("panels"))
    for (const auto& target : panel.value("targets", json::array())) askers.push_back(target);
  EXPECT_GE(askers.size(), 30U);
  for (const auto& asker : askers) {
    EXPECT_EQ(asker.at("datasource").at("uid"), "${datasource}");
    const std::string expression = asker.at("expr");
    if (expression.find("ALERTS") != std::string::npos) continue;
    EXPECT_THAT(expression, HasSubstr("job=~\"$job\", instance=~\"$instance\""));
  }
}

TEST(Monitoring, GrafanaFindsWhatComposeGivesIt) {
  const auto compose = read_document(kSource / "docker-compose.yml");
  const auto source = read_document(kMonitoring / "grafana/provisioning/datasources/prometheus.yml");
  const auto provider = read_document(kMonitoring / "grafana/provisioning/dashboards/tcp-echo.yml");
  const auto scraper = read_document(kMonitoring / "prometheus.yml");
  EXPECT_THAT(provider, HasSubstr("path: /etc/grafana/dashboards\n"));
  EXPECT_THAT(compose, HasSubstr("./docker/monitoring/grafana/dashboards:/etc/grafana/dashboards:ro"));
  EXPECT_THAT(compose, HasSubstr("_HOME_DASHBOARD_PATH: /etc/grafana/dashboards/tcp-echo.json"));
  EXPECT_THAT(source, HasSubstr("url: http://prometheus:9090\n"));
  EXPECT_THAT(compose, HasSubstr("\n  prometheus:\n"));
  EXPECT_THAT(source, HasSubstr("timeInterval: 5s "));
  EXPECT_THAT(scraper, HasSubstr("scrape_interval: 5s\n"));
  EXPECT_THAT(scraper, HasSubstr("names: [tcp-echo]\n"));
  EXPECT_THAT(compose, HasSubstr("\n  tcp-echo:\n"));
  EXPECT_THAT(scraper, HasSubstr("port: 8091\n"));
  EXPECT_THAT(compose, HasSubstr("TCP_ECHO_ADMIN_LISTEN: 0.0.0.0:8091\n"));
}

}  // namespace
}  // namespace tcp_echo::test
