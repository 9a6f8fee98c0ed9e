// A short text in shared memory: one writer, readers at any time. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tcp_echo {

/// Holds what fits into `Bytes`, cut at a character's border (UTF-8). A reader that comes while it is written
/// may see a mixture; what must not be mixed is guarded by a number beside it, as in a SharedRing.
template <std::size_t Bytes>
class SharedText {
  static_assert(Bytes % sizeof(std::uint64_t) == 0, "it is kept in words");

 public:
  void set(std::string_view text) noexcept {
    text = text.substr(0, fitting(text));
    for (std::size_t i = 0; i < words_.size(); ++i) {
      std::uint64_t word = 0;
      const auto begin = std::min(i * sizeof word, text.size());
      const auto part = text.substr(begin, sizeof word);
      if (!part.empty()) std::memcpy(&word, part.data(), part.size());
      words_[i].store(word, std::memory_order_release);
    }
  }

  std::string get() const {
    std::string text(Bytes, '\0');
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const auto word = words_[i].load(std::memory_order_acquire);
      std::memcpy(&text[i * sizeof word], &word, sizeof word);
    }
    text.resize(std::min(text.find('\0'), text.size()));
    return text;
  }

 private:
  static std::size_t fitting(std::string_view text) noexcept {
    if (text.size() <= Bytes) return text.size();
    std::size_t end = Bytes;
    const auto continues = [&text](std::size_t at) {
      return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
    };
    while (end > 0 && continues(end)) --end;
    return end;
  }

  std::array<std::atomic<std::uint64_t>, Bytes / sizeof(std::uint64_t)> words_{};
};

}  // namespace tcp_echo
