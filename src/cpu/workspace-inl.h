// What the parts of the transform share. Included once for each instruction set.

#if defined(SCATLIGHT_CPU_WORKSPACE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_WORKSPACE_INL_H_
#undef SCATLIGHT_CPU_WORKSPACE_INL_H_
#else
#define SCATLIGHT_CPU_WORKSPACE_INL_H_
#endif

#include "cpu/fft-inl.h"
#include "cpu/tables.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR
template <class D>
HWY_INLINE HWY_ATTR void transpose(D, const Real<D>* from, std::size_t, Real<D>* to, std::size_t) {
  *to = *from;
}
#else

// Of each 16 bytes of the vector a part of another row: the first from `at`, the next from as many rows below
// as 16 bytes hold values, and so on.
template <class D>
HWY_INLINE HWY_ATTR hn::Vec<D> load_parts(D d, const Real<D>* at, std::size_t stride) {
  if constexpr (hn::MaxLanes(d) * sizeof(Real<D>) <= 16) {
    return hn::LoadU(d, at);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_parts(half, at + hn::Lanes(half) * stride, stride),
                       load_parts(half, at, stride));
  }
}

// to[c][r] = from[r][c] for lanes x lanes values; strides count values.
template <class D>
HWY_INLINE HWY_ATTR void transpose(D d, const Real<D>* from, std::size_t from_stride, Real<D>* to,
                                   std::size_t to_stride) {
  constexpr int lanes = hn::MaxLanes(d);
  constexpr int together = 16 / sizeof(Real<D>);
  for (int c = 0; c < lanes; c += together, from += together, to += together * to_stride) {
    if constexpr (together == 2) {
      const auto a = load_parts(d, from, from_stride);
      const auto b = load_parts(d, from + from_stride, from_stride);
      hn::StoreU(hn::InterleaveLower(d, a, b), d, to);
      hn::StoreU(hn::InterleaveUpper(d, a, b), d, to + to_stride);
    } else {
      const auto r0 = load_parts(d, from, from_stride);
      const auto r1 = load_parts(d, from + from_stride, from_stride);
      const auto r2 = load_parts(d, from + 2 * from_stride, from_stride);
      const auto r3 = load_parts(d, from + 3 * from_stride, from_stride);
      const auto even_low = hn::InterleaveLower(d, r0, r2);
      const auto odd_low = hn::InterleaveLower(d, r1, r3);
      const auto even_high = hn::InterleaveUpper(d, r0, r2);
      const auto odd_high = hn::InterleaveUpper(d, r1, r3);
      hn::StoreU(hn::InterleaveLower(d, even_low, odd_low), d, to);
      hn::StoreU(hn::InterleaveUpper(d, even_low, odd_low), d, to + to_stride);
      hn::StoreU(hn::InterleaveLower(d, even_high, odd_high), d, to + 2 * to_stride);
      hn::StoreU(hn::InterleaveUpper(d, even_high, odd_high), d, to + 3 * to_stride);
    }
  }
}
#endif

// A thread's room in the transform of some planes.
template <class D, int Side>
class Workspace {
  using T = Real<D>;

 public:
  Workspace(const Tables<T>& tables, T* room) : tables_(tables), room_(room) {}

 protected:
  using Room = typename Tables<T>::Room;
  static constexpr int lanes = hn::MaxLanes(D());
  static constexpr std::size_t element = 2 * lanes;
  static constexpr std::size_t block_size = Side * element;
  static constexpr int column_step =
      lanes / Side;  // values from one column to the next, if they are in lanes

  HWY_INLINE T* at(std::size_t Room::* part) const { return room_ + tables_.room.*part; }

  template <class Source, class Sink>
  HWY_INLINE HWY_ATTR void fft(const FftPlan<T>& plan, const Source& source, const Sink& sink) {
    transform(d_, plan, source, Buffer<D>{at(&Room::work)}, at(&Room::prime), sink);
  }

  HWY_INLINE HWY_ATTR void add_to(T* at, hn::Vec<D> value) const {
    hn::StoreU(hn::Add(hn::LoadU(d_, at), value), d_, at);
  }

  const D d_ = {};
  const Tables<T>& tables_;
  T* const room_;
};

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
