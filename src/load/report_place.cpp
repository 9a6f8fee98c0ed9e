#include "tcp_echo/load/report_place.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "tcp_echo/base/text.hpp"

namespace tcp_echo {
namespace {

namespace fs = std::filesystem;

/// What exists is known by its device and number, whatever its name. What does not exist yet has a name in a
/// folder that does.
struct Place {
  dev_t device = 0;
  ino_t number = 0;
  std::string name;  ///< empty for what exists

  friend bool operator==(const Place&, const Place&) = default;
};

Place place_of(const struct stat& status, std::string name = {}) {
  return {status.st_dev, status.st_ino, std::move(name)};
}

/// Nothing if nothing can be written there; to open it will tell why.
std::optional<Place> place_of(const std::string& name) {
  struct stat status {};
  if (name == "-") {
    if (::fstat(STDOUT_FILENO, &status) != 0) return std::nullopt;
    return place_of(status);
  }
  const fs::path path = end_of_links(name);
  if (::stat(path.c_str(), &status) == 0) return place_of(status);
  const auto folder = path.parent_path();
  if (::stat(folder.empty() ? "." : folder.c_str(), &status) != 0) return std::nullopt;
  return place_of(status, path.filename());
}

/// Reports that go to a device which is no terminal, /dev/null most often, do not disturb each other.
bool is_shared_device(int fd, const struct stat& status) {
  return S_ISCHR(status.st_mode) && ::isatty(fd) == 0;
}

bool leads_to(int fd, const std::string& path) {
  struct stat there {};
  struct stat open {};
  if (::stat(path.c_str(), &there) != 0 || ::fstat(fd, &open) != 0) return false;
  return place_of(there) == place_of(open) && (names_open_file(path) || !is_shared_device(fd, open));
}

}  // namespace

bool names_open_file(std::string_view path) {
  constexpr std::array<std::string_view, 4> kNames = {"/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/"};
  return std::any_of(kNames.begin(), kNames.end(), [path](auto name) { return path.starts_with(name); });
}

std::string end_of_links(const std::string& path) {
  constexpr int kMostLinks = 40;  // as many as the kernel follows, path_resolution(7)
  fs::path end = path;
  std::error_code failed;
  for (int i = 0; i < kMostLinks && !names_open_file(end.native()) && fs::is_symlink(end, failed); ++i) {
    const auto target = fs::read_symlink(end, failed);
    if (failed) break;
    end = end.parent_path() / target;
  }
  return end;
}

std::optional<int> standard_descriptor_at(const std::string& path) {
  if (path == "-") return STDOUT_FILENO;
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (leads_to(fd, end_of_links(path))) return fd;
  }
  return std::nullopt;
}

Result<void> settle_reports(LoadPlan& plan) {
  struct Report {
    const char* option;
    std::string& path;
    std::string given;
  };
  std::vector<Report> reports;
  for (const auto& [option, member] : {std::pair("--json", &LoadPlan::json),
                                       {"--json-lines", &LoadPlan::json_lines},
                                       {"--histogram", &LoadPlan::histogram},
                                       {"--html", &LoadPlan::html}}) {
    if (!(plan.*member).empty()) reports.push_back({option, plan.*member, plan.*member});
  }
  for (auto report = reports.begin(); report != reports.end(); ++report) {
    if (standard_descriptor_at(report->path) == STDOUT_FILENO) report->path.assign(1, '-');
    const auto place = place_of(report->path);
    const auto other = std::find_if(reports.begin(), report, [&](const Report& before) {
      return before.path == report->path || (place && place == place_of(before.path));
    });
    if (other == report) continue;
    return failure(
        ExitCode::kUsage,
        fmt::format("{} {} is where {} {} goes; allowed: a file of its own for each report", report->option,
                    in_quotes(report->given), other->option, in_quotes(other->given)));
  }
  return {};
}

}  // namespace tcp_echo
