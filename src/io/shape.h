#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace scatlight::io {

/// The number of elements of an array of this shape; nothing when a dimension is negative or when the
/// elements take more than `largest_bytes` at `element_size` bytes each. A dimension of 0 makes it 0 whatever
/// the others.
inline std::optional<std::int64_t> element_count(
    std::span<const std::int64_t> shape, std::size_t element_size,
    std::uint64_t largest_bytes = std::numeric_limits<std::int64_t>::max()) {
  bool is_empty = false;
  for (const auto length : shape) {
    if (length < 0) return std::nullopt;
    is_empty = is_empty || length == 0;
  }
  if (is_empty) return 0;
  std::uint64_t room = largest_bytes / element_size;
  std::int64_t count = 1;
  if (room == 0) return std::nullopt;
  for (const auto length : shape) {
    room /= static_cast<std::uint64_t>(length);
    if (room == 0) return std::nullopt;
    count *= length;
  }
  return count;
}

}  // namespace scatlight::io
