// The entries of the kernel table. Included once for each instruction set.

#if defined(SCATLIGHT_CPU_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SCATLIGHT_CPU_KERNELS_INL_H_
#undef SCATLIGHT_CPU_KERNELS_INL_H_
#else
#define SCATLIGHT_CPU_KERNELS_INL_H_
#endif

#include "cpu/gradient-inl.h"
#include "cpu/kernels.h"
#include "cpu/plane-inl.h"

HWY_BEFORE_NAMESPACE();
namespace scatlight::cpu {
namespace HWY_NAMESPACE {

template <class T>
using Vectors = hn::ScalableTag<T>;

template <class T>
HWY_ATTR void analyse_plane(const Tables<T>& tables, const Tiling<T>& tiling, const T* image, T* spectra,
                            T* features, T* room) {
  PlaneTransform<Vectors<T>>(tables, features, room).analyse(tiling, image, spectra);
}

template <class T>
HWY_ATTR void transform_paths(const Tables<T>& tables, const PathGroup& group, const T* spectra, T* features,
                              T* room) {
  PlaneTransform<Vectors<T>>(tables, features, room).paths(group, spectra);
}

template <class T>
HWY_ATTR void differentiate_paths(const Tables<T>& tables, const PathGroup& group, const T* spectra,
                                  const T* feature_gradients, T* spectra_gradient, T* room) {
  PlaneGradient<Vectors<T>>(tables, feature_gradients, room).paths(group, spectra, spectra_gradient);
}

template <class T>
HWY_ATTR void differentiate_plane(const Tables<T>& tables, const T* feature_gradients,
                                  const T* const* spectra_gradients, int count, T* image_gradient, T* room) {
  PlaneGradient<Vectors<T>>(tables, feature_gradients, room).image(spectra_gradients, count, image_gradient);
}

template <class T>
HWY_ATTR Kernels<T> make_kernels(std::string_view name) {
  return {.name = name,
          .lanes = static_cast<int>(hn::Lanes(Vectors<T>())),
          .analyse_plane = analyse_plane<T>,
          .transform_paths = transform_paths<T>,
          .differentiate_paths = differentiate_paths<T>,
          .differentiate_plane = differentiate_plane<T>};
}

template Kernels<float> make_kernels(std::string_view name);
template Kernels<double> make_kernels(std::string_view name);

}  // namespace HWY_NAMESPACE
}  // namespace scatlight::cpu
HWY_AFTER_NAMESPACE();

#endif
