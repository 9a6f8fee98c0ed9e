#include "tcp_echo/ipc/scoreboard.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace tcp_echo {
namespace {

constexpr std::uint32_t kScoreboardMagic = 0x62726f73;  // "sorb"

Result<void*> map_shared(int fd, std::size_t size) {
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return system_failure("map the scoreboard", errno);
  return memory;
}

}  // namespace

Result<Scoreboard> Scoreboard::create() {
  UniqueFd fd(::memfd_create("tcp-echo-scoreboard", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ::ftruncate(fd.get(), sizeof(Memory)) != 0)
    return system_failure("create the scoreboard", errno);
  // A worker gone wild may scribble on it, but not pull it from under the others' feet.
  ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  const auto memory = map_shared(fd.get(), sizeof(Memory));
  if (!memory) return tl::unexpected(memory.error());
  // The file is zeroes, and all-zero is every block's first state: constructing them all would only touch a
  // megabyte of pages.
  Scoreboard board(std::move(fd), static_cast<Memory*>(*memory));
  board.stamp();
  return board;
}

void Scoreboard::stamp() noexcept {
  memory_->master.magic = kScoreboardMagic;
  memory_->master.version = kScoreboardVersion;
}

Result<Scoreboard> Scoreboard::map(const UniqueFd& fd) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || static_cast<std::size_t>(status.st_size) != sizeof(Memory)) {
    return failure(ExitCode::kSoftware, "map the scoreboard: it has another size than expected");
  }
  const auto memory = map_shared(fd.get(), sizeof(Memory));
  if (!memory) return tl::unexpected(memory.error());
  Scoreboard board(UniqueFd{}, static_cast<Memory*>(*memory));
  if (board.master().magic != kScoreboardMagic || board.master().version != kScoreboardVersion) {
    return failure(ExitCode::kSoftware, "map the scoreboard: it has another version than expected");
  }
  return board;
}

Result<Scoreboard> Scoreboard::restore(UniqueFd fd) {
  auto board = map(fd);
  if (board) board->fd_ = std::move(fd);
  return board;
}

Scoreboard::Scoreboard(Scoreboard&& other) noexcept
    : fd_(std::move(other.fd_)), memory_(std::exchange(other.memory_, nullptr)) {}

Scoreboard::~Scoreboard() {
  if (memory_ != nullptr) ::munmap(memory_, sizeof(Memory));
}

void retire(WorkerCounters& block, WorkerCounters& past) noexcept {
  block.closed_for(CloseReason::kCrash).add(block.active());
  past.accepted.add(block.accepted.get());
  past.handed_over_in.add(block.handed_over_in.get());
  past.handed_over_out.add(block.handed_over_out.get());
  past.received_bytes.add(block.received_bytes.get());
  past.sent_bytes.add(block.sent_bytes.get());
  past.accept_pauses.add(block.accept_pauses.get());
  for (std::size_t i = 0; i < kCloseReasonCount; ++i) past.closed[i].add(block.closed[i].get());
  std::destroy_at(&block);
  std::construct_at(&block);
}

}  // namespace tcp_echo
