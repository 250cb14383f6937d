#pragma once

#include <cstddef>
#include <cstdint>

namespace scatlight::cuda {

/// Deals out a piece of memory from its beginning. One without memory only counts.
class Arena {
 public:
  explicit Arena(void* memory = nullptr) : memory_(static_cast<std::byte*>(memory)) {}

  template <class U>
  U* take(std::int64_t count) {
    constexpr std::size_t alignment = 256;
    const std::size_t at = used_;
    used_ += (count * sizeof(U) + alignment - 1) / alignment * alignment;
    return memory_ == nullptr ? nullptr : reinterpret_cast<U*>(memory_ + at);
  }
  std::size_t used() const { return used_; }

 private:
  std::byte* memory_;
  std::size_t used_ = 0;
};

}  // namespace scatlight::cuda
