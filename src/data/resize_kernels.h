#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace scatlight::data {

/// Pixels times weights in fixed point: 8 bits of pixel and 2 of headroom leave 22 of 32.
inline constexpr int resize_fraction_bits = 22;

/// The source pixels that make each output pixel along one axis, and their weights.
struct Taps {
  int most = 0;                      ///< Weights reserved for each output pixel.
  std::vector<int> first;            ///< First source pixel of each output pixel; never decreases.
  std::vector<int> count;            ///< Source pixels of each output pixel, 1 to `most`.
  std::vector<std::int32_t> weight;  ///< (output pixels, most), times 2^resize_fraction_bits.

  std::span<const std::int32_t> weights(std::size_t output) const {
    return std::span(weight).subspan(output * static_cast<std::size_t>(most),
                                     static_cast<std::size_t>(count[output]));
  }
};

/// The two inner loops of resizing, for one instruction set. All give the same bytes.
struct ResizeKernels {
  std::string_view name;

  /// Along a row of RGB pixels. One byte after the last source pixel must be readable.
  void (*along_row)(const std::uint8_t* source, const Taps& taps, std::uint8_t* target);

  /// Across rows: one row of `length` bytes from as many rows as there are weights, `pitch` bytes apart.
  void (*across_rows)(const std::uint8_t* rows, std::ptrdiff_t pitch, std::span<const std::int32_t> weights,
                      std::size_t length, std::uint8_t* target);
};

/// What this build and this processor can run, slowest first; the first is plain C++.
const std::vector<ResizeKernels>& available_resize_kernels();

}  // namespace scatlight::data
