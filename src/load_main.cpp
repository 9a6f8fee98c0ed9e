// tcp-echo-load: reads the command line, runs the load, writes the reports, and judges.

#include <spdlog/fmt/fmt.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/version.hpp"
#include "tcp_echo/load/load_run.hpp"
#include "tcp_echo/load/plan.hpp"
#include "tcp_echo/load/progress.hpp"
#include "tcp_echo/load/report.hpp"
#include "tcp_echo/load/target.hpp"
#include "tcp_echo/loop/signal.hpp"

namespace tcp_echo {
namespace {

ExitCode complain(const std::string& text, ExitCode code) {
  std::fprintf(stderr, "tcp-echo-load: %s\n", text.c_str());
  return code;
}

ExitCode print(const std::string& text, std::FILE* stream) {
  const bool written = std::fputs(text.c_str(), stream) >= 0 && std::fflush(stream) == 0;
  return written ? ExitCode::kOk
                 : complain("cannot write the result: standard output fails", ExitCode::kOsError);
}

/// What would stop the reports is to be known before the load, not after it. The lines are opened beforehand.
void check_reports(const LoadPlan& plan) {
  for (const auto* const path : {&plan.json, &plan.histogram, &plan.html}) {
    if (!path->empty()) value_or_throw(check_report(*path));
  }
}

ExitCode write_reports(const LoadPlan& plan, const LoadSummary& summary) {
  auto code = print(text_report(summary), plan.uses_standard_output() ? stderr : stdout);
  const auto write = [&code](const std::string& path, const std::string& text) {
    if (path.empty()) return;
    if (const auto written = write_report(path, text); !written)
      code = complain(written.error().text, written.error().code);
  };
  write(plan.json, json_report(summary));
  write(plan.histogram, summary.latency.text());
  write(plan.html, html_report(summary));
  return code;
}

ExitCode run_load(const LoadCommand& command) {
  const auto& plan = command.plan;
  raise_open_files_limit();
  const auto target = value_or_throw(find_target(plan.target, plan.sources));
  value_or_throw(check_sources(plan.sources));
  check_reports(plan);
  std::optional<LineReport> lines;
  if (!plan.json_lines.empty()) lines = value_or_throw(LineReport::open(plan.json_lines));

  std::optional<Progress> progress(std::in_place);
  LoadRun run(command, target, [&](const LoadInterval& interval) {
    if (interval.stage != LoadStage::kWaiting) progress->show(progress_line(interval));
    if (lines) lines->append(json_line(interval));
  });
  const auto summary = run.run();
  progress.reset();

  auto code = write_reports(plan, summary);
  if (lines && !lines->status()) code = complain(lines->status().error().text, lines->status().error().code);
  return summary.is_good() ? code : ExitCode::kFailed;
}

ExitCode run_action(const std::vector<std::string>& arguments) {
  const auto command = read_load_command(arguments);
  if (!command) return complain(command.error().text, command.error().code);
  switch (command->action) {
    case LoadAction::kRun: return run_load(*command);
    case LoadAction::kVersion: return print(fmt::format("tcp-echo-load {}\n", version()), stdout);
    case LoadAction::kHelp: return print(load_help(), stdout);
  }
  return ExitCode::kSoftware;
}

ExitCode run(const std::vector<std::string>& arguments) {
  ignore_signal(SIGPIPE);
  try {
    return run_action(arguments);
  } catch (const FatalError& error) {
    return complain(error.what(), error.code());
  } catch (const std::exception& error) {
    return complain(error.what(), ExitCode::kOsError);  // no memory, or no thread
  }
}

}  // namespace
}  // namespace tcp_echo

int main(int argc, char** argv) { return static_cast<int>(tcp_echo::run({argv + 1, argv + argc})); }
