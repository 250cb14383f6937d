#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/filter_bank.h"
#include "core/given_wavelets.h"
#include "core/translate_bad_alloc.h"
#include "cuda/engine.h"
#include "cuda/round_trip.h"
#include "scatlight/cuda.h"

namespace scatlight {

bool built_with_cuda() {
#ifdef SCATLIGHT_WITH_CUDA
  return true;
#else
  return false;
#endif
}

int cuda_device_count() { return cuda::device_count(); }

void check_cuda_device(int device) {
  if (!built_with_cuda()) {
    throw Error(
        "this build of scatlight has no CUDA engine; build it where nvcc 13 is, with -DSCATLIGHT_CUDA=ON");
  }
  const int count = cuda_device_count();
  if (device >= 0 && device < count) return;
  throw Error(fmt::format("there is no CUDA device {}; this machine has {}", device, count));
}

template <class T>
struct CudaScattering<T>::Plan {
  Plan(const ScatteringOptions& given, int device)
      : options(resolve(given)),
        geometry(options),
        bank(options, geometry),
        paths(make_paths(options)),
        device(device) {
    check_cuda_device(device);
    engine = cuda::make_engine<T>(options, geometry, bank, device);
  }

  // The same with the wavelets of another bank.
  Plan(std::shared_ptr<const Plan> fixed_plan, const FilterBank& given)
      : options(fixed_plan->options),
        geometry(fixed_plan->geometry),
        bank(fixed_plan->bank),
        paths(fixed_plan->paths),
        device(fixed_plan->device),
        engine(fixed_plan->engine->with_wavelets(given)),
        fixed(std::move(fixed_plan)) {}

  void check(const FeatureFormat& format, std::int64_t planes) const {
    if (planes < 0) throw Error(fmt::format("planes is {}; it must be 0 or more", planes));
    if (format.channels < 1) {
      throw Error(fmt::format("channels is {}; an image has at least one plane", format.channels));
    }
    if (format.channels_last && planes % format.channels != 0) {
      throw Error(
          fmt::format("{} planes are no whole number of images of {} channels", planes, format.channels));
    }
    if (format.type != FeatureType::Same && !std::is_same_v<T, float>) {
      throw Error("features of 16 bits are made of float32 images; these are float64");
    }
  }

  ScatteringOptions options;
  Geometry geometry;
  FilterBank bank;  // of the options' wavelets
  std::vector<Path> paths;
  int device;
  std::unique_ptr<cuda::Engine<T>> engine;
  std::shared_ptr<const Plan> fixed;  // of the options' wavelets, if this one's are others
};

template <class T>
CudaScattering<T>::CudaScattering(const ScatteringOptions& options, int device)
    : plan_(translate_bad_alloc(to_plan, options,
                                [&] { return std::make_shared<const Plan>(options, device); })) {}

template <class T>
CudaScattering<T>::CudaScattering(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {}

template <class T>
CudaScattering<T> CudaScattering<T>::with_wavelets(std::span<const WaveletShape> shapes) const {
  check_shapes(shapes, options());
  const auto& fixed = plan_->fixed ? plan_->fixed : plan_;
  if (std::ranges::equal(shapes, FilterBank::shapes_of(options()))) return CudaScattering(fixed);
  return CudaScattering(translate_bad_alloc(to_plan, options(), [&] {
    return std::make_shared<const Plan>(fixed, fixed->bank.with(std::vector(shapes.begin(), shapes.end())));
  }));
}

template <class T>
CudaScattering<T> CudaScattering<T>::with_wavelets(std::span<const double> spectra) const {
  check_spectra(spectra, options(), plan_->geometry);
  const auto& fixed = plan_->fixed ? plan_->fixed : plan_;
  return CudaScattering(translate_bad_alloc(to_plan, options(), [&] {
    return std::make_shared<const Plan>(fixed, fixed->bank.with(std::vector(spectra.begin(), spectra.end())));
  }));
}

template <class T>
const ScatteringOptions& CudaScattering<T>::options() const {
  return plan_->options;
}
template <class T>
const std::vector<Path>& CudaScattering<T>::paths() const {
  return plan_->paths;
}
template <class T>
int CudaScattering<T>::output_height() const {
  return plan_->geometry.rows.output;
}
template <class T>
int CudaScattering<T>::output_width() const {
  return plan_->geometry.columns.output;
}
template <class T>
int CudaScattering<T>::device() const {
  return plan_->device;
}

template <class T>
std::size_t CudaScattering<T>::forward_workspace(std::int64_t planes) const {
  return plan_->engine->workspace_bytes(planes, false);
}
template <class T>
std::size_t CudaScattering<T>::backward_workspace(std::int64_t planes) const {
  return plan_->engine->workspace_bytes(planes, true);
}

template <class T>
void CudaScattering<T>::forward(const T* images, std::int64_t planes, void* features,
                                const FeatureFormat& format, void* workspace, CudaStream stream) const {
  plan_->check(format, planes);
  plan_->engine->forward(images, planes, {features, format}, workspace, stream);
}

template <class T>
void CudaScattering<T>::forward(std::span<const T> images, std::span<T> features) const {
  const auto planes =
      count_planes(plan_->geometry, paths().size(), images.size(), features.size(), "features");
  if (planes == 0) return;
  cuda::round_trip(device(), std::as_bytes(images), std::as_writable_bytes(features),
                   forward_workspace(planes),
                   [&](const void* from, void* to, void* workspace, CudaStream stream) {
                     forward(static_cast<const T*>(from), planes, to, {}, workspace, stream);
                   });
}

template <class T>
void CudaScattering<T>::backward(const T* images, std::int64_t planes, const void* feature_gradients,
                                 const FeatureFormat& format, T* image_gradients, void* workspace,
                                 CudaStream stream) const {
  plan_->check(format, planes);
  plan_->engine->backward(images, planes, {feature_gradients, format}, image_gradients, workspace, stream);
}

template <class T>
void CudaScattering<T>::backward(const T* images, std::int64_t planes, const void* feature_gradients,
                                 const FeatureFormat& format, T* image_gradients, double* wavelet_gradients,
                                 void* workspace, CudaStream stream) const {
  plan_->check(format, planes);
  plan_->engine->backward(images, planes, {feature_gradients, format}, image_gradients, wavelet_gradients,
                          workspace, stream);
}

template class CudaScattering<float>;
template class CudaScattering<double>;

}  // namespace scatlight
