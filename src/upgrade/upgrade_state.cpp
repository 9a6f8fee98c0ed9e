#include "tcp_echo/upgrade/upgrade_state.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tcp_echo/base/endpoint.hpp"
#include "tcp_echo/base/text.hpp"
#include "tcp_echo/ipc/scoreboard.hpp"

namespace tcp_echo {
namespace {

using Json = nlohmann::json;

/// A path, and what a client sends, is any bytes; JSON has text, which is UTF-8. What is not is told in
/// numbers.
Json json_of_bytes(const std::string& bytes) {
  if (is_utf8(bytes)) return bytes;
  return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
}

Json json_of(const ChildRecord& worker) {
  Json json = {{"pid", worker.pid},
               {"block", worker.block},
               {"control", worker.control},
               {"protocol", worker.protocol},
               {"started_at", worker.started_at.count()},
               {"ready_at", worker.ready_at.count()}};
  if (worker.generation) json["generation"] = *worker.generation;
  if (worker.watchdog) json["watchdog"] = worker.watchdog->count();
  return json;
}

Json json_of(const KeeperRecord& kept) {
  Json json = {{"leavers", Json::array()}};
  for (const auto& leaver : kept.leavers) json["leavers"].push_back(json_of(leaver));
  if (kept.child) json["child"] = json_of(*kept.child);
  return json;
}

Json json_of(const SlotRecord& slot) {
  Json json = {{"state", name_of(slot.state)}, {"needs_borrower", slot.needs_borrower}};
  if (slot.worker) json["worker"] = json_of(*slot.worker);
  if (slot.borrower) json["borrower"] = *slot.borrower;
  return json;
}

Json json_of(const LeaverRecord& leaver) {
  return {{"slot", leaver.slot}, {"stage", name_of(leaver.stage)}, {"worker", json_of(leaver.worker)}};
}

Json json_of(const Job& job) {
  Json json = {{"kind", name_of(job.kind)},
               {"by", job.by},
               {"slot", job.slot},
               {"worker", job.worker},
               {"is_tried_until_done", job.is_tried_until_done},
               {"waiting", job.waiting}};
  if (job.workers) json["workers"] = *job.workers;
  return json;
}

Json json_of(const AddressRecord& address) {
  return {
      {"wanted", address.wanted}, {"bound", address.bound}, {"sockets", address.sockets}, {"id", address.id}};
}

Json json_of(const ControlSessionRecord& session) {
  return {{"fd", session.fd},
          {"ticket", session.ticket},
          {"input", json_of_bytes(session.input)},
          {"output", json_of_bytes(session.output)},
          {"request", json_of_bytes(session.request)},
          {"has_finished", session.has_finished}};
}

template <class T>
Json array_of(const std::vector<T>& values) {
  auto array = Json::array();
  for (const auto& value : values) array.push_back(json_of(value));
  return array;
}

Json json_of(const ControlRecord& control) {
  return {{"path", json_of_bytes(control.path)},
          {"device", control.device},
          {"inode", control.inode},
          {"fd", control.fd},
          {"last_ticket", control.last_ticket},
          {"sessions", array_of(control.sessions)}};
}

// From here on: nlohmann throws where something is missing or of another type.

std::string bytes_from(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  const auto bytes = json.get<std::vector<std::uint8_t>>();
  return {bytes.begin(), bytes.end()};
}

ChildRecord worker_from(const Json& json) {
  ChildRecord worker{.pid = json.at("pid").get<pid_t>(),
                     .block = json.at("block").get<std::size_t>(),
                     .control = json.at("control").get<int>(),
                     .protocol = json.at("protocol").get<unsigned>(),
                     .started_at = std::chrono::milliseconds(json.at("started_at").get<std::int64_t>()),
                     .ready_at = std::chrono::milliseconds(json.at("ready_at").get<std::int64_t>())};
  if (json.contains("generation")) worker.generation = json.at("generation").get<unsigned>();
  if (json.contains("watchdog"))
    worker.watchdog = std::chrono::milliseconds(json.at("watchdog").get<std::int64_t>());
  return worker;
}

template <class T, std::size_t N>
T one_named(const std::array<T, N>& all, const std::string& name) {
  const auto* const found =
      std::find_if(all.begin(), all.end(), [&name](T each) { return name_of(each) == name; });
  if (found == all.end()) throw std::invalid_argument("nothing can be " + name);
  return *found;
}

SlotRecord slot_from(const Json& json) {
  SlotRecord slot;
  slot.state = one_named(kSlotStates, json.at("state").get<std::string>());
  slot.needs_borrower = json.at("needs_borrower").get<bool>();
  if (json.contains("worker")) slot.worker = worker_from(json.at("worker"));
  if (json.contains("borrower")) slot.borrower = json.at("borrower").get<std::size_t>();
  return slot;
}

LeaverRecord leaver_from(const Json& json) {
  return {json.at("slot").get<unsigned>(), one_named(kLeaverStages, json.at("stage").get<std::string>()),
          worker_from(json.at("worker"))};
}

Job job_from(const Json& json) {
  Job job{.kind = one_named(Job::kKinds, json.at("kind").get<std::string>()),
          .by = json.at("by").get<int>(),
          .slot = json.at("slot").get<unsigned>(),
          .worker = json.at("worker").get<pid_t>(),
          .is_tried_until_done = json.at("is_tried_until_done").get<bool>(),
          .waiting = json.at("waiting").get<std::vector<Ticket>>()};
  if (json.contains("workers")) job.workers = json.at("workers").get<unsigned>();
  return job;
}

ControlSessionRecord session_from(const Json& json) {
  return {json.at("fd").get<int>(),       json.at("ticket").get<Ticket>(),
          bytes_from(json.at("input")),   bytes_from(json.at("output")),
          bytes_from(json.at("request")), json.at("has_finished").get<bool>()};
}

AddressRecord address_from(const Json& json) {
  return {json.at("wanted").get<std::string>(), json.at("bound").get<std::string>(),
          json.at("sockets").get<std::vector<int>>(), json.value("id", ListenerId{0})};
}

template <class T>
std::vector<T> vector_from(const Json& array, T (*from)(const Json&)) {
  std::vector<T> values;
  values.reserve(array.size());
  for (const auto& json : array) values.push_back(from(json));
  return values;
}

KeeperRecord keeper_from(const Json& json) {
  KeeperRecord kept{.leavers = vector_from(json.at("leavers"), worker_from)};
  if (json.contains("child")) kept.child = worker_from(json.at("child"));
  return kept;
}

ControlRecord control_from(const Json& json) {
  return {bytes_from(json.at("path")),           json.at("device").get<std::uint64_t>(),
          json.at("inode").get<std::uint64_t>(), json.at("fd").get<int>(),
          json.at("last_ticket").get<Ticket>(),  vector_from(json.at("sessions"), session_from)};
}

UpgradeState state_from(const Json& json) {
  UpgradeState state;
  state.program = bytes_from(json.at("program"));
  state.folder = bytes_from(json.at("folder"));
  state.configuration = json.at("configuration").get<std::string>();
  state.generation = json.at("generation").get<unsigned>();
  state.workers = json.at("workers").get<unsigned>();
  state.workers_are_set_by_hand = json.at("workers_are_set_by_hand").get<bool>();
  state.log_level_set_by_hand = json.at("log_level_set_by_hand").get<std::string>();
  state.scoreboard = json.at("scoreboard").get<int>();
  state.log = json.at("log").get<int>();
  state.pid_file = json.at("pid_file").get<int>();
  state.listeners_are_inherited = json.at("listeners_are_inherited").get<bool>();
  state.addresses = vector_from(json.at("addresses"), address_from);
  state.next_listener_id = json.value("next_listener_id", ListenerId{1});
  // A former program may have known of no admin process.
  if (json.contains("admin")) {
    const auto& admin = json.at("admin");
    state.admin_addresses = vector_from(admin.at("addresses"), address_from);
    state.admin = keeper_from(admin.at("process"));
  }
  state.fleet.slots = vector_from(json.at("slots"), slot_from);
  state.fleet.leavers = vector_from(json.at("leavers"), leaver_from);
  state.jobs = vector_from(json.at("jobs"), job_from);
  state.waiting = json.at("waiting").get<std::vector<Ticket>>();
  state.failure = json.at("failure").get<std::string>();
  state.control = control_from(json.at("control"));
  return state;
}

/// What would lead a master astray.
Result<void> check(const UpgradeState& state) {
  const auto wrong = [](std::string_view what) {
    return failure(ExitCode::kConfig, fmt::format("the state to take over has {}", what));
  };
  if (state.fleet.slots.size() > kMostSlots || state.workers == 0 || state.workers > state.fleet.slots.size())
    return wrong("no sensible number of workers");
  for (const auto* const addresses : {&state.addresses, &state.admin_addresses}) {
    for (const auto& address : *addresses) {
      for (const auto& text : {address.wanted, address.bound}) {
        if (!Endpoint::parse(text)) return wrong("no address in " + in_quotes(text));
      }
    }
  }
  for (const auto& slot : state.fleet.slots) {
    if (slot.borrower && *slot.borrower >= state.fleet.slots.size()) return wrong("a loan to no slot");
    if (slot.worker && slot.worker->block >= kMostBlocks) return wrong("a worker without a block");
  }
  for (const auto& leaver : state.fleet.leavers) {
    if (leaver.slot >= state.fleet.slots.size() || leaver.worker.block >= kMostBlocks)
      return wrong("a worker that belongs nowhere");
  }
  for (const auto& job : state.jobs) {
    if (job.slot >= kMostSlots) return wrong("a job of no slot");
  }
  return {};
}

}  // namespace

std::vector<int> UpgradeState::descriptors() const {
  std::vector<int> all = {scoreboard, log, pid_file, control.fd};
  for (const auto* const group : {&addresses, &admin_addresses})
    for (const auto& address : *group) all.insert(all.end(), address.sockets.begin(), address.sockets.end());
  if (admin.child) all.push_back(admin.child->control);
  for (const auto& leaver : admin.leavers) all.push_back(leaver.control);
  for (const auto& slot : fleet.slots) {
    if (slot.worker) all.push_back(slot.worker->control);
  }
  for (const auto& leaver : fleet.leavers) all.push_back(leaver.worker.control);
  for (const auto& session : control.sessions) all.push_back(session.fd);
  std::erase(all, -1);
  return all;
}

std::string to_text(const UpgradeState& state) {
  const Json json = {
      {"format", kUpgradeFormat},
      {"scoreboard_version", kScoreboardVersion},
      {"program", json_of_bytes(state.program)},
      {"folder", json_of_bytes(state.folder)},
      {"configuration", state.configuration},
      {"generation", state.generation},
      {"workers", state.workers},
      {"workers_are_set_by_hand", state.workers_are_set_by_hand},
      {"log_level_set_by_hand", state.log_level_set_by_hand},
      {"scoreboard", state.scoreboard},
      {"log", state.log},
      {"pid_file", state.pid_file},
      {"listeners_are_inherited", state.listeners_are_inherited},
      {"addresses", array_of(state.addresses)},
      {"next_listener_id", state.next_listener_id},
      {"admin", {{"addresses", array_of(state.admin_addresses)}, {"process", json_of(state.admin)}}},
      {"slots", array_of(state.fleet.slots)},
      {"leavers", array_of(state.fleet.leavers)},
      {"jobs", array_of(state.jobs)},
      {"waiting", state.waiting},
      {"failure", state.failure},
      {"control", json_of(state.control)}};
  // Whatever is no UTF-8 all the same: a running master does not throw.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<UpgradeState> parse_upgrade_state(std::string_view text) {
  try {
    const auto json = Json::parse(text);
    const auto format = json.at("format").get<unsigned>();
    if (format != kUpgradeFormat) {
      return failure(
          ExitCode::kConfig,
          fmt::format("the state to take over has format {}, this program knows {}", format, kUpgradeFormat));
    }
    const auto version = json.at("scoreboard_version").get<std::uint32_t>();
    if (version != kScoreboardVersion) {
      return failure(ExitCode::kConfig, fmt::format("the scoreboard has version {}, this program knows {}",
                                                    version, kScoreboardVersion));
    }
    auto state = state_from(json);
    if (auto checked = check(state); !checked) return tl::unexpected(checked.error());
    return state;
  } catch (const std::exception& error) {
    return failure(ExitCode::kConfig, fmt::format("the state to take over makes no sense: {}", error.what()));
  }
}

}  // namespace tcp_echo
