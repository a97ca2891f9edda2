// Flat arrays of numbers, aligned to cache lines.

#ifndef BITBUDGET_WORKER_ENGINE_BUFFER_H_
#define BITBUDGET_WORKER_ENGINE_BUFFER_H_

#include <cstddef>
#include <new>
#include <vector>

namespace bitbudget::worker {

// Alignment of buffers and of every matrix inside a flat buffer: one cache line,
// which is also the widest vector register.
inline constexpr std::size_t kAlignmentBytes = 64;

template <class T>
struct AlignedAllocator {
  using value_type = T;

  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}  // NOLINT: allocators convert

  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{kAlignmentBytes}));
  }
  void deallocate(T* pointer, std::size_t) {
    ::operator delete (pointer, std::align_val_t{kAlignmentBytes});
  }
  bool operator==(const AlignedAllocator&) const { return true; }
};

// Zero-filled when sized.
template <class T>
using Buffer = std::vector<T, AlignedAllocator<T>>;

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_ENGINE_BUFFER_H_
