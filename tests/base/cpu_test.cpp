#include "tcp_echo/base/cpu.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "support/folder.hpp"

namespace tcp_echo {
namespace {

namespace fs = std::filesystem;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::Optional;

/// A made-up /proc/self/cgroup and a hierarchy below it.
class CpuQuota : public testing::Test {
 protected:
  void member_of(const std::string& lines) { std::ofstream(folder_ / "self") << lines; }

  void write(const std::string& file, const std::string& text) {
    const auto path = folder_ / "root" / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text << '\n';
  }

  std::optional<double> quota() const { return cpu_quota(folder_ / "self", folder_ / "root"); }

 private:
  test::Folder folder_;
};

TEST_F(CpuQuota, IsReadFromVersion2) {
  member_of("0::/service\n");
  write("service/cpu.max", "150000 100000");
  EXPECT_THAT(quota(), Optional(DoubleEq(1.5)));
}

TEST_F(CpuQuota, IsReadAtTheRootOfAContainer) {
  member_of("0::/\n");
  write("cpu.max", "50000 100000");
  EXPECT_THAT(quota(), Optional(DoubleEq(0.5)));
}

TEST_F(CpuQuota, IsTheTightestOnTheWayUp) {
  member_of("0::/slice/middle/service\n");
  write("slice/cpu.max", "200000 100000");
  write("slice/middle/cpu.max", "max 100000");
  write("slice/middle/service/cpu.max", "400000 100000");
  EXPECT_THAT(quota(), Optional(DoubleEq(2)));
}

TEST_F(CpuQuota, IsReadFromVersion1) {
  member_of("5:memory:/elsewhere\n4:cpu,cpuacct:/service\n1:name=systemd:/x\n");
  write("cpu/service/cpu.cfs_quota_us", "300000");
  write("cpu/service/cpu.cfs_period_us", "100000");
  write("cpu/cpu.cfs_quota_us", "-1");
  write("cpu/cpu.cfs_period_us", "100000");
  EXPECT_THAT(quota(), Optional(DoubleEq(3)));
}

TEST_F(CpuQuota, IsTheTighterOfBothVersions) {
  member_of("4:cpu:/a\n0::/b\n");
  write("cpu/a/cpu.cfs_quota_us", "100000");
  write("cpu/a/cpu.cfs_period_us", "100000");
  write("b/cpu.max", "200000 100000");
  EXPECT_THAT(quota(), Optional(DoubleEq(1)));
}

TEST_F(CpuQuota, IsAbsentWithoutALimit) {
  member_of("0::/service\n");
  write("service/cpu.max", "max 100000");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST_F(CpuQuota, IsAbsentWithoutCgroups) { EXPECT_EQ(quota(), std::nullopt); }

TEST_F(CpuQuota, PassesOverLinesThatItDoesNotUnderstand) {
  member_of("\nnonsense\n0:\n0::/ser:vice\n");
  write("ser:vice/cpu.max", "100000 100000");
  EXPECT_THAT(quota(), Optional(DoubleEq(1)));
}

TEST_F(CpuQuota, EndsAlsoWhenTheGroupLiesOutsideOfItsNamespace) {
  member_of("0::/../../other\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST(CpuMax, IsQuotaOverPeriod) { EXPECT_THAT(parse_cpu_max("150000 100000"), Optional(DoubleEq(1.5))); }

TEST(CpuMax, IsNoLimitInAllOtherCases) {
  for (const auto* const text : {"max 100000", "-1 100000", "100000 0", "", "100000", "1 2 3", "a b"}) {
    EXPECT_EQ(parse_cpu_max(text), std::nullopt) << text;
  }
}

TEST(WorkerCount, IsTheNumberOfCpusWithoutAQuota) { EXPECT_EQ(worker_count_for(8, std::nullopt), 8U); }

TEST(WorkerCount, IsCutToTheQuotaRoundedUp) {
  EXPECT_EQ(worker_count_for(8, 1.5), 2U);
  EXPECT_EQ(worker_count_for(8, 2.0), 2U);
  EXPECT_EQ(worker_count_for(2, 16.0), 2U);
}

TEST(WorkerCount, IsNeverBelowOne) {
  EXPECT_EQ(worker_count_for(8, 0.1), 1U);
  EXPECT_EQ(worker_count_for(8, 0.0), 1U);
  EXPECT_EQ(worker_count_for(0, std::nullopt), 1U);
}

TEST(UsableCpus, AreAscendingAndAsManyAsTheMaskHas) {
  const auto cpus = usable_cpus();
  cpu_set_t mask;
  ASSERT_EQ(::sched_getaffinity(0, sizeof mask, &mask), 0);
  EXPECT_EQ(cpus.size(), static_cast<std::size_t>(CPU_COUNT(&mask)));
  EXPECT_TRUE(std::is_sorted(cpus.begin(), cpus.end()));
}

TEST(PinToCpu, LeavesThatCpuAlone) {
  const auto last = usable_cpus().back();
  std::thread([last] {  // an affinity is a thread's, so this one takes it to its grave
    EXPECT_TRUE(pin_to_cpu(last));
    EXPECT_THAT(usable_cpus(), ElementsAre(last));
  })
      .join();
}

TEST(PinToCpu, NamesTheCpuThatIsNotThere) {
  const auto pinned = pin_to_cpu(8191);
  ASSERT_FALSE(pinned);
  EXPECT_EQ(pinned.error().code, ExitCode::kOsError);
  EXPECT_EQ(pinned.error().text, "bind to CPU 8191: Invalid argument");
}

}  // namespace
}  // namespace tcp_echo
