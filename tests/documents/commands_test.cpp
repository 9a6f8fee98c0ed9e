// Every option that a document names is one that the program has.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "ctl/command.hpp"
#include "documents/markdown.hpp"
#include "support/document.hpp"
#include "tcp_echo/config/options.hpp"
#include "tcp_echo/load/plan.hpp"

namespace tcp_echo::test {
namespace {

using Flags = std::set<std::string>;

const std::string kSource = TCP_ECHO_SOURCE;

Flags flags_of_master() {
  Flags flags;
  for (const auto& option : options()) {
    flags.insert(option.flag());
    if (option.is_switch()) flags.insert("--no-" + std::string(option.name));
  }
  for (const auto& action : action_flags()) flags.insert(action.flag());
  return flags;
}

/// Of a program by its help, of a script by its text.
Flags flags_in(const std::string& text) {
  static const std::regex flag("--[a-z][a-z-]+");
  return {std::sregex_token_iterator(text.begin(), text.end(), flag), std::sregex_token_iterator()};
}

Flags flags_of_file(const std::string& name) { return flags_in(read_document(kSource + "/" + name)); }

/// By the last part of the path with which a command may begin.
const std::map<std::string, Flags>& flags_by_program() {
  static const std::map<std::string, Flags> flags = {
      {"tcp-echo-master", flags_of_master()},
      {"tcp-echo", flags_of_master()},  // the image
      {"run.sh", flags_of_master()},
      {"tcp-echo-ctl", flags_in(ctl_help(80))},
      {"tcp-echo-load", flags_in(load_help(80))},
      {"bench/run.sh", flags_of_file("bench/options.cpp")},
      {"tests/soak/run.sh", flags_of_file("tests/soak/run.sh")},
      {"test.sh", flags_of_file("test.sh")},
  };
  return flags;
}

/// The longest name counts, for bench/run.sh is not ./run.sh. Null for a program that is not ours.
const Flags* flags_of(const std::string& word) {
  if (word == "/run/tcp-echo") return nullptr;  // a folder
  const Flags* found = nullptr;
  std::size_t longest = 0;
  const auto path = '/' + word;
  for (const auto& [name, flags] : flags_by_program()) {
    const auto end = '/' + name;
    const bool matches =
        path.size() >= end.size() && path.compare(path.size() - end.size(), end.size(), end) == 0;
    if (!matches || name.size() <= longest) continue;
    longest = name.size();
    found = &flags;
  }
  return found;
}

/// "--idle-timeout=90s" is --idle-timeout.
std::string flag_in(const std::string& word) {
  if (word.rfind("--", 0) != 0) return {};
  return word.substr(0, word.find_first_of("=.,;)'\""));
}

/// The options of ours in a line of shell, and in the words of one command.
std::size_t expect_flags_are_known(const Page& page, const std::string& line) {
  std::size_t count = 0;
  const Flags* flags = nullptr;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    if (word == "&&" || word == "|" || word == ";" || word[0] == '#') flags = nullptr;
    if (const auto* const of_program = flags_of(word)) flags = of_program;
    const auto flag = flag_in(word);
    if (flags == nullptr || flag.size() <= 2) continue;
    EXPECT_EQ(flags->count(flag), 1U) << page.path.filename() << ": " << flag << " in: " << line;
    ++count;
  }
  return count;
}

TEST(Documents, NameOnlyOptionsOfCommandsThatThereAre) {
  std::size_t count = 0;
  for (const auto& page : read_pages(kSource)) {
    for (const auto& block : page.blocks) {
      for (const auto& line : block.lines) count += expect_flags_are_known(page, line);
    }
    for (const auto& code : page.inline_code) count += expect_flags_are_known(page, code);
  }
  EXPECT_GT(count, 50U) << "was anything read?";
}

/// What of other programs is named without them.
bool is_of_another_program(const std::string& flag) {
  static const Flags others = {"--build-arg", "--env", "--init", "--time", "--ulimit"};
  return others.count(flag) != 0;
}

TEST(Documents, NameOnlyOptionsThatThereAre) {
  Flags known;
  for (const auto& [name, flags] : flags_by_program()) known.insert(flags.begin(), flags.end());
  std::size_t count = 0;
  for (const auto& page : read_pages(kSource)) {
    for (const auto& code : page.inline_code) {
      const auto flag = flag_in(code.substr(0, code.find(' ')));
      if (flag.size() <= 2 || is_of_another_program(flag)) continue;
      EXPECT_EQ(known.count(flag), 1U) << page.path.filename() << ": `" << code << '`';
      ++count;
    }
  }
  EXPECT_GT(count, 100U) << "was anything read?";
}

}  // namespace
}  // namespace tcp_echo::test
