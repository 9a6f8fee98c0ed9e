#include "tcp_echo/upgrade/program_change.hpp"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>

#include <cerrno>
#include <utility>

#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/daemon/executable.hpp"
#include "tcp_echo/loop/signal.hpp"
#include "tcp_echo/upgrade/upgrade_call.hpp"

namespace tcp_echo {
namespace {

void keep_over_execve(const std::vector<int>& descriptors, bool keep) {
  for (const int fd : descriptors) ::fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

/// The next program works on copies of the descriptors before it closes the originals, and so does this one
/// if it has to go on after it. Then those of candidates may be among them, one for each slot.
Result<void> check_room_for_copies(const UpgradeState& state) {
  constexpr std::size_t kSpare = 32;
  const auto needed = state.descriptors().size() + state.fleet.slots.size() + kSpare;
  const auto limit = static_cast<std::size_t>(open_files_limit());
  const auto open = open_descriptors();
  if (open + needed <= limit) return {};
  return failure(
      ExitCode::kOsError,
      fmt::format("{} descriptors are open, and an upgrade needs {} more; the limit is {} (ulimit -n)", open,
                  needed, limit));
}

}  // namespace

ProgramChange::ProgramChange(Loop& loop, Reaper& reaper, std::string path, std::vector<std::string> arguments,
                             int program, Handlers handlers)
    : loop_(loop),
      reaper_(reaper),
      path_(std::move(path)),
      arguments_(std::move(arguments)),
      program_(program),
      handlers_(std::move(handlers)) {}

void ProgramChange::begin(std::chrono::milliseconds timeout) {
  auto program = open_program(path_);
  if (!program) return fail(program.error());
  const auto state = handlers_.record();
  if (auto room = check_room_for_copies(state); !room) return fail(room.error());
  const auto state_file = make_state_file(to_text(state));
  if (!state_file) return fail(state_file.error());
  next_ = std::move(*program);
  auto preflight = Preflight::start(loop_, reaper_, next_.get(), state_file->get(), arguments_, timeout,
                                    [this](const Result<void>& done) { on_preflight(done); });
  if (!preflight) return fail({preflight.error().code, printable(path_) + ": " + preflight.error().text});
  preflight_ = std::move(*preflight);
}

/// The rest happens outside of the loop: it has to turn once more, with no signal coming in any more.
void ProgramChange::on_preflight(const Result<void>& done) {
  preflight_.reset();
  if (handlers_.is_off()) return;
  if (!done) return fail(done.error());
  is_due_ = true;
  loop_.stop();
}

void ProgramChange::go_back() {
  next_ = std::move(former_);
  goes_back_ = is_due_ = true;
  loop_.stop();
}

void ProgramChange::carry_out() {
  is_due_ = false;
  // From here on signals wait, for the next program if all goes well; those that were caught before are heard
  // now.
  hold_signals();
  loop_.turn_once();
  if (handlers_.is_off()) return release_signals();
  const auto state = handlers_.record();
  const auto state_file = make_state_file(to_text(state));
  const auto executed =
      state_file ? execute(*state_file, state.descriptors()) : tl::unexpected(state_file.error());
  release_signals();
  fail(executed.error());
}

/// Returns only if it fails, with everything as it was.
Result<void> ProgramChange::execute(const UniqueFd& state_file, const std::vector<int>& descriptors) {
  const UpgradeCall call{UpgradeCall::Purpose::kTakeOver, state_file.get(), next_.get(),
                         goes_back_ ? -1 : program_, arguments_};
  auto kept = descriptors;
  kept.insert(kept.end(), {call.state, call.program});
  if (call.fallback >= 0) kept.push_back(call.fallback);
  keep_over_execve(kept, true);
  execute_upgrade(call);
  const auto error = system_failure("execute " + printable(path_), errno);
  keep_over_execve(kept, false);
  return error;
}

void ProgramChange::fail(const Error& error) {
  goes_back_ = false;
  next_.reset();
  handlers_.on_failure(error);
}

}  // namespace tcp_echo
