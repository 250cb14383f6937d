// What the parts of a transform have in common. Included once for each target.

#if defined(SCATLIGHT_CPU_WORKSPACE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_WORKSPACE_INL_H_
#undef SCATLIGHT_CPU_WORKSPACE_INL_H_
#else
#define SCATLIGHT_CPU_WORKSPACE_INL_H_
#endif

#include "cpu/fft-inl.h"
#include "cpu/low_pass-inl.h"
#include "cpu/tables.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

// The tables of a plan and a thread's scratch buffers, for one plane or a pack of `planes` planes, whose
// images and maps stand one after the other; and the FFTs on these buffers.
template <class D, int BlockSize>
struct Workspace {
  using T = Real<D>;
  static constexpr int lanes = hn::MaxLanes(D());
  static constexpr std::size_t element = 2 * lanes;
  static constexpr std::size_t block_values = BlockSize * element;
  static constexpr int column_step = lanes / BlockSize;  // values from column to column, if they are in lanes

  const Tables<T>& tables;
  const Scratch<T> scratch;
  const int planes;

  HWY_INLINE std::size_t image_size() const {
    return std::size_t(tables.options.height) * tables.options.width;
  }
  HWY_INLINE std::size_t map_size() const {
    return std::size_t(tables.geometry.rows.output) * tables.geometry.columns.output;
  }
  HWY_INLINE std::size_t features_size() const { return tables.maps * map_size(); }

  // The vectors of a block of real rows of the plane from a column on; y is counted from the first row of the
  // tiles beside each other.
  HWY_INLINE T* row(const Level<T>& level, int y, int column) const {
    return scratch.row_ring + (y / BlockSize & level.ring_mask) * level.ring_stride +
           (level.horizontal.radius + column) * lanes;
  }

  template <class Source, class Sink>
  HWY_INLINE HWY_ATTR void forward_fft(const FftPlan<T>& plan, const Source& source, const Sink& sink) const {
    transform<Direction::Forward>(D(), plan, source, Buffer<D>{scratch.work}, scratch.prime, sink);
  }
  template <class Source, class Sink>
  HWY_INLINE HWY_ATTR void inverse_fft(const FftPlan<T>& plan, const Source& source, const Sink& sink) const {
    transform<Direction::Inverse>(D(), plan, source, Buffer<D>{scratch.work}, scratch.prime, sink);
  }
  HWY_INLINE LineLowPass<D> low_pass() const { return {scratch.line, scratch.work, scratch.prime}; }
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
