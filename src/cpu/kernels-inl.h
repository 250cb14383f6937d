// The entries of the kernel table. Included once for each target.

#if defined(SCATLIGHT_CPU_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_KERNELS_INL_H_
#undef SCATLIGHT_CPU_KERNELS_INL_H_
#else
#define SCATLIGHT_CPU_KERNELS_INL_H_
#endif

#include <algorithm>
#include <bit>

#include "cpu/gradient-inl.h"
#include "cpu/kernels.h"
#include "cpu/plane-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

template <class T>
using Vectors = hn::ScalableTag<T>;

// Magnitudes are compared as integers, of which NaN is the largest.
template <class T>
HWY_ATTR T largest_magnitude(const T* values, std::size_t count) {
  const Vectors<T> d;
  const hn::RebindToSigned<Vectors<T>> integers;
  constexpr std::size_t lanes = hn::MaxLanes(d);
  auto largest = hn::Zero(integers);
  const auto add = [&](const T* at) HWY_ATTR {
    largest = hn::Max(largest, hn::BitCast(integers, hn::Abs(hn::LoadU(d, at))));
  };
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) add(values + i);
  T rest[lanes] = {};
  std::copy_n(values + i, count - i, rest);
  add(rest);
  return std::bit_cast<T>(hn::GetLane(hn::MaxOfLanes(integers, largest)));
}

template <class T, int BlockSize>
HWY_ATTR Workspace<Vectors<T>, BlockSize> workspace_of(const Tables<T>& tables, int planes, Pass pass,
                                                       T* scratch) {
  return {tables, make_scratch(tables.scratch, pass, scratch), planes};
}

template <class T, int BlockSize>
HWY_ATTR void analyse_strip(const Tables<T>& tables, const Tiling<T>& tiling, int strip, int planes,
                            const T* images, T* spectra, Maps<T> maps, T* scratch) {
  const auto workspace = workspace_of<T, BlockSize>(tables, planes, Pass::Forward, scratch);
  PlaneTransform(workspace, maps).analyse(tiling, strip, images, spectra);
}

template <class T, int BlockSize>
HWY_ATTR void transform_paths(const Tables<T>& tables, const PathGroup& group, int strip, int planes,
                              const T* spectra, Maps<T> maps, T* scratch, NextReads next) {
  const auto workspace = workspace_of<T, BlockSize>(tables, planes, Pass::Forward, scratch);
  PlaneTransform(workspace, maps).paths(group, strip, spectra, next);
}

template <class T, int BlockSize>
HWY_ATTR void write_map(const Tables<T>& tables, int map, int planes, const T* partials, T* features,
                        T* scratch) {
  const auto workspace = workspace_of<T, BlockSize>(tables, planes, Pass::Forward, scratch);
  const MapAverager averager(workspace);
  MapSink(workspace, averager, Maps<T>{MapKind::Whole, features}).combine(partials, map);
}

template <class T, int BlockSize>
HWY_ATTR void differentiate_paths(const Tables<T>& tables, const PathGroup& group, int planes,
                                  const T* spectra, const T* feature_gradients, T* spectra_gradient,
                                  WaveletSums<T> sums, T* scratch, NextReads next) {
  const auto workspace = workspace_of<T, BlockSize>(tables, planes, Pass::Backward, scratch);
  PlaneGradient(workspace, feature_gradients).paths(group, spectra, spectra_gradient, sums, next);
}

template <class T, int BlockSize>
HWY_ATTR void differentiate_planes(const Tables<T>& tables, int planes, const T* feature_gradients,
                                   const T* const* spectra_gradients, T* image_gradients, T* scratch) {
  const auto workspace = workspace_of<T, BlockSize>(tables, planes, Pass::Backward, scratch);
  PlaneGradient(workspace, feature_gradients).image(spectra_gradients, image_gradients);
}

template <class T, int BlockSize>
HWY_ATTR Functions<T> make_functions() {
  return {.largest_magnitude = largest_magnitude<T>,
          .analyse_strip = analyse_strip<T, BlockSize>,
          .transform_paths = transform_paths<T, BlockSize>,
          .write_map = write_map<T, BlockSize>,
          .differentiate_paths = differentiate_paths<T, BlockSize>,
          .differentiate_planes = differentiate_planes<T, BlockSize>};
}

template <class T>
HWY_ATTR Kernels<T> make_kernels(std::string_view name) {
  constexpr int lanes = hn::MaxLanes(Vectors<T>());
  return {.name = name,
          .lanes = lanes,
          .of_columns = make_functions<T, lanes>(),
          .of_planes = make_functions<T, 1>()};
}

template Kernels<float> make_kernels(std::string_view name);
template Kernels<double> make_kernels(std::string_view name);

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
