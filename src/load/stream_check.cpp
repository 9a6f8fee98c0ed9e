#include "tcp_echo/load/stream_check.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tcp_echo {
namespace {

/// How far back a server may plausibly repeat itself, and how many bytes are doubted before the first of them
/// is given up.
constexpr std::uint64_t kLookBack = 256UL * 1024;
constexpr std::size_t kMostDoubt = 64UL * 1024;
/// With fewer bytes at the end of what was sent a place cannot be told.
constexpr std::size_t kShortestAnchor = 4;

}  // namespace

std::size_t StreamCheck::take_equal(std::span<const std::byte> bytes) noexcept {
  std::size_t taken = 0;
  while (taken < bytes.size() && next_ < sent_) {
    const auto wanted = std::min<std::uint64_t>(bytes.size() - taken, sent_ - next_);
    const auto expected = pattern_->at(next_, static_cast<std::size_t>(wanted));
    const auto given = bytes.subspan(taken, expected.size());
    if (std::memcmp(given.data(), expected.data(), expected.size()) != 0) {
      const auto differs = std::mismatch(given.begin(), given.end(), expected.begin()).first;
      const auto equal = static_cast<std::size_t>(differs - given.begin());
      next_ += equal;
      return taken + equal;
    }
    next_ += expected.size();
    taken += expected.size();
  }
  return taken;
}

void StreamCheck::received(std::span<const std::byte> bytes) {
  if (doubt_.empty()) bytes = bytes.subspan(take_equal(bytes));
  if (bytes.empty()) return;
  doubt_.erase(doubt_.begin(), doubt_.begin() + static_cast<std::ptrdiff_t>(std::exchange(dropped_, 0)));
  doubt_.insert(doubt_.end(), bytes.begin(), bytes.end());
  resolve();
}

/// Finds the first place in the doubted bytes from which on they fit again.
void StreamCheck::resolve() {
  while (!doubt().empty()) {
    bool found = false;
    while (!found && searched_ + kAnchor <= doubt().size()) found = resolve_at(searched_++, kAnchor);
    if (found) continue;
    // All that was sent is here, so nothing more will come that could tell.
    if (outstanding() <= doubt().size()) return give_up_on_doubt();
    if (doubt().size() <= kMostDoubt) return;
    const auto old = doubt().size() - kAnchor;  // an anchor may have begun in the last ones
    book(old, next_ + old);
    drop_doubt(old);
  }
}

/// Whether the stream goes on with the doubted byte at `offset`. If so, what is before it is settled, and
/// what follows is taken as far as it is right.
bool StreamCheck::resolve_at(std::size_t offset, std::size_t anchor) {
  const auto first = next_ - std::min(next_ - start_, kLookBack);
  const auto position = pattern_->find(doubt().subspan(offset, anchor), next_ + offset, first, sent_);
  if (!position) return false;
  book(offset, *position);
  drop_doubt(offset + take_equal(doubt().subspan(offset)));
  return true;
}

std::span<const std::byte> StreamCheck::doubt() const noexcept { return std::span(doubt_).subspan(dropped_); }

void StreamCheck::drop_doubt(std::size_t bytes) {
  dropped_ += bytes;
  searched_ = 0;
  if (dropped_ < doubt_.size()) return;
  doubt_.clear();
  dropped_ = 0;
}

/// The first `offset` doubted bytes stand where the stream has those from next_ to `position`.
void StreamCheck::book(std::size_t offset, std::uint64_t position) noexcept {
  if (position < next_) {  // it goes back: all of them are extra, and so is what comes a second time
    faults_.extra += offset + (next_ - position);
    next_ = position;
    return;
  }
  const auto skipped = position - next_;
  const auto replaced = std::min<std::uint64_t>(skipped, offset);
  for (std::uint64_t i = 0; i < replaced; ++i) {
    if (doubt()[static_cast<std::size_t>(i)] != pattern_->at(next_ + i, 1).front()) ++faults_.wrong;
  }
  faults_.missing += skipped - replaced;
  faults_.extra += offset - replaced;
  next_ = position;
}

/// Everything that was sent has its counterpart in what came, or will never have one. Of the doubted bytes an
/// anchor was looked for wherever there are enough of them, so it is only at the very end, with fewer, that
/// they may still turn out to be right.
void StreamCheck::give_up_on_doubt() {
  // Of a whole stream that goes on nothing can be right any more.
  for (auto offset = searched_; outstanding() > 0 && offset + kShortestAnchor <= doubt().size(); ++offset) {
    if (resolve_at(offset, doubt().size() - offset)) return;
  }
  const auto replaced = std::min<std::uint64_t>(doubt().size(), outstanding());
  book(static_cast<std::size_t>(replaced), next_ + replaced);
  faults_.extra += doubt().size() - replaced;
  drop_doubt(doubt().size());
}

void StreamCheck::finish() {
  if (!doubt().empty()) give_up_on_doubt();
  faults_.missing += outstanding();
  next_ = sent_;
}

}  // namespace tcp_echo
