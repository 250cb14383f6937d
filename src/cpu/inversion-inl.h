// The two ways from a spectrum to |x * psi|, and back, behind one interface. Included once for each target.
//
//   first_half(spectra, planes)                    x^ psi^ of a group's paths, transformed halfway
//   moduli(planes, path, block, to)                BlockSize rows of |x * psi| as lanes
//   differentiate(gradient, planes, path, block)   back from the gradient of these rows, in place
//   clear(planes, path, block)                     the same for a gradient of zero
//   add_first_half(spectra, planes, gradients, sums)
//                                                  the adjoint of first_half; the planes are lost. Adds what
//                                                  wavelets get to a band's sums, unless these are empty
//
//   blocks()                 blocks of BlockSize rows
//   reaches(block, height)   whether a block has rows before `height`; those that have come first
//   rows_of(block)           by lanes, the rows that it has

#if defined(SCATLIGHT_CPU_INVERSION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_INVERSION_INL_H_
#undef SCATLIGHT_CPU_INVERSION_INL_H_
#else
#define SCATLIGHT_CPU_INVERSION_INL_H_
#endif

#include <span>

#include "cpu/plane_columns-inl.h"
#include "cpu/plane_rows-inl.h"
#include "cpu/vector_radix-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// Rows of a block in their natural order.
template <int BlockSize>
struct ConsecutiveRows {
  int first;

  HWY_INLINE int operator()(int lane) const { return first + lane; }
};

// FFTs of all columns, then of all rows.
template <class D, int BlockSize>
class RowColumnInversion {
  using T = Real<D>;

 public:
  RowColumnInversion(const Workspace<D, BlockSize>& workspace, const Band<T>& band, const PathGroup& group,
                     Prefetcher& prefetcher)
      : band_(band),
        group_(group),
        level_(workspace.tables.level_of(group)),
        columns_(workspace),
        rows_(workspace, prefetcher) {}

  HWY_INLINE int blocks() const { return (level_.height + BlockSize - 1) / BlockSize; }
  HWY_INLINE bool reaches(int block, int height) const { return block * BlockSize < height; }
  HWY_INLINE ConsecutiveRows<BlockSize> rows_of(int block) const { return {block * BlockSize}; }

  HWY_INLINE HWY_ATTR void first_half(const T* spectra, T* planes) const {
    columns_.transform(band_, group_, spectra, planes);
  }
  HWY_INLINE HWY_ATTR void moduli(T* planes, int path, int block, T* to) const {
    rows_.moduli(level_, plane(planes, path), block * BlockSize, to);
  }
  HWY_INLINE HWY_ATTR void differentiate(const T* gradient, T* planes, int path, int block) const {
    rows_.differentiate(level_, gradient, plane(planes, path), block * BlockSize);
  }
  HWY_INLINE void clear(T* planes, int path, int block) const {
    rows_.clear(level_, plane(planes, path), block * BlockSize);
  }
  HWY_INLINE HWY_ATTR void add_first_half(const T* spectra, T* planes, T* gradients,
                                          std::span<T> sums) const {
    columns_.differentiate(band_, group_, spectra, planes, gradients, sums);
  }

 private:
  HWY_INLINE T* plane(T* planes, int path) const { return planes + path * level_.plane_size; }

  const Band<T>& band_;
  const PathGroup& group_;
  const Level<T>& level_;
  const PlaneColumns<D, BlockSize> columns_;
  const PlaneRows<D, BlockSize> rows_;
};

#if HWY_TARGET == HWY_AVX3
// By a VectorRadixPlan. Its groups have one path, and each of its blocks has rows from the whole plane.
template <class D>
class VectorRadixInversion {
  using T = float;

 public:
  VectorRadixInversion(const Band<T>& band, const PathGroup& group, Prefetcher& prefetcher)
      : plan_(*band.vector_radix),
        filter_(band.vector_radix_filter(group.scale, group.angle)),
        sums_begin_(band.sums_begin(group.scale, group.angle)),
        transform_(plan_),
        prefetcher_(prefetcher) {}

  HWY_INLINE int blocks() const { return plan_.rows; }
  HWY_INLINE bool reaches(int block, int) const { return block < plan_.rows; }
  HWY_INLINE auto rows_of(int block) const { return plan_.rows_of(block); }

  HWY_INLINE HWY_ATTR void first_half(const T* spectra, T* plane) const {
    transform_.first_half(spectra, filter_, plane);
  }
  HWY_INLINE HWY_ATTR void moduli(const T* plane, int, int block, T* to) const {
    transform_.moduli(plane, block, to, prefetcher_);
  }
  HWY_INLINE HWY_ATTR void differentiate(const T* gradient, T* plane, int, int block) const {
    transform_.differentiate(gradient, plane, block, prefetcher_);
  }
  HWY_INLINE void clear(T*, int, int) const {}  // all blocks have rows
  HWY_INLINE HWY_ATTR void add_first_half(const T* spectra, T* plane, T* gradients, std::span<T> sums) const {
    transform_.add_first_half(spectra, plane, filter_, gradients,
                              sums.empty() ? sums : sums.subspan(sums_begin_));
  }

 private:
  const VectorRadixPlan& plan_;
  const VectorRadixFilter<T> filter_;
  const std::size_t sums_begin_;
  const VectorRadixTransform<D> transform_;
  Prefetcher& prefetcher_;
};
#endif

// What is read after a group is prefetched while its rows are transformed, a little with each block of a row
// or each butterfly.
template <class D, int BlockSize>
HWY_INLINE Prefetcher prefetcher_of(const Workspace<D, BlockSize>& workspace, const PathGroup& group,
                                    NextReads next) {
  const auto& level = workspace.tables.level_of(group);
  const int rows = (level.height + BlockSize - 1) / BlockSize;
  const int tiles = workspace.tables.tilings[group.tiling].tiles.columns.count;
  return {next, static_cast<std::size_t>(tiles * group.count * rows * level.blocks)};
}

// body(inversion) with that of a group.
template <class D, int BlockSize, class Body>
HWY_INLINE HWY_ATTR void with_inversion(const Workspace<D, BlockSize>& workspace, const Band<Real<D>>& band,
                                        const PathGroup& group, Prefetcher& prefetcher, const Body& body) {
  if constexpr (has_vector_radix<D, BlockSize>()) {
    if (group.inversion == Inversion::VectorRadix)
      return body(VectorRadixInversion<D>(band, group, prefetcher));
  }
  body(RowColumnInversion<D, BlockSize>(workspace, band, group, prefetcher));
}

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
