#include "soak/log_watch.hpp"

#include <sys/stat.h>

#include <fstream>
#include <regex>

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;

// A drain begins as its line is written, and may be shorter than it says by what both clocks are late.
constexpr auto kDeadline = kShortestShutdown - 300ms;
constexpr auto kLongestDrain = kLongestShutdown + 3s;

std::vector<std::string> addresses_in(std::string text) {
  std::vector<std::string> addresses;
  static const std::regex address("[^ ,]+:[0-9]+");
  for (std::sregex_iterator match(text.begin(), text.end(), address), end; match != end; ++match)
    addresses.push_back(match->str());
  return addresses;
}

}  // namespace

void LogWatch::look() {
  for (const auto& file : site_.logs()) read(file);
}

void LogWatch::read(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return;
  auto& offset = offsets_[status.st_ino];
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size < offset) offset = 0;  // a new file has got the inode of one that was removed
  if (size == offset) return;
  std::ifstream stream(file, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  std::string text(size - offset, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  std::size_t begin = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    hear(text.substr(begin, end - begin));
    begin = end + 1;
  }
  offset += begin;
}

void LogWatch::hear(const std::string& line) {
  if (line.find("connection on descriptor") != std::string::npos) return;  // most lines are of that kind
  for (const std::string text : kCountedLines) {
    if (line.find(text) != std::string::npos) ++counts_[text];
  }
  hear_of_addresses(line);
  hear_of_a_death(line);
  hear_statistics(line);
  if (line.find("speaks another protocol version") != std::string::npos)
    chronicle_.add_drain(kDeadline, kLongestDrain);
  const auto finding = finding_in(line);
  if (complaint_.empty() && !finding.empty()) complaint_ = finding;
}

void LogWatch::hear_of_addresses(const std::string& line) {
  for (const std::string_view phrase : {"serving on ", " serves on "}) {
    const auto begin = line.find(phrase);
    const auto end = line.find(" with ", begin == std::string::npos ? 0 : begin);
    if (begin == std::string::npos || end == std::string::npos) continue;
    chronicle_.serves(addresses_in(line.substr(begin + phrase.size(), end - begin - phrase.size())));
  }
}

void LogWatch::hear_of_a_death(const std::string& line) {
  static const std::regex death("\\(pid ([0-9]+)\\) (died from SIG[A-Z]+|exited with code [0-9]+)(.*)");
  static const std::regex sentence("\\(pid ([0-9]+)\\).*(killing it|SIGABRT now)");
  static const std::regex open(", with ([0-9]+) connections? open");
  std::smatch match;
  if (std::regex_search(line, match, sentence)) condemned_.insert(std::stoi(match[1]));
  if (!std::regex_search(line, match, death)) return;
  const auto pid = static_cast<pid_t>(std::stoi(match[1]));
  const auto how = match[2].str();
  if (how.starts_with("died from")) chronicle_.note_death(pid);
  const std::size_t lost = std::regex_search(line, match, open) ? std::stoul(match[1]) : 0;
  lost_ += lost;
  if (!is_expected(pid, how, lost) && complaint_.empty())
    complaint_ = "a worker ended as none should: " + line;
}

bool LogWatch::is_expected(pid_t pid, const std::string& how, std::size_t lost) const {
  if (how == "exited with code 0") return lost == 0;
  // Asked to leave before it has begun to run: the kernel has no handler of its then.
  if (how == "died from SIGTERM") return lost == 0 && chronicle_.was_asked_to_leave(pid);
  if (how == "died from SIGSEGV") return false;
  return chronicle_.was_harmed(pid) || condemned_.contains(pid) || chronicle_.has_faults();
}

void LogWatch::hear_statistics(const std::string& line) {
  static const std::regex now(
      "(worker [0-9]+) is [^:]*: ([0-9]+) connections? open, ([0-9]+) accepted, ([0-9]+) closed, ([0-9]+) "
      "handed "
      "over to it, ([0-9]+) by it");
  static const std::regex at_the_end("worker [0-9]+ served ([0-9]+) connection");
  std::smatch match;
  if (std::regex_search(line, match, now)) {
    const auto field = [&match](std::size_t index) { return std::stoul(match[index]); };
    ledgers_[match[1]] = {field(2), field(3), field(4), field(5), field(6)};
  }
  if (std::regex_search(line, match, at_the_end)) accepted_ += std::stoul(match[1]);
}

std::size_t LogWatch::count(const std::string& text) const {
  const auto found = counts_.find(text);
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace tcp_echo::test
