// The master's part in an upgrade: another program takes this process over, with all that it holds.
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "tcp_echo/base/limits.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/config/loader.hpp"
#include "tcp_echo/daemon/executable.hpp"
#include "tcp_echo/master/master.hpp"
#include "tcp_echo/upgrade/upgrade_call.hpp"

namespace tcp_echo {
namespace {

/// The state keeps its own: should the take-over fail, another program needs them.
UniqueFd copy_of(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw FatalError(system_error("take a descriptor over", errno));
  return copy;
}

Endpoint endpoint_from(const std::string& text) {
  const auto endpoint = Endpoint::parse(text);
  if (!endpoint)
    throw FatalError({ExitCode::kConfig, "the state to take over has no address in " + in_quotes(text)});
  return *endpoint;
}

ListenerSet listeners_from(const UpgradeState& state) {
  std::vector<ListenerSet::Address> addresses;
  for (const auto& record : state.addresses) {
    auto& address = addresses.emplace_back(
        ListenerSet::Address{endpoint_from(record.wanted), endpoint_from(record.bound), {}});
    for (const int socket : record.sockets)
      address.by_slot.push_back(socket < 0 ? nullptr : std::make_shared<const UniqueFd>(copy_of(socket)));
  }
  return ListenerSet::restore(std::move(addresses), state.listeners_are_inherited);
}

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

void close_all_but(const std::vector<int>& descriptors, int kept) {
  for (const int fd : descriptors) {
    if (fd != kept) ::close(fd);
  }
  keep_over_execve({kept}, false);
}

}  // namespace

void Master::upgrade() {
  is_busy_ = true;
  spdlog::info("upgrading: asking {} whether it can take over", printable(birth_.program));
  notifier_.reloading();
  auto program = open_program(birth_.program);
  if (!program) return fail_upgrade(program.error());
  scoreboard_.stamp();
  const auto state = record();
  if (auto room = check_room_for_copies(state); !room) return fail_upgrade(room.error());
  const auto state_file = make_state_file(to_text(state));
  if (!state_file) return fail_upgrade(state_file.error());
  next_program_ = std::move(*program);
  auto preflight =
      Preflight::start(loop_, reaper_, next_program_.get(), state_file->get(), birth_.arguments,
                       config().ready_timeout, [this](const Result<void>& done) { on_preflight(done); });
  if (!preflight)
    return fail_upgrade({preflight.error().code, printable(birth_.program) + ": " + preflight.error().text});
  preflight_ = std::move(*preflight);
}

/// The rest happens outside of the loop: it has to turn once more, with no signal coming in any more.
void Master::on_preflight(const Result<void>& done) {
  preflight_.reset();
  if (stopping_) return;
  if (!done) return fail_upgrade(done.error());
  is_to_be_replaced_ = true;
  loop_.stop();
}

/// It has served before, so nobody has to ask it.
void Master::go_back() {
  if (owes_reload_) agenda_.ask_for_reload();
  next_program_ = std::move(former_program_);
  is_going_back_ = true;
  is_to_be_replaced_ = true;
  loop_.stop();
}

void Master::replace_program() {
  is_to_be_replaced_ = false;
  // From here on signals wait, for the next program if all goes well; those that were caught before are heard
  // now.
  hold_signals();
  loop_.turn_once();
  if (stopping_) return release_signals();
  scoreboard_.stamp();
  const auto state = record();
  const auto state_file = make_state_file(to_text(state));
  const auto executed =
      state_file ? execute(*state_file, state.descriptors()) : tl::unexpected(state_file.error());
  release_signals();
  fail_upgrade(executed.error());
}

/// Returns only if it fails, with everything as it was.
Result<void> Master::execute(const UniqueFd& state_file, const std::vector<int>& descriptors) {
  const UpgradeCall call{UpgradeCall::Purpose::kTakeOver, state_file.get(), next_program_.get(),
                         is_going_back_ ? -1 : executable_.get(), birth_.arguments};
  auto kept = descriptors;
  kept.insert(kept.end(), {call.state, call.program});
  if (call.fallback >= 0) kept.push_back(call.fallback);
  keep_over_execve(kept, true);
  execute_upgrade(call);
  const auto error = system_failure("execute " + printable(birth_.program), errno);
  keep_over_execve(kept, false);
  return error;
}

void Master::fail_upgrade(const Error& error) {
  is_busy_ = false;
  is_going_back_ = false;
  next_program_.reset();
  scoreboard_.master().failed_reloads.add(1);
  spdlog::error("upgrade failed: {}; this program goes on as before", error.text);
  if (!stopping_) notifier_.ready(told_ = status());
  proceed();
}

UpgradeState Master::record() const {
  UpgradeState state;
  state.program = birth_.program;
  state.folder = birth_.folder;
  state.configuration = effective_toml(config());
  state.generation = generation_->number;
  state.workers = workers_;
  state.workers_are_set_by_hand = is_scaled_by_hand_;
  state.scoreboard = scoreboard_.fd();
  state.log = birth_.log_descriptor;
  state.pid_file = pid_file_ ? pid_file_->fd() : -1;
  state.listeners_are_inherited = generation_->listeners.is_inherited();
  for (const auto& address : generation_->listeners.addresses()) {
    auto& record =
        state.addresses.emplace_back(AddressRecord{address.wanted.text(), address.bound.text(), {}});
    for (const auto& socket : address.by_slot)
      record.sockets.push_back(socket == nullptr ? -1 : socket->get());
  }
  state.fleet = fleet_.record();
  state.upgrade_is_asked = agenda_.upgrade_is_asked();
  state.reload_is_asked = agenda_.reload_is_asked();
  state.workers_asked = agenda_.workers_asked();
  for (const auto& job : agenda_.restarts_asked()) state.restarts.push_back({job.slot, job.worker});
  for (const auto& job : failed_restarts_) state.restarts.push_back({job.slot, job.worker});
  return state;
}

Master::Holdings Master::receive(const MasterBirth& birth, const MasterInheritance& inheritance) {
  const auto& config = birth.config;
  const auto& state = inheritance.state;
  return {state.workers,
          value_or_throw(find_credentials(config.user, config.group)),
          std::nullopt,  // once nothing can fail any more: whoever drops it removes the file
          copy_of(inheritance.program),
          value_or_throw(Scoreboard::take_over(copy_of(state.scoreboard))),
          std::make_shared<const Generation>(Generation{state.generation, config, listeners_from(state)}),
          state.fleet.slots.size()};
}

Master::Master(MasterBirth birth, const MasterInheritance& inheritance)
    : Master(std::move(birth), receive(birth, inheritance)) {
  const auto& state = inheritance.state;
  fleet_.take_over(state.fleet);
  started_at_ = std::clamp(std::chrono::milliseconds(scoreboard_.master().started_at.load()),
                           std::chrono::milliseconds{}, loop_.now());
  const bool goes_back = inheritance.former < 0;
  if (!goes_back) former_program_ = copy_of(inheritance.former);
  if (state.pid_file >= 0) pid_file_.emplace(PidFile::take_over(config().pid_file, copy_of(state.pid_file)));
  close_all_but(state.descriptors(), birth_.log_descriptor);  // which goes on under its number
  is_up_ = true;
  put_up_addresses();
  is_scaled_by_hand_ = state.workers_are_set_by_hand;
  take_up_agenda(state);
  if (goes_back) {
    scoreboard_.master().failed_reloads.add(1);
    notifier_.ready(told_ = status());
    spdlog::error("the upgrade failed; this program goes on: {}", status());
  } else {
    spdlog::info("took over: {}", status());
  }
  proceed();
}

void Master::take_up_agenda(const UpgradeState& state) {
  if (state.upgrade_is_asked) agenda_.ask_for_upgrade();
  // It reloads in any case, to show that it can; what is asked for is owed all the same if that fails.
  owes_reload_ = state.reload_is_asked && former_program_;
  if (state.reload_is_asked && !owes_reload_) agenda_.ask_for_reload();
  agenda_.ask_for_workers(state.workers_asked);
  for (const auto& restart : state.restarts) agenda_.ask_for_restart(restart.slot, restart.worker);
}

}  // namespace tcp_echo
