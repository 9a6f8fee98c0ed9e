#include "tcp_echo/config/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "config/support.hpp"

namespace tcp_echo::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Where the value of that option came from.
std::string source_of(std::string_view option, const GivenConfig& given) {
  return given.sources.at(static_cast<std::size_t>(&row(option) - options().data()));
}

std::vector<std::string> addresses(const Config& config) {
  std::vector<std::string> texts;
  for (const auto& address : config.listen) texts.push_back(address.text());
  return texts;
}

class ConfigReader : public testing::Test {
 protected:
  const FileFolder& folder() const { return folder_; }

 private:
  FileFolder folder_;
};

TEST_F(ConfigReader, StartsFromTheBuiltInDefaults) {
  const auto result = all_given({});
  EXPECT_EQ(result.action, MasterAction::kRun);
  ASSERT_EQ(result.sources.size(), options().size());
  for (const auto& source : result.sources) EXPECT_EQ(source, "built-in default");
  EXPECT_THAT(result.warnings, IsEmpty());
  EXPECT_THAT(result.notices, IsEmpty());
}

TEST_F(ConfigReader, ListensOnTheDefaultAddressUnlessToldOtherwise) {
  const auto config = configured({});
  EXPECT_THAT(addresses(config), ElementsAre("[::]:" + std::string(row("port").default_text)));
  EXPECT_TRUE(config.listen_is_default);
}

TEST_F(ConfigReader, AsksAServiceThatRunsWhateverItsFileAndEnvironmentSayByNow) {
  const auto file = folder().file("x.toml", "workers = lots");
  const auto result = all_given({"--probe", "--pid-file", "/run/x.pid"},
                                {"TCP_ECHO_WORKERS=lots", "TCP_ECHO_CONFIG=" + file});
  EXPECT_EQ(result.action, MasterAction::kProbe);
  EXPECT_EQ(result.config.pid_file, "/run/x.pid");
}

TEST_F(ConfigReader, RefusesWhatSaysNothingToAProbe) {
  EXPECT_THAT(refused({"--probe", "--port", "7"}), Says(ExitCode::kUsage, "--port: says nothing to --probe"));
  EXPECT_THAT(refused({"--config", "x", "--probe"}),
              Says(ExitCode::kUsage, "--config: says nothing to --probe"));
}

TEST_F(ConfigReader, RanksDefaultFileEnvironmentFlag) {
  const auto file = folder().file("x.toml", "workers = 2\nbacklog = 2\nidle_timeout = \"2s\"\n");
  const auto result =
      all_given({"--config", file, "--workers", "4"}, {"TCP_ECHO_WORKERS=3", "TCP_ECHO_BACKLOG=3"});
  EXPECT_EQ(result.config.workers, 4U);
  EXPECT_EQ(result.config.backlog, 3U);
  EXPECT_EQ(result.config.idle_timeout, 2s);
  EXPECT_EQ(source_of("workers", result), "--workers");
  EXPECT_EQ(source_of("backlog", result), "TCP_ECHO_BACKLOG");
  EXPECT_EQ(source_of("idle-timeout", result), file + ":3: idle_timeout");
  EXPECT_EQ(source_of("linger-timeout", result), "built-in default");
}

TEST_F(ConfigReader, LetsALaterSourceTurnASwitchBackOff) {
  const auto file = folder().file("x.toml", "send_reset = true\n");
  EXPECT_TRUE(configured({"--config", file}).send_reset);
  EXPECT_FALSE(configured({"--config", file, "--no-send-reset"}).send_reset);
  EXPECT_FALSE(configured({"--config", file}, {"TCP_ECHO_SEND_RESET=off"}).send_reset);
}

TEST_F(ConfigReader, LetsALaterSourceEmptyAText) {
  const auto file = folder().file("x.toml", "idle_notice = \"bye\"\n");
  EXPECT_EQ(configured({"--config", file}).idle_notice, "bye");
  EXPECT_EQ(configured({"--config", file, "--idle-notice", ""}).idle_notice, "");
  EXPECT_EQ(configured({"--config", file, "--idle-notice="}).idle_notice, "");
}

TEST_F(ConfigReader, ChecksAlsoWhatALaterSourceOverrides) {
  const auto file = folder().file("x.toml", "workers = 0\n");
  EXPECT_THAT(refused({"--config", file, "--workers", "4"}),
              Says(ExitCode::kConfig, file + ":1: workers: '0'"));
  EXPECT_THAT(refused({"--workers", "4"}, {"TCP_ECHO_WORKERS=lots"}),
              Says(ExitCode::kConfig, "TCP_ECHO_WORKERS: 'lots'"));
}

TEST_F(ConfigReader, FindsTheFileThroughTheEnvironment) {
  const auto file = folder().file("x.toml", "workers = 2\n");
  const auto config = configured({}, {"TCP_ECHO_CONFIG=" + file});
  EXPECT_EQ(config.workers, 2U);
  EXPECT_EQ(config.config_file, file);
}

TEST_F(ConfigReader, PrefersTheFlagsFileToTheEnvironments) {
  const auto ours = folder().file("flag.toml", "workers = 2\n");
  const auto theirs = folder().file("variable.toml", "backlog = 2\n");
  const auto config = configured({"--config", ours}, {"TCP_ECHO_CONFIG=" + theirs});
  EXPECT_EQ(config.workers, 2U);
  EXPECT_NE(config.backlog, 2U);
  EXPECT_EQ(config.config_file, ours);
}

TEST_F(ConfigReader, LetsAnEmptyFlagTakeTheFileAway) {
  const auto config = configured({"--config="}, {"TCP_ECHO_CONFIG=/nonexistent"});
  EXPECT_EQ(config.config_file, "");
}

TEST_F(ConfigReader, ResolvesTheFilesPathAtStart) {
  const auto file = folder().file("x.toml", "workers = 2\n");
  const auto relative = std::filesystem::relative(file).string();
  const auto config = configured({"--config", relative});
  EXPECT_EQ(config.workers, 2U);
  EXPECT_TRUE(std::filesystem::path(config.config_file).is_absolute());
  EXPECT_TRUE(std::filesystem::equivalent(config.config_file, file));
}

TEST_F(ConfigReader, RefusesAFileThatIsNotThere) {
  const auto path = folder().path() + "/missing.toml";
  EXPECT_THAT(refused({"--config", path}),
              Says(ExitCode::kConfig, path + ": cannot read the configuration: No such file or directory"));
}

TEST_F(ConfigReader, RefusesAFileThatItMayNotRead) {
  const auto path = folder().file("x.toml", "");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  constexpr uid_t kNobody = 65534;
  const auto user = ::geteuid();
  if (user == 0) {
    ASSERT_EQ(::seteuid(kNobody), 0) << "root may read everything";
  }
  const auto error = refused({"--config", path});
  ASSERT_EQ(::seteuid(user), 0);
  EXPECT_THAT(error, Says(ExitCode::kConfig, path + ": cannot read the configuration: Permission denied"));
}

TEST_F(ConfigReader, RefusesAFolderInPlaceOfAFile) {
  EXPECT_THAT(refused({"--config", folder().path()}),
              Says(ExitCode::kConfig, folder().path() + ": cannot read the configuration: Is a directory"));
}

TEST_F(ConfigReader, RefusesAFileBeyondOneMebibyte) {
  const auto path = folder().file("x.toml", std::string((1024UL * 1024) + 1, '\n'));
  EXPECT_THAT(refused({"--config", path}), Says(ExitCode::kConfig, "1 MiB"));
  EXPECT_TRUE(read_config({"--config", folder().file("y.toml", std::string(1024UL * 1024, '\n'))}, {}));
}

TEST_F(ConfigReader, KeepsControlCharactersOfAPathOutOfItsErrors) {
  EXPECT_THAT(refused({"--config", "/two\nlines"}),
              Says(ExitCode::kConfig, "/two\\nlines: cannot read the configuration"));
}

TEST_F(ConfigReader, TakesThePortForTheDefaultAddress) {
  const auto config = configured({"--port", "7"});
  EXPECT_THAT(addresses(config), ElementsAre("[::]:7"));
  EXPECT_TRUE(config.listen_is_default);
}

TEST_F(ConfigReader, RefusesPortBesideListenInTheSameSource) {
  const auto text = std::string("stands for the default listen address, which ");
  EXPECT_THAT(refused({"--port", "7", "--listen", "127.0.0.1:8"}),
              Says(ExitCode::kUsage, "--port: " + text + "--listen replaces"));
  EXPECT_THAT(refused({}, {"TCP_ECHO_LISTEN=127.0.0.1:8", "TCP_ECHO_PORT=7"}),
              Says(ExitCode::kConfig, "TCP_ECHO_PORT: " + text + "TCP_ECHO_LISTEN replaces"));
  const auto file = folder().file("x.toml", "listen = \"127.0.0.1:8\"\nport = 7\n");
  EXPECT_THAT(refused({"--config", file}),
              Says(ExitCode::kConfig, file + ":2: port: " + text + file + ":1: listen replaces"));
}

TEST_F(ConfigReader, LetsTheLaterSourceDecideBetweenPortAndListen) {
  const auto listen = configured({"--listen", "127.0.0.1:8"}, {"TCP_ECHO_PORT=7"});
  EXPECT_THAT(addresses(listen), ElementsAre("127.0.0.1:8"));
  EXPECT_FALSE(listen.listen_is_default);
  const auto port = configured({"--port", "7"}, {"TCP_ECHO_LISTEN=127.0.0.1:8"});
  EXPECT_THAT(addresses(port), ElementsAre("[::]:7"));
  EXPECT_TRUE(port.listen_is_default);
}

TEST_F(ConfigReader, ReplacesAWholeListRatherThanAddingToIt) {
  EXPECT_THAT(addresses(configured({"--listen", "[::1]:1"}, {"TCP_ECHO_LISTEN=127.0.0.1:2,127.0.0.1:3"})),
              ElementsAre("[::1]:1"));
}

TEST_F(ConfigReader, CollectsRepeatedAddresses) {
  EXPECT_THAT(addresses(configured({"--listen", "[::1]:1", "--listen=127.0.0.1:2,127.0.0.1:3"})),
              ElementsAre("[::1]:1", "127.0.0.1:2", "127.0.0.1:3"));
}

TEST_F(ConfigReader, RefusesAnAddressTwiceAlsoAcrossFlags) {
  EXPECT_THAT(refused({"--listen", "[::1]:1", "--listen", "[::1]:1"}),
              Says(ExitCode::kUsage, "--listen: '[::1]:1' is given twice"));
}

TEST_F(ConfigReader, UnderstandsEscapesOfTheNoticeInFlagAndVariable) {
  EXPECT_EQ(configured({"--idle-notice", R"(bye\r\n\tnow\\)"}).idle_notice, "bye\r\n\tnow\\");
  EXPECT_EQ(configured({}, {R"(TCP_ECHO_IDLE_NOTICE=bye\n)"}).idle_notice, "bye\n");
}

TEST_F(ConfigReader, UnderstandsEscapesOfTheNoticeInAFileOnlyOnce) {
  const auto file = folder().file("x.toml", R"(idle_notice = "a\\nb\n")");
  EXPECT_EQ(configured({"--config", file}).idle_notice, "a\\nb\n");
}

TEST_F(ConfigReader, RefusesUnknownEscapesOfTheNotice) {
  EXPECT_THAT(
      refused({"--idle-notice", R"(bye\x)"}),
      Says(ExitCode::kUsage, R"(--idle-notice: 'bye\x' has an unknown escape; allowed: \n, \r, \t, \\)"));
  EXPECT_THAT(refused({}, {R"(TCP_ECHO_IDLE_NOTICE=bye\)"}),
              Says(ExitCode::kConfig, "TCP_ECHO_IDLE_NOTICE: "));
}

TEST_F(ConfigReader, MeasuresTheNoticeAsItIsSent) {
  std::string escaped;
  for (int i = 0; i < 1024; ++i) escaped += "\\n";
  EXPECT_EQ(configured({"--idle-notice", escaped}).idle_notice.size(), 1024U);
  EXPECT_THAT(refused({"--idle-notice", escaped + "x"}), Says(ExitCode::kUsage, "is too long"));
}

TEST_F(ConfigReader, ReadsNothingButTheCommandLineForHelpAndVersion) {
  for (const auto* const flag : {"--help", "--version"})
    EXPECT_TRUE(read_config({flag, "--config", "/nonexistent"}, {"TCP_ECHO_WORKERS=lots"})) << flag;
}

TEST_F(ConfigReader, ChecksEverythingForCheckAndPrintConfig) {
  for (const auto* const flag : {"--check", "--print-config"})
    EXPECT_THAT(refused({flag}, {"TCP_ECHO_WORKERS=lots"}), Says(ExitCode::kConfig, "TCP_ECHO_WORKERS"));
}

TEST_F(ConfigReader, WarnsOfANoticeThatAResetDestroys) {
  EXPECT_THAT(all_given({"--send-reset", "--idle-notice", "bye"}).warnings,
              ElementsAre(HasSubstr("--idle-notice")));
  EXPECT_THAT(all_given({"--send-reset"}).warnings, IsEmpty());
}

std::string default_of(std::string_view option) { return std::string(row(option).default_text); }

TEST_F(ConfigReader, RefusesADelayThatStartsAboveItsMaximum) {
  EXPECT_THAT(refused({"--respawn-delay-min", "10s", "--respawn-delay-max", "1s"}),
              Says(ExitCode::kUsage,
                   "--respawn-delay-min: \"10s\" is more than respawn_delay_max \"1s\" "
                   "(--respawn-delay-max); allowed: at most that"));
  EXPECT_THAT(refused({}, {"TCP_ECHO_RESPAWN_DELAY_MIN=10s", "TCP_ECHO_RESPAWN_DELAY_MAX=1s"}),
              Says(ExitCode::kConfig,
                   "TCP_ECHO_RESPAWN_DELAY_MIN: \"10s\" is more than respawn_delay_max \"1s\" "
                   "(TCP_ECHO_RESPAWN_DELAY_MAX); allowed: at most that"));
  const auto file = folder().file("x.toml", "respawn_delay_min = \"10s\"\nrespawn_delay_max = \"1s\"\n");
  const auto error = refused({"--config", file});
  EXPECT_THAT(error, Says(ExitCode::kConfig,
                          file + ":1: respawn_delay_min: \"10s\" is more than respawn_delay_max \"1s\" ("));
  EXPECT_THAT(error, Says(ExitCode::kConfig, "(" + file + ":2: respawn_delay_max); allowed: at most that"));
}

TEST_F(ConfigReader, BlamesTheLowerDelayWhereverTheOtherComesFrom) {
  EXPECT_THAT(refused({"--respawn-delay-max", "1s"}, {"TCP_ECHO_RESPAWN_DELAY_MIN=10s"}),
              Says(ExitCode::kConfig,
                   "TCP_ECHO_RESPAWN_DELAY_MIN: \"10s\" is more than respawn_delay_max "
                   "\"1s\" (--respawn-delay-max)"));
  EXPECT_THAT(refused({"--respawn-delay-min", "10s"}, {"TCP_ECHO_RESPAWN_DELAY_MAX=1s"}),
              Says(ExitCode::kUsage,
                   "--respawn-delay-min: \"10s\" is more than respawn_delay_max \"1s\" "
                   "(TCP_ECHO_RESPAWN_DELAY_MAX)"));
  EXPECT_THAT(refused({"--respawn-delay-min", "1h"}),
              Says(ExitCode::kUsage, "--respawn-delay-min: \"1h\" is more than respawn_delay_max \"" +
                                         default_of("respawn-delay-max") + "\" (built-in default)"));
}

TEST_F(ConfigReader, BlamesTheHighestDelayWhereTheLowerOneIsBuiltIn) {
  const auto text = "\"1ms\" is less than respawn_delay_min \"" + default_of("respawn-delay-min") +
                    "\" (built-in default); allowed: at least that";
  EXPECT_THAT(refused({"--respawn-delay-max", "1ms"}),
              Says(ExitCode::kUsage, "--respawn-delay-max: " + text));
  EXPECT_THAT(refused({}, {"TCP_ECHO_RESPAWN_DELAY_MAX=1ms"}),
              Says(ExitCode::kConfig, "TCP_ECHO_RESPAWN_DELAY_MAX: " + text));
  const auto file = folder().file("x.toml", "respawn_delay_max = \"1ms\"\n");
  EXPECT_THAT(refused({"--config", file}), Says(ExitCode::kConfig, file + ":1: respawn_delay_max: " + text));
}

TEST_F(ConfigReader, TakesADelayThatNeverGrows) {
  const auto config = configured({"--respawn-delay-min", "3s", "--respawn-delay-max", "3s"});
  EXPECT_EQ(config.respawn_delay_min, config.respawn_delay_max);
}

TEST_F(ConfigReader, JudgesOnlyTheDelaysThatCount) {
  EXPECT_TRUE(read_config({"--respawn-delay-min", "1s"},
                          {"TCP_ECHO_RESPAWN_DELAY_MIN=10s", "TCP_ECHO_RESPAWN_DELAY_MAX=5s"}));
}

/// No machine has it: a colon ends the name in /etc/passwd and /etc/group.
constexpr auto kUnknownName = "no:such:name";

TEST_F(ConfigReader, RefusesAUserOrGroupThatTheMachineDoesNotKnow) {
  for (const std::string name : {"user", "group"}) {
    const auto text = fmt::format(": '{}' is not known here; allowed: the name of a {} of this machine",
                                  kUnknownName, name);
    const auto& option = row(name);
    EXPECT_THAT(refused({option.flag(), kUnknownName}), Says(ExitCode::kUsage, option.flag() + text));
    EXPECT_THAT(refused({}, {option.variable() + "=" + kUnknownName}),
                Says(ExitCode::kConfig, option.variable() + text));
    const auto file = folder().file("x.toml", fmt::format("{} = \"{}\"\n", name, kUnknownName));
    EXPECT_THAT(refused({"--config", file}),
                Says(ExitCode::kConfig, fmt::format("{}:1: {}{}", file, name, text)));
  }
}

TEST_F(ConfigReader, KeepsControlCharactersOfANameOutOfItsErrors) {
  EXPECT_THAT(refused({"--user", "two\nlines"}),
              Says(ExitCode::kUsage, "--user: 'two\\nlines' is not known"));
}

TEST_F(ConfigReader, TakesAUserAndAGroupThatTheMachineKnows) {
  const auto config = configured({"--user", "root", "--group", "root"});
  EXPECT_EQ(config.user, "root");
  EXPECT_EQ(config.group, "root");
}

TEST_F(ConfigReader, LooksUpOnlyTheNamesThatCount) {
  EXPECT_EQ(configured({"--user", "root"}, {std::string("TCP_ECHO_USER=") + kUnknownName}).user, "root");
  EXPECT_EQ(configured({"--user="}, {std::string("TCP_ECHO_USER=") + kUnknownName}).user, "");
}

TEST_F(ConfigReader, LooksUpNoNameInWhatAMasterSends) {
  auto config = configured({});
  config.user = kUnknownName;
  config.group = kUnknownName;
  const auto received = parse_effective_toml(effective_toml(config));
  ASSERT_TRUE(received) << received.error().text;
  EXPECT_EQ(received->user, kUnknownName);
  EXPECT_EQ(received->group, kUnknownName);
}

/// Texts that a careless writer of TOML would break.
const std::array kAwkwardTexts = {
    std::string(),
    std::string("\"quoted\" and 'single'"),
    std::string("back\\slash\\n and \\u0041"),
    std::string("line\nline\r\n\ttab"),
    std::string("\"\"\""),
    std::string("\0\x01\x1f\x7f", 4),
    std::string("# no comment = 1"),
    std::string("zażółć € \xf0\x9f\x98\x80"),
    std::string("\xef\xbb\xbf"
                "mark"),
    std::string("\xc2\x85\xe2\x80\xa8\xef\xbf\xbf\xf4\x8f\xbf\xbf"),
    std::string("  blanks  "),
};

TEST_F(ConfigReader, SendsEveryTextToAWorkerUnharmed) {
  for (const auto& text : kAwkwardTexts) {
    auto config = configured({});
    config.idle_notice = text;
    const auto received = parse_effective_toml(effective_toml(config));
    ASSERT_TRUE(received) << received.error().text;
    EXPECT_EQ(received->idle_notice, text);
  }
}

/// One configuration in which everything that can be is other than built in.
std::vector<std::string> unusual_arguments() {
  return {"--listen",
          "127.0.0.1:0,[::1]:1",
          "--workers",
          "3",
          "--cpu-affinity",
          "auto",
          "--backlog",
          "17",
          "--idle-timeout",
          "1500ms",
          "--idle-notice",
          R"("bye" \\ \n)",
          "--linger-timeout",
          "0",
          "--send-reset",
          "--keepalive",
          "30s",
          "--no-nodelay",
          "--worker-connections",
          "100",
          "--shutdown-timeout",
          "1h",
          "--ready-timeout",
          "7s",
          "--log-level",
          "trace",
          "--log-file",
          "/x \"y\"\\z",
          "--log-timestamps",
          "off"};
}

TEST_F(ConfigReader, SendsEveryValueToAWorker) {
  for (const auto& arguments : {std::vector<std::string>{}, {"--port", "7"}, unusual_arguments()}) {
    const auto config = configured(arguments);
    const auto received = parse_effective_toml(effective_toml(config));
    ASSERT_TRUE(received) << received.error().text;
    EXPECT_EQ(effective_toml(*received), effective_toml(config));
    EXPECT_EQ(received->listen, config.listen);
    EXPECT_EQ(received->listen_is_default, config.listen_is_default);
  }
}

TEST_F(ConfigReader, SendsAWorkerEveryOptionExceptTheFile) {
  const auto text = "\n" + effective_toml(configured({}));
  for (const auto& option : options()) {
    if (option.name == "config" || option.is_list()) continue;
    EXPECT_THAT(text, HasSubstr("\n" + option.key() + " = ")) << option.name;
  }
  EXPECT_THAT("\n" + effective_toml(configured({"--listen", "[::1]:1"})),
              HasSubstr("\nlisten = [\"[::1]:1\"]\n"));
}

TEST_F(ConfigReader, RefusesAnEffectiveConfigurationThatIsNone) {
  EXPECT_FALSE(parse_effective_toml("workers = "));
  EXPECT_FALSE(parse_effective_toml("workers = 0\n"));
}

TEST_F(ConfigReader, PrintsTheSourceBehindEachValue) {
  const auto file = folder().file("x.toml", "idle_timeout = \"10s\"\n");
  const auto text = annotated_toml(all_given({"--config", file, "--backlog", "7"}, {"TCP_ECHO_WORKERS=3"}));
  EXPECT_THAT(text, HasSubstr("\nidle_timeout = \"10s\"  # " + file + ":1: idle_timeout\n"));
  EXPECT_THAT(text, HasSubstr("\nworkers = 3  # TCP_ECHO_WORKERS\n"));
  EXPECT_THAT(text, HasSubstr("\nbacklog = 7  # --backlog\n"));
  EXPECT_THAT(text, HasSubstr("\nsend_reset = false  # built-in default\n"));
}

TEST_F(ConfigReader, PrintsValuesAndFlagsAsTheyWereGiven) {
  const auto text = annotated_toml(all_given({"--no-nodelay", R"(--idle-notice=bye\r\n)"}));
  EXPECT_THAT(text, HasSubstr("\nnodelay = false  # --no-nodelay\n"));
  EXPECT_THAT(text, HasSubstr(R"(idle_notice = "bye\r\n"  # --idle-notice)"));
}

TEST_F(ConfigReader, PrintsAConfigurationThatLoadsToTheSame) {
  for (const auto& arguments : {std::vector<std::string>{}, {"--port", "7"}, unusual_arguments()}) {
    const auto first = all_given(arguments);
    const auto file = folder().file("printed.toml", annotated_toml(first));
    const auto second = configured({"--config", file});
    EXPECT_EQ(effective_toml(second), effective_toml(first.config));
    EXPECT_EQ(second.listen_is_default, first.config.listen_is_default);
  }
}

TEST_F(ConfigReader, PrintsAConfigurationThatLoadsAlsoWhenItsFileHasAnAwkwardName) {
  const auto source = folder().file("two\nlines # \x7f é.toml", "workers = 3\n");
  const auto file = folder().file("printed.toml", annotated_toml(all_given({"--config", source})));
  EXPECT_EQ(configured({"--config", file}).workers, 3U);
}

}  // namespace
}  // namespace tcp_echo::test
