#include "tcp_echo/ipc/scoreboard.hpp"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace tcp_echo {
namespace {

constexpr std::uint32_t kScoreboardMagic = 0x62726f73;  // "sorb"

Result<void*> map_shared(int fd, std::size_t size, int protection = PROT_READ | PROT_WRITE) {
  void* const memory = ::mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
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
  auto* const board = static_cast<Memory*>(*memory);
  board->master.magic = kScoreboardMagic;
  board->master.version = kScoreboardVersion;
  return Scoreboard(std::move(fd), board);
}

Result<Scoreboard> Scoreboard::map(const UniqueFd& fd) { return map(fd, PROT_READ | PROT_WRITE); }

Result<Scoreboard> Scoreboard::map_to_read(const UniqueFd& fd) { return map(fd, PROT_READ); }

Result<UniqueFd> Scoreboard::open_to_read() const {
  UniqueFd fd(::open(fmt::format("/proc/self/fd/{}", fd_.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_failure("open the scoreboard to read", errno);
  return fd;
}

Result<Scoreboard> Scoreboard::map(const UniqueFd& fd, int protection) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || static_cast<std::size_t>(status.st_size) != sizeof(Memory)) {
    return failure(ExitCode::kSoftware, "map the scoreboard: it has another size than expected");
  }
  const auto memory = map_shared(fd.get(), sizeof(Memory), protection);
  if (!memory) return tl::unexpected(memory.error());
  Scoreboard board(UniqueFd{}, static_cast<Memory*>(*memory));
  if (board.master().magic != kScoreboardMagic || board.master().version != kScoreboardVersion) {
    return failure(ExitCode::kSoftware, "map the scoreboard: it has another version than expected");
  }
  return board;
}

Result<Scoreboard> Scoreboard::take_over(UniqueFd fd) {
  auto board = map(fd);
  if (board) board->fd_ = std::move(fd);
  return board;
}

Scoreboard::Scoreboard(Scoreboard&& other) noexcept
    : fd_(std::move(other.fd_)), memory_(std::exchange(other.memory_, nullptr)) {}

Scoreboard::~Scoreboard() {
  if (memory_ != nullptr) ::munmap(memory_, sizeof(Memory));
}

namespace {

/// The master's block and a worker's are never read while figures move from one to the other.
class Move {
 public:
  explicit Move(std::atomic<std::uint32_t>& moves) noexcept : moves_(moves) { moves_.fetch_add(1); }
  ~Move() { moves_.fetch_add(1); }
  Move(const Move&) = delete;
  Move& operator=(const Move&) = delete;

 private:
  std::atomic<std::uint32_t>& moves_;
};

template <std::size_t Size>
void absorb(std::array<Counter, Size>& into, const std::array<Counter, Size>& from) noexcept {
  for (std::size_t i = 0; i < Size; ++i) into[i].add(from[i].get());
}

template <std::size_t Buckets>
void absorb(Log2Histogram<Buckets>& into, const Log2Histogram<Buckets>& from) noexcept {
  absorb(into.buckets, from.buckets);
  into.sum.add(from.sum.get());
}

void absorb(WorkerCounters& into, const WorkerCounters& from) noexcept {
  into.accepted.add(from.accepted.get());
  into.handed_over_in.add(from.handed_over_in.get());
  into.handed_over_out.add(from.handed_over_out.get());
  into.received_bytes.add(from.received_bytes.get());
  into.sent_bytes.add(from.sent_bytes.get());
  into.accept_pauses.add(from.accept_pauses.get());
  into.busy_nanoseconds.add(from.busy_nanoseconds.get());
  into.loop_nanoseconds.add(from.loop_nanoseconds.get());
  absorb(into.closed, from.closed);
  absorb(into.accept_errors, from.accept_errors);
  absorb(into.lifetimes, from.lifetimes);
  absorb(into.connection_bytes, from.connection_bytes);
}

}  // namespace

void retire(WorkerCounters& block, WorkerCounters& past) noexcept {
  block.closed_for(CloseReason::kCrash).add(block.active());
  absorb(past, block);
  std::destroy_at(&block);
  std::construct_at(&block);
}

void Scoreboard::assign(std::size_t index, unsigned slot) noexcept {
  master().owners.at(index).store(slot + 1);
  auto& used = master().blocks_used;
  used.store(std::max(used.load(), static_cast<std::uint32_t>(index + 1)));
}

void Scoreboard::retire(std::size_t index, unsigned slot) noexcept {
  auto& worker = block(index);
  const Move move(master().moves);
  tcp_echo::retire(worker, master().slots.at(slot).past);
  master().owners.at(index).store(0);
}

}  // namespace tcp_echo
