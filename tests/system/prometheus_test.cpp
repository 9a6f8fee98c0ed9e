// What a real Prometheus makes of the metrics, the alert rules and the dashboard. Left out where there is
// none: requirements/install.sh monitoring.
#include "system/prometheus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/replaced.hpp"
#include "system/http_client.hpp"
#include "system/load_run.hpp"
#include "system/service.hpp"
#include "system/traffic.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::IsEmpty;

const std::string kMonitoring = TCP_ECHO_SOURCE "/docker/monitoring/";

class Prometheus : public testing::Test {
 protected:
  void SetUp() override {
    if (!PrometheusServer::is_installed()) GTEST_SKIP() << "requirements/install.sh monitoring";
  }
};

Launch scraped() { return Daemon::on_free_port({"--workers", "2", "--admin-listen", "127.0.0.1:0"}); }

void expect_promtool_accepts(const std::string& arguments) {
  const auto outcome = run({.arguments = {"-c", "promtool " + arguments}, .program = "/bin/sh"});
  EXPECT_EQ(outcome.exit_code, 0) << arguments << ":\n" << outcome.output << outcome.log;
  EXPECT_THAT(outcome.log, IsEmpty()) << "promtool has a remark";
}

TEST_F(Prometheus, HasNoRemarkOnTheMetricsAndTheFilesForIt) {
  Daemon daemon(scraped());
  ASSERT_TRUE(daemon.is_serving());
  const Folder folder;
  const auto file = (folder / "metrics").string();
  std::ofstream(file) << http_get(admin_port(daemon), "/metrics").body;
  expect_promtool_accepts("check metrics <" + file);
  expect_promtool_accepts("check config " + kMonitoring + "prometheus.yml");
  expect_promtool_accepts("check rules " + kMonitoring + "alerts.yml");
  expect_promtool_accepts("test rules " + kMonitoring + "alerts_test.yml");
}

TEST_F(Prometheus, SeesAsManyBytesASecondAsTheLoadGenerator) {
  Daemon daemon(scraped());
  ASSERT_TRUE(daemon.is_serving());
  const PrometheusServer prometheus(admin_port(daemon));
  ASSERT_TRUE(prometheus.scrapes(1));
  const auto begin = std::chrono::system_clock::now();
  const auto result = load(
      daemon.port(), {"--connections", "20", "--message-size", "1KiB", "--rate", "500", "--duration", "4s"});
  expect_all_well(result);
  const auto told = result.real("/rates/received_bytes_per_second");
  const auto seen = prometheus.value("rate(tcp_echo_received_bytes_total[2500ms])", begin + 3500ms);
  std::printf("[ measured ] %.0f bytes/s, and %.0f as Prometheus sees it\n", told, seen);
  EXPECT_NEAR(seen / told, 1, 0.05);
}

/// Asks for every counter that has gone down. One name each: resets() does not keep it.
std::string any_reset(const PrometheusServer& prometheus) {
  const auto counters = prometheus.query(
      "count by (__name__) (last_over_time({__name__=~\"tcp_echo_.*_(total|bucket|count|sum)\"}[1m]))");
  EXPECT_GE(counters.size(), 25U);
  std::string expression;
  for (const auto& counter : counters) {
    const std::string name = counter.at("metric").at("__name__");
    expression += (expression.empty() ? "" : " or ") + ("sum(resets(" + name + "[5m])) > 0");
  }
  return expression;
}

TEST_F(Prometheus, SeesNoCounterGoDownOverCrashesReloadsAndAnUpgrade) {
  Service service({"--workers", "2", "--admin-listen", "127.0.0.1:0"});
  ASSERT_TRUE(service.daemon().is_serving());
  const PrometheusServer prometheus(admin_port(service.daemon()));
  Stream stream(service.port(), 4);
  ASSERT_TRUE(prometheus.scrapes(1));
  for (int i = 0; i < 2; ++i) {
    const auto worker = service.daemon().workers(2).front();
    ::kill(worker, SIGKILL);
    service.daemon().worker_after(worker);
    ASSERT_TRUE(prometheus.scrapes(1));
    ASSERT_TRUE(service.reload());
    ASSERT_TRUE(prometheus.scrapes(1));
  }
  service.install(next_program());
  ASSERT_TRUE(service.upgrade());
  ASSERT_TRUE(prometheus.scrapes(1));
  EXPECT_THAT(prometheus.query(any_reset(prometheus)), IsEmpty());
  EXPECT_GT(prometheus.value("avg_over_time(up[5m])"), 0.8) << "it has to answer in time for that";
  EXPECT_EQ(prometheus.value("sum(last_over_time(tcp_echo_worker_restarts_total{reason=\"crash\"}[1m]))"), 2);
  EXPECT_EQ(prometheus.value("last_over_time(tcp_echo_reloads_total{result=\"success\"}[1m])"), 3);
  EXPECT_GT(stream.finish().served, 0U);
}

/// Every value of a member with that name, however deep.
void collect(const json& document, const std::string& name, std::vector<std::string>& values) {
  if (!document.is_structured()) return;
  for (const auto& [key, value] : document.items()) {
    if (key == name && value.is_string())
      values.push_back(value);
    else
      collect(value, name, values);
  }
}

/// As Grafana asks for all instances; and what is hidden while it is 0 is wanted here.
std::string asked(std::string expression) {
  for (const auto* const interval : {"$__rate_interval", "$__interval"})
    expression = replaced(std::move(expression), interval, "10s");
  for (const auto* const variable : {"$job", "$instance"})
    expression = replaced(std::move(expression), variable, ".*");
  return replaced(std::move(expression), " > 0", "");
}

bool has_figures(const json& found) {
  return std::any_of(found.begin(), found.end(), [](const auto& series) {
    return std::isfinite(std::stod(series.at("value").at(1).template get<std::string>()));
  });
}

TEST_F(Prometheus, AnswersEveryQueryOfTheDashboardAndFiresNoAlertAtAServiceThatIsWell) {
  Daemon daemon(scraped());
  ASSERT_TRUE(daemon.is_serving());
  const PrometheusServer prometheus(admin_port(daemon));
  Stream stream(daemon.port(), 2);
  ASSERT_TRUE(prometheus.scrapes(3));
  std::vector<std::string> expressions;
  collect(json::parse(content(kMonitoring + "grafana/dashboards/tcp-echo.json")), "expr", expressions);
  EXPECT_GE(expressions.size(), 30U) << "was anything read?";
  for (const auto& expression : expressions)
    EXPECT_TRUE(eventually([&] { return has_figures(prometheus.query(asked(expression))); })) << expression;
  EXPECT_TRUE(eventually([&] { return prometheus.query("ALERTS").empty(); })) << prometheus.query("ALERTS");
  stream.finish();
  daemon.stop();
  EXPECT_TRUE(eventually([&] { return !prometheus.query("ALERTS{alertname=\"TcpEchoDown\"}").empty(); }));
}

}  // namespace
}  // namespace tcp_echo::test
