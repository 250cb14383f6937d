#pragma once

#include <cstddef>
#include <vector>

#include "core/geometry.h"
#include "cpu/band.h"
#include "cpu/packing.h"
#include "cpu/tiling.h"

namespace scatlight::cpu {

/// Deals out a piece of memory from its beginning, in whole cache lines. One without memory only counts.
template <class T>
class Arena {
 public:
  explicit Arena(T* memory = nullptr) : memory_(memory) {}

  T* take(std::size_t values) {
    constexpr std::size_t step = 64;  // values: whole cache lines, whatever T is
    const std::size_t at = used_;
    used_ += (values + step - 1) / step * step;
    return memory_ == nullptr ? nullptr : memory_ + at;
  }
  std::size_t used() const { return used_; }

 private:
  T* memory_;
  std::size_t used_ = 0;
};

/// A forward pass needs less memory than one backward, which includes it.
enum class Pass { Forward, Backward };

/// How many values of T the buffers of a Scratch have: the most that any tile and level needs.
template <class T>
struct ScratchSizes {
  ScratchSizes(const ScatteringOptions& resolved, const Geometry& geometry,
               const std::vector<Tiling<T>>& tilings, const std::vector<Band<T>>& modulus_bands,
               Packing packing);

  std::size_t plane = 0;
  std::size_t line = 0;
  std::size_t work = 0;
  std::size_t prime = 0;
  std::size_t row_ring = 0;
  std::size_t row = 0;
  std::size_t blocks_averaged = 1;  ///< at once
  std::size_t averages;             ///< of one block: a vector for each output column, in whole blocks
  std::size_t output_stride;        ///< from row to row of averaged rows and maps
  std::size_t rows_before = 0;      ///< what phi_J reads before the averaged rows
  std::size_t rows = 0;             ///< averaged rows and what phi_J reads after them
  std::size_t map_rows;
  std::size_t images = 0;
  std::size_t half = 0;
  std::size_t spectrum = 0;
  std::size_t folded = 0;
  std::size_t second_plane = 0;
  std::size_t modulus_gradient = 0;
  bool second_order;

 private:
  void include(const Level<T>& level, bool has_spectra, bool is_tiled, Packing packing);
  void include(const FftPlan<T>& plan, std::size_t element);
};

/// The buffers of a thread. An element is a complex number for each lane.
template <class T>
struct Scratch {
  Scratch(const ScratchSizes<T>& sizes, Pass pass, Arena<T>& arena);

  T* plane;         ///< planes of a group of paths, between columns and rows
  T* line;          ///< elements of a block of rows, or of rows of a block of columns
  T* work;          ///< for transform()
  T* prime;         ///< for transform()
  T* row_ring;      ///< Level::ring_blocks blocks of real rows
  T* averages;      ///< one or two blocks of rows after the horizontal low-pass
  T* average_rows;  ///< row 0 of the averaged rows of a plane or strip, `averages` transposed
  T* map;           ///< (output height, output_stride)
  T* images;        ///< (image height, image width, lanes) if lanes are planes
  T* pair;          ///< elements of two blocks of real rows, or as `line`
  T* half;      ///< (height, half_stride): the half spectrum's stored columns, after the transform of rows
  T* spectrum;  ///< two planes (height, spectrum_stride), re and im: the half spectrum, or its gradient
  T* folded;    ///< the spectra of a modulus, for order 2

  // Backward only:
  T* row = nullptr;               ///< real vectors of a block of rows of a tile
  T* second_plane = nullptr;      ///< as `plane`, of a path of order 2
  T* folded_gradient = nullptr;   ///< as `folded`
  T* modulus_gradient = nullptr;  ///< (height, columns): of |x * psi|, by blocks of rows; for order 2
};

/// Values of T that the memory of a Scratch has.
template <class T>
std::size_t scratch_size(const ScratchSizes<T>& sizes, Pass pass) {
  Arena<T> arena;
  Scratch<T>(sizes, pass, arena);
  return arena.used();
}
template <class T>
Scratch<T> make_scratch(const ScratchSizes<T>& sizes, Pass pass, T* memory) {
  Arena<T> arena(memory);
  return {sizes, pass, arena};
}

}  // namespace scatlight::cpu
