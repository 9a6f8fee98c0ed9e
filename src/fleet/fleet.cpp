#include "tcp_echo/fleet/fleet.hpp"

#include <utility>

#include "page.hpp"

namespace tcp_echo {

Fleet::Fleet(Timekeeper& clock, Scoreboard& scoreboard, Launcher& launcher,
             std::shared_ptr<const Generation> generation, unsigned slots, Handlers handlers)
    : page_(std::make_unique<FleetPage>(clock, scoreboard, launcher, std::move(generation), slots,
                                        std::move(handlers))) {}
Fleet::~Fleet() = default;
void Fleet::start() { page_->start(); }
void Fleet::restore(const FleetRecord& record) { page_->restore(record); }
FleetRecord Fleet::record() const { return page_->record(); }
void Fleet::move(Movement movement) { page_->move(std::move(movement)); }
bool Fleet::is_moving() const { return page_->is_moving(); }
void Fleet::drain() { page_->drain(); }
void Fleet::stop() { page_->stop(); }
void Fleet::change_log(int descriptor, LogLevel level) { page_->change_log(descriptor, level); }
void Fleet::list_connections(const ConnectionQuery& query, OnConnectionPage on_page) {
  page_->list_connections(query, std::move(on_page));
}
std::shared_ptr<const Generation> Fleet::generation() const { return page_->generation(); }
bool Fleet::is_up() const noexcept { return page_->is_up(); }
bool Fleet::is_ending() const noexcept { return page_->is_ending(); }
std::size_t Fleet::ready_count() const { return page_->ready_count(); }
unsigned Fleet::slots_with_a_past() const noexcept { return page_->slots_with_a_past(); }
pid_t Fleet::worker_of(unsigned slot) const { return page_->worker_of(slot); }

}  // namespace tcp_echo
