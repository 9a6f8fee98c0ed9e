// Walks the table: what holds for every option is said once, here.

#include "tcp_echo/config/options.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "config/support.hpp"
#include "config/value.hpp"

namespace tcp_echo::test {
namespace {

/// A valid value other than the default: as flag and variable take it, and as TOML.
struct Sample {
  std::string_view option;
  std::string_view text;
  std::string_view toml;
};

constexpr std::array kSamples = {
    Sample{"config", "/dev/null", ""},  // a file cannot name another one
    Sample{"listen", "127.0.0.1:7", R"(["127.0.0.1:7"])"},
    Sample{"port", "7", "7"},
    Sample{"workers", "3", "3"},
    Sample{"cpu-affinity", "auto", R"("auto")"},
    Sample{"backlog", "17", "17"},
    Sample{"idle-timeout", "90s", R"("90s")"},
    Sample{"idle-notice", "bye", R"("bye")"},
    Sample{"linger-timeout", "250ms", R"("250ms")"},
    Sample{"send-reset", "on", "true"},
    Sample{"keepalive", "30s", R"("30s")"},
    Sample{"nodelay", "off", "false"},
    Sample{"worker-connections", "100", "100"},
    Sample{"worker-recycle-after", "1000", "1000"},
    Sample{"shutdown-timeout", "3s", R"("3s")"},
    Sample{"ready-timeout", "7s", R"("7s")"},
    Sample{"respawn-delay-min", "300ms", R"("300ms")"},
    Sample{"respawn-delay-max", "40s", R"("40s")"},
    Sample{"watchdog", "7s", R"("7s")"},
    Sample{"user", "nobody", R"("nobody")"},
    Sample{"group", "nogroup", R"("nogroup")"},
    Sample{"sandbox", "require", R"("require")"},
    Sample{"daemon", "on", "true"},
    Sample{"pid-file", "/run/x.pid", R"("/run/x.pid")"},
    Sample{"control-socket", "/run/x.sock", R"("/run/x.sock")"},
    Sample{"admin-listen", "127.0.0.1:9", R"("127.0.0.1:9")"},
    Sample{"log-level", "debug", R"("debug")"},
    Sample{"log-file", "/var/log/x", R"("/var/log/x")"},
    Sample{"log-format", "json", R"("json")"},
    Sample{"log-connections", "on", "true"},
    Sample{"log-timestamps", "off", R"("off")"},
};

/// Every way to write the default of an option that is still to come.
struct Spelling {
  std::string_view option;
  std::string_view text;
  std::string_view toml;
};

constexpr std::array kSpellingsOfLaterDefaults = {
    Spelling{"sandbox", "off", R"("off")"},     Spelling{"log-connections", "off", "false"},
    Spelling{"log-connections", "no", "false"}, Spelling{"log-connections", "false", "false"},
    Spelling{"log-connections", "0", "false"},
};

const Sample& sample_of(const Option& option) {
  return *std::find_if(kSamples.begin(), kSamples.end(),
                       [&option](const Sample& sample) { return sample.option == option.name; });
}

std::vector<std::string> as_flag(const Option& option, std::string_view text) {
  return {option.flag() + "=" + std::string(text)};
}

std::vector<std::string> as_variable(const Option& option, std::string_view text) {
  return {option.variable() + "=" + std::string(text)};
}

/// Puts a file of this one line in the place of a source.
class Options : public testing::Test {
 protected:
  std::vector<std::string> as_file(const Option& option, std::string_view toml) const {
    return {"--config", folder_.file("x.toml", option.key() + " = " + std::string(toml) + "\n")};
  }

 private:
  FileFolder folder_;
};

bool is_refused_for_now(const Option& option) {
  return option.support == Support::kLater || sample_of(option).text == option.later_word;
}

TEST_F(Options, HaveOneSampleEachInThisTest) {
  ASSERT_EQ(kSamples.size(), options().size());
  for (std::size_t i = 0; i < kSamples.size(); ++i) EXPECT_EQ(kSamples[i].option, options()[i].name);
}

TEST_F(Options, ThatAreStillToComeHaveASpellingOfTheirDefaultInThisTest) {
  for (const auto& option : options()) {
    const auto is_of_it = [&option](const Spelling& spelling) { return spelling.option == option.name; };
    EXPECT_EQ(std::any_of(kSpellingsOfLaterDefaults.begin(), kSpellingsOfLaterDefaults.end(), is_of_it),
              option.support == Support::kLater)
        << option.name;
  }
}

TEST_F(Options, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const auto& option : options()) {
    EXPECT_TRUE(names.insert(option.flag()).second) << option.name;
    if (option.is_switch()) {
      EXPECT_TRUE(names.insert("--no-" + std::string(option.name)).second) << option.name;
    }
  }
}

TEST_F(Options, HaveNamesOfLowerCaseWordsAndDashes) {
  for (const auto& option : options())
    EXPECT_THAT(std::string(option.name), testing::MatchesRegex("[a-z]+(-[a-z]+)*"));
}

TEST_F(Options, StartWithConfig) { EXPECT_EQ(options().front().name, "config"); }

TEST_F(Options, SpellTheirNameForEachSource) {
  const auto& option = row("idle-timeout");
  EXPECT_EQ(option.flag(), "--idle-timeout");
  EXPECT_EQ(option.variable(), "TCP_ECHO_IDLE_TIMEOUT");
  EXPECT_EQ(option.key(), "idle_timeout");
}

TEST_F(Options, AreFoundByName) {
  for (const auto& option : options()) EXPECT_EQ(find_option(option.name), &option);
  for (const auto* const name : {"", "--port", "PORT", "por", "idle_timeout"})
    EXPECT_EQ(find_option(name), nullptr) << name;
}

TEST_F(Options, HaveHelpInOneSentenceWithoutAFullStop) {
  for (const auto& option : options()) {
    EXPECT_THAT(option.help, IsOneLine()) << option.name;
    EXPECT_FALSE(option.help.ends_with('.')) << option.name;
  }
}

TEST_F(Options, HaveAPlaceholderUnlessTheyAreSwitches) {
  for (const auto& option : options())
    EXPECT_EQ(option.placeholder.empty(), option.is_switch()) << option.name;
}

TEST_F(Options, AcceptTheirOwnDefault) {
  for (const auto& option : options()) {
    if (option.is_list()) continue;  // its default is --port's
    Config config;
    EXPECT_TRUE(assign(option, {std::string(option.default_text)}, config)) << option.name;
  }
}

TEST_F(Options, SayWhatIsAllowed) {
  for (const auto& option : options()) EXPECT_THAT(allowed(option), IsOneLine()) << option.name;
}

TEST_F(Options, AreSetTheSameWayByFlagVariableAndFile) {
  const auto unset = configured({});
  for (const auto& option : options()) {
    if (is_refused_for_now(option) || option.name == "config") continue;
    const auto& sample = sample_of(option);
    for (const auto& given :
         {read_config(as_flag(option, sample.text), {}), read_config({}, as_variable(option, sample.text)),
          read_config(as_file(option, sample.toml), {})}) {
      ASSERT_TRUE(given) << given.error().text;
      EXPECT_EQ(to_toml(option, given->config), sample.toml) << option.name;
      EXPECT_NE(to_toml(option, given->config), to_toml(option, unset))
          << option.name << ": the sample is the default";
    }
  }
}

TEST_F(Options, AreSetByAFlagWithItsValueInTheNextArgument) {
  for (const auto& option : options()) {
    if (is_refused_for_now(option) || option.is_switch() || option.name == "config") continue;
    const auto& sample = sample_of(option);
    EXPECT_EQ(to_toml(option, configured({option.flag(), std::string(sample.text)})), sample.toml)
        << option.name;
  }
}

TEST_F(Options, ChangeNothingButThemselves) {
  const auto unchanged = configured({});
  for (const auto& option : options()) {
    if (is_refused_for_now(option)) continue;
    const auto config = configured(as_flag(option, sample_of(option).text));
    for (const auto& other : options()) {
      const bool writes_the_same =
          (option.name == "port" && other.is_list()) || (option.is_list() && other.name == "port");
      if (&other == &option || writes_the_same) continue;
      EXPECT_EQ(to_toml(other, config), to_toml(other, unchanged)) << option.name << ' ' << other.name;
    }
  }
}

TEST_F(Options, ThatAreStillToComeAreRefusedFromEachSource) {
  for (const auto& option : options()) {
    if (!is_refused_for_now(option)) continue;
    const auto& sample = sample_of(option);
    const auto complaint =
        ": '" + std::string(option.is_switch() ? "true" : sample.text) + "' is not supported yet; allowed: ";
    const auto flag = option.is_switch() ? std::vector{option.flag()} : as_flag(option, sample.text);
    EXPECT_THAT(refused(flag), Says(ExitCode::kUsage, option.flag() + complaint));
    const auto variable = as_variable(option, option.is_switch() ? "true" : sample.text);
    EXPECT_THAT(refused({}, variable), Says(ExitCode::kConfig, option.variable() + complaint));
    EXPECT_THAT(refused(as_file(option, sample.toml)),
                Says(ExitCode::kConfig, "x.toml:1: " + option.key() + complaint));
  }
}

TEST_F(Options, ThatAreStillToComeAcceptTheirDefaultInEverySpelling) {
  const auto unset = configured({});
  for (const auto& spelling : kSpellingsOfLaterDefaults) {
    const auto& option = row(spelling.option);
    for (const auto& given : {read_config(as_flag(option, spelling.text), {}),
                              read_config({}, as_variable(option, spelling.text)),
                              read_config(as_file(option, spelling.toml), {})}) {
      ASSERT_TRUE(given) << given.error().text;
      EXPECT_EQ(to_toml(option, given->config), to_toml(option, unset)) << option.name;
    }
    if (option.is_switch()) {
      EXPECT_TRUE(read_config({"--no-" + std::string(option.name)}, {})) << option.name;
    }
  }
}

TEST_F(Options, OfEachKindRefuseNonsenseFromEachSourceAndSayWhatIsAllowed) {
  for (const auto& option : options()) {
    const bool takes_any_text = std::holds_alternative<TextValue>(option.value) ||
                                std::holds_alternative<PathValue>(option.value) ||
                                std::holds_alternative<SocketValue>(option.value);
    if (takes_any_text) continue;
    const auto end = "; allowed: " + allowed(option);
    const auto from_flag = refused(as_flag(option, "nonsense"));
    EXPECT_THAT(from_flag, Says(ExitCode::kUsage, option.flag() + ": 'nonsense' is "));
    EXPECT_TRUE(from_flag.text.ends_with(end)) << from_flag.text;
    const auto from_variable = refused({}, as_variable(option, "nonsense"));
    EXPECT_THAT(from_variable, Says(ExitCode::kConfig, option.variable() + ": 'nonsense' is "));
    EXPECT_TRUE(from_variable.text.ends_with(end)) << from_variable.text;
    const auto from_file = refused(as_file(option, R"("nonsense")"));
    EXPECT_THAT(from_file, Says(ExitCode::kConfig, "x.toml:1: " + option.key() + ": 'nonsense' "));
  }
}

}  // namespace
}  // namespace tcp_echo::test
