#include "tcp_echo/ipc/scoreboard.hpp"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

namespace tcp_echo {
namespace {

// The master moves figures within microseconds, unless it has to wait for a processor in the middle of that.
// A reader waits for it, but not for ever: then it sees some figures twice, or not at all.
constexpr int kMostTries = 100;
constexpr std::chrono::milliseconds kNap{1};

constexpr std::uint32_t kScoreboardMagic = 0x62726f73;  // "sorb"

Result<void*> map_shared(int fd, std::size_t size, int protection = PROT_READ | PROT_WRITE) {
  void* const memory = ::mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return system_failure("map the scoreboard", errno);
  return memory;
}

/// An admin process has a descriptor that reads. As another user it cannot get one that writes from it, by
/// way of /proc.
void keep_to_owner(const UniqueFd& fd) { ::fchmod(fd.get(), S_IRUSR | S_IWUSR); }

}  // namespace

Result<Scoreboard> Scoreboard::create() {
  UniqueFd fd(::memfd_create("tcp-echo-scoreboard", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ::ftruncate(fd.get(), sizeof(Memory)) != 0)
    return system_failure("create the scoreboard", errno);
  keep_to_owner(fd);
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

Result<Scoreboard> Scoreboard::map(const UniqueFd& fd) { return map(fd, PROT_READ | PROT_WRITE); }
Result<Scoreboard> Scoreboard::map_for_reading(const UniqueFd& fd) { return map(fd, PROT_READ); }

Result<UniqueFd> Scoreboard::open_for_reading() const {
  UniqueFd fd(::open(fmt::format("/proc/self/fd/{}", fd_.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_failure("open the scoreboard for reading", errno);
  return fd;
}

Result<Scoreboard> Scoreboard::map(const UniqueFd& fd, int protection) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || static_cast<std::size_t>(status.st_size) != sizeof(Memory)) {
    return failure(ExitCode::kSoftware, "map the scoreboard: another version of the program has made it");
  }
  const auto memory = map_shared(fd.get(), sizeof(Memory), protection);
  if (!memory) return tl::unexpected(memory.error());
  Scoreboard board(UniqueFd{}, static_cast<Memory*>(*memory));
  if (board.master().magic != kScoreboardMagic || board.master().version != kScoreboardVersion) {
    return failure(ExitCode::kSoftware, "map the scoreboard: another version of the program has made it");
  }
  return board;
}

Result<Scoreboard> Scoreboard::restore(UniqueFd fd) {
  auto board = map(fd);
  keep_to_owner(fd);  // a former program did not
  if (board) board->fd_ = std::move(fd);
  return board;
}

Scoreboard::Scoreboard(Scoreboard&& other) noexcept
    : fd_(std::move(other.fd_)), memory_(std::exchange(other.memory_, nullptr)) {}

Scoreboard::~Scoreboard() {
  if (memory_ != nullptr) ::munmap(memory_, sizeof(Memory));
}

/// Readers look again when figures have moved while they read.
class Scoreboard::Move {
 public:
  explicit Move(MasterBlock& master) noexcept : moves_(master.moves) { step(); }
  ~Move() { step(); }
  Move(const Move&) = delete;
  Move& operator=(const Move&) = delete;

 private:
  void step() noexcept {
    moves_.fetch_add(1);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  std::atomic<std::uint32_t>& moves_;
};

void Scoreboard::assign(std::size_t index, std::size_t slot) noexcept {
  const auto beyond = static_cast<std::uint32_t>(index + 1);
  master().owners.at(index).store(static_cast<std::uint32_t>(slot + 1));
  master().blocks_used.store(std::max(master().blocks_used.load(), beyond));
}

void Scoreboard::clear(std::size_t index) noexcept {
  std::destroy_at(&block(index));
  std::construct_at(&block(index));
}

void Scoreboard::retire(std::size_t index, std::size_t slot) noexcept {
  auto& worker = block(index);
  worker.closed_for(CloseReason::kCrash).add(worker.active());
  const Move move(master());
  tally_of(worker).add_to(master().slots.at(slot).past);
  clear(index);
  master().owners.at(index).store(0);
}

std::vector<Tally> Scoreboard::tallies(std::size_t slots) const {
  std::vector<Tally> tallies;
  for (int tries = 0; tries < kMostTries; ++tries) {
    const auto moves = master().moves.load();
    tallies.assign(slots, Tally{});
    const auto blocks = std::min<std::size_t>(master().blocks_used.load(), kMostBlocks);
    for (std::size_t i = 0; i < blocks; ++i) {
      const std::size_t owner = master().owners.at(i).load();
      if (owner != 0 && owner <= slots) tallies[owner - 1].add(block(i));
    }
    for (std::size_t i = 0; i < std::min(slots, kMostSlots); ++i) tallies[i].add(master().slots.at(i).past);
    if (is_masters())
      break;  // it moves nothing while it reads, whatever a worker gone wild has written there
    const bool is_moving = moves % 2 != 0;
    if (!is_moving && master().moves.load() == moves) break;
    if (is_moving) std::this_thread::sleep_for(kNap);
  }
  return tallies;
}

}  // namespace tcp_echo
