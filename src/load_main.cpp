// tcp-echo-load: reads the command line, runs the load, writes the reports, and judges.

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/version.hpp"
#include "tcp_echo/load/load_run.hpp"
#include "tcp_echo/load/plan.hpp"
#include "tcp_echo/load/progress.hpp"
#include "tcp_echo/load/report.hpp"
#include "tcp_echo/load/report_place.hpp"
#include "tcp_echo/load/target.hpp"
#include "tcp_echo/loop/signal.hpp"

namespace tcp_echo {
namespace {

ExitCode complain(const std::string& text, ExitCode code) {
  std::fprintf(stderr, "tcp-echo-load: %s\n", text.c_str());
  return code;
}

ExitCode print(const std::string& text) {
  const auto written = write_report("-", text);
  return written ? ExitCode::kOk : complain(written.error().text, written.error().code);
}

/// That standard error fails can only be told by the exit code.
ExitCode print_on_stderr(const std::string& text) {
  return std::fputs(text.c_str(), stderr) >= 0 ? ExitCode::kOk : ExitCode::kCantCreate;
}

/// What would stop the reports is to be known before the load, not after it. The lines are opened beforehand.
void check_reports(const LoadPlan& plan) {
  value_or_throw(check_report("-"));  // the text goes there, or one of the others
  for (const auto* const path : {&plan.json, &plan.histogram, &plan.html}) {
    if (!path->empty()) value_or_throw(check_report(*path));
  }
}

ExitCode write_reports(const LoadPlan& plan, const LoadSummary& summary) {
  const auto words = text_report(summary);
  auto code = plan.uses_standard_output() ? print_on_stderr(words) : print(words);
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

ExitCode run_load(LoadCommand command) {
  const auto& plan = command.plan;
  value_or_throw(settle_reports(command.plan));
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
  auto command = read_load_command(arguments);
  if (!command) return complain(command.error().text, command.error().code);
  switch (command->action) {
    case LoadAction::kRun: return run_load(std::move(*command));
    case LoadAction::kVersion: return print(fmt::format("tcp-echo-load {}\n", version()));
    case LoadAction::kHelp: return print(load_help(columns_of_output()));
  }
  return ExitCode::kSoftware;
}

/// Our parent process may have closed descriptors 0 to 2; a connection that took the number of stderr would
/// send what is said of the run. A standard output that was closed is to fail still, so it can only be read.
void keep_standard_descriptors_open() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
  }
}

ExitCode run(const std::vector<std::string>& arguments) {
  keep_standard_descriptors_open();
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
