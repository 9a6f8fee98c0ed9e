// Counts every allocation of this program, libuv's too. It replaces the global operator new: one file of a
// program includes it.
//
// Threads may allocate as well; what they do is counted together.
//
// Under Valgrind none of this is called, for Valgrind puts its own in place: see counts().
#pragma once

#include <malloc.h>
#include <uv.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace tcp_echo::test {

struct Allocations {
  std::atomic<std::size_t> calls = 0;
  std::atomic<std::size_t> live_bytes = 0;
  std::atomic<bool> fail_next_nothrow = false;
};
inline Allocations allocations;

/// While it lives, the next new (std::nothrow) gets nothing.
struct NextNothrowFails {
  NextNothrowFails() { allocations.fail_next_nothrow = true; }
  NextNothrowFails(const NextNothrowFails&) = delete;
  NextNothrowFails& operator=(const NextNothrowFails&) = delete;
  ~NextNothrowFails() { allocations.fail_next_nothrow = false; }
};

inline void* counted_allocation(void* memory) noexcept {
  if (memory != nullptr) {
    ++allocations.calls;
    allocations.live_bytes += ::malloc_usable_size(memory);
  }
  return memory;
}

inline void counted_free(void* memory) noexcept {
  if (memory != nullptr) allocations.live_bytes -= ::malloc_usable_size(memory);
  std::free(memory);
}

inline void* counted_new(std::size_t size) {
  void* const memory = counted_allocation(std::malloc(size == 0 ? 1 : size));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

inline void* counted_new(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  void* const memory = counted_allocation(std::aligned_alloc(align, (size + align - 1) / align * align));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

inline void* counted_new_nothrow(std::size_t size) noexcept {
  if (allocations.fail_next_nothrow.exchange(false)) return nullptr;
  return counted_allocation(std::malloc(size == 0 ? 1 : size));
}

/// Before main(), for libuv takes another allocator only as long as it has used none.
inline const int kUvAllocatorReplaced = uv_replace_allocator(
    [](std::size_t size) { return counted_allocation(std::malloc(size)); },
    [](void* memory, std::size_t size) {
      if (memory != nullptr) allocations.live_bytes -= ::malloc_usable_size(memory);
      return counted_allocation(std::realloc(memory, size));
    },
    [](std::size_t count, std::size_t size) { return counted_allocation(std::calloc(count, size)); },
    counted_free);

/// Whether allocations are seen at all.
[[gnu::noinline]] inline bool counts() {
  const std::size_t before = allocations.calls;
  ::operator delete(::operator new(1));
  return allocations.calls != before;
}

}  // namespace tcp_echo::test

// Not inline, or one half of a pair would be Valgrind's and the other ours.
// NOLINTBEGIN(misc-definitions-in-headers): see above, one file of a program includes this.
[[gnu::noinline]] void* operator new(std::size_t size) { return tcp_echo::test::counted_new(size); }
[[gnu::noinline]] void* operator new[](std::size_t size) { return tcp_echo::test::counted_new(size); }
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return tcp_echo::test::counted_new(size, alignment);
}
[[gnu::noinline]] void* operator new[](std::size_t size, std::align_val_t alignment) {
  return tcp_echo::test::counted_new(size, alignment);
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return tcp_echo::test::counted_new_nothrow(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return tcp_echo::test::counted_new_nothrow(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { tcp_echo::test::counted_free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { tcp_echo::test::counted_free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  tcp_echo::test::counted_free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept {
  tcp_echo::test::counted_free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  tcp_echo::test::counted_free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::align_val_t) noexcept {
  tcp_echo::test::counted_free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  tcp_echo::test::counted_free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  tcp_echo::test::counted_free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept {
  tcp_echo::test::counted_free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  tcp_echo::test::counted_free(memory);
}
// NOLINTEND(misc-definitions-in-headers)
