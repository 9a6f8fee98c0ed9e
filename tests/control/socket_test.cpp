#include "tcp_echo/control/socket.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/folder.hpp"

namespace tcp_echo::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

struct ControlSocketFile : testing::Test {
  std::string path() const { return folder / "x.sock"; }
  static std::string refusal_of(const std::string& path) {
    const auto socket = ControlSocket::claim(path);
    EXPECT_FALSE(socket);
    if (socket) return "";
    EXPECT_EQ(socket.error().code, ExitCode::kCantCreate);
    return socket.error().text;
  }
  /// As a master leaves it that was killed.
  void leave_stale() const {
    auto socket = value_or_throw(ControlSocket::claim(path()));
    fs::rename(path(), folder / "kept");
    { const auto dead = std::move(socket); }
    fs::rename(folder / "kept", path());
  }

  Folder folder;
};

TEST_F(ControlSocketFile, IsForItsOwnerOnlyWhateverTheMask) {
  for (const mode_t mask : {0U, 022U, 0777U}) {
    const auto before = ::umask(mask);
    const auto socket = value_or_throw(ControlSocket::claim(path()));
    EXPECT_EQ(::umask(before), mask) << "is left as it was";
    struct stat status {};
    ASSERT_EQ(::stat(path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
  }
}

TEST_F(ControlSocketFile, CanBeConnectedTo) {
  const auto socket = value_or_throw(ControlSocket::claim(path()));
  const auto client = value_or_throw(connect_to_control_socket(path()));
  const auto peer = value_or_throw(peer_of(client.get()));
  EXPECT_EQ(peer.pid, ::getpid());
  EXPECT_EQ(peer.uid, ::geteuid());
  EXPECT_NE(::fcntl(client.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(socket.fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(ControlSocketFile, GoesWithItsOwner) {
  value_or_throw(ControlSocket::claim(path()));
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(ControlSocketFile, OfADeadMasterIsReplaced) {
  leave_stale();
  ASSERT_TRUE(fs::exists(path()));
  const auto socket = value_or_throw(ControlSocket::claim(path()));
  EXPECT_TRUE(connect_to_control_socket(path()));
}

TEST_F(ControlSocketFile, IsMadeAlsoWhereAnotherProcessHasLockedTheFolder) {
  const UniqueFd locked(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(locked.get(), LOCK_EX), 0);
  EXPECT_TRUE(ControlSocket::claim(path()));
}

TEST_F(ControlSocketFile, OfALiveMasterIsLeftAlone) {
  const auto socket = value_or_throw(ControlSocket::claim(path()));
  EXPECT_EQ(refusal_of(path()), "cannot make the control socket " + path() +
                                    ": another process answers there, " + std::to_string(::getpid()));
  EXPECT_TRUE(connect_to_control_socket(path()));
}

TEST_F(ControlSocketFile, OfAMasterThatDoesNotComeToAnswerIsLeftAlone) {
  const auto socket = value_or_throw(ControlSocket::claim(path()));
  std::vector<UniqueFd> waiting;
  while (refusal_of(path()).find("is busy") == std::string::npos) {
    ASSERT_LT(waiting.size(), 1000U);
    if (auto client = connect_to_control_socket(path(), 10ms)) waiting.push_back(std::move(*client));
  }
  EXPECT_TRUE(fs::exists(path()));
  EXPECT_THAT(connect_to_control_socket(path(), 10ms).error().text, HasSubstr("too many clients wait there"));
}

TEST_F(ControlSocketFile, IsNotMadeInThePlaceOfSomethingElse) {
  std::ofstream(path()) << "precious";
  EXPECT_THAT(refusal_of(path()), HasSubstr(": something else is there, and is left as it is"));
  fs::create_symlink("/dev/null", folder / "link");
  EXPECT_THAT(refusal_of(folder / "link"), HasSubstr(": something else is there, and is left as it is"));
  EXPECT_THAT(refusal_of(folder.path()), HasSubstr(": something else is there, and is left as it is"));
  EXPECT_EQ(fs::file_size(path()), 8U);
}

TEST_F(ControlSocketFile, NeedsAFolderAndAShortName) {
  EXPECT_THAT(refusal_of(folder / "missing/x.sock"), HasSubstr(": No such file or directory"));
  EXPECT_THAT(refusal_of("/" + std::string(107, 'x')), HasSubstr("has more than 107 bytes"));
}

TEST_F(ControlSocketFile, OfAnotherMasterStaysWhenItHasTakenTheName) {
  auto first = std::make_unique<ControlSocket>(value_or_throw(ControlSocket::claim(path())));
  fs::remove(path());
  const auto second = value_or_throw(ControlSocket::claim(path()));
  first.reset();
  EXPECT_TRUE(connect_to_control_socket(path()));
}

TEST_F(ControlSocketFile, GoesOnInTheNextProgram) {
  auto former = value_or_throw(ControlSocket::claim(path()));
  {
    const auto next = ControlSocket::restore(path(), former.file(), copy_of(former.fd()));
    EXPECT_EQ(next.path(), former.path());
    EXPECT_TRUE(connect_to_control_socket(path()));
  }
  EXPECT_FALSE(fs::exists(path())) << "it is the next program's";
}

TEST_F(ControlSocketFile, ThatNobodyListensOnIsUnavailable) {
  EXPECT_EQ(connect_to_control_socket(path()).error().text,
            "connect to " + path() + ": No such file or directory");
  EXPECT_EQ(connect_to_control_socket(path()).error().code, ExitCode::kUnavailable);
  leave_stale();
  EXPECT_EQ(connect_to_control_socket(path()).error().text, "connect to " + path() + ": Connection refused");
  EXPECT_EQ(connect_to_control_socket(path()).error().code, ExitCode::kUnavailable);
  EXPECT_EQ(connect_to_control_socket("").error().code, ExitCode::kUsage);
}

// ---- the usual places

/// Sets a variable of the environment, and puts it back.
class ChangedVariable {
 public:
  ChangedVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    value.empty() ? ::unsetenv(name) : ::setenv(name, value.c_str(), 1);
  }
  ~ChangedVariable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }
  ChangedVariable(const ChangedVariable&) = delete;
  ChangedVariable& operator=(const ChangedVariable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

std::vector<std::string> places_of_root() {
  return ::geteuid() == 0 ? std::vector<std::string>{"/run/tcp-echo.sock"} : std::vector<std::string>{};
}

TEST(UsualControlSockets, AreInTheFoldersThatAreThere) {
  const Folder first;
  const Folder last;
  const ChangedVariable runtime("RUNTIME_DIRECTORY", first.path().string() + ":/elsewhere");
  const ChangedVariable user("XDG_RUNTIME_DIR", last.path().string());
  auto expected = places_of_root();
  expected.insert(expected.begin(), first / "tcp-echo.sock");
  expected.push_back(last / "tcp-echo.sock");
  EXPECT_EQ(usual_control_sockets(), expected);
}

TEST(UsualControlSockets, AreNotInFoldersThatAreNotThere) {
  const ChangedVariable runtime("RUNTIME_DIRECTORY", "/missing");
  const ChangedVariable user("XDG_RUNTIME_DIR", "");
  EXPECT_EQ(usual_control_sockets(), places_of_root());
}

}  // namespace
}  // namespace tcp_echo::test
