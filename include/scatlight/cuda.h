#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scatlight/scattering.h"

struct CUstream_st;

namespace scatlight {

/// cudaStream_t, without its header. Null is the default stream.
using CudaStream = CUstream_st*;

/// Whether the library was built with the CUDA engine.
SCATLIGHT_API bool built_with_cuda();

/// How many GPUs there are that the scattering transform can run on: 0 where the library was built without
/// CUDA, and where there is no driver.
SCATLIGHT_API int cuda_device_count();

/// Throws Error unless there is a GPU of this number, and in a build without the CUDA engine.
SCATLIGHT_API void check_cuda_device(int device);

/// How features are stored on the GPU.
enum class FeatureType {
  Same,      ///< as the images: float32 or float64
  Float16,   ///< rounded to nearest, of float32 images; likewise their gradients when they are read
  BFloat16,  ///< likewise
};

struct FeatureFormat {
  FeatureType type = FeatureType::Same;
  /// False: (images, channels, K, output_height, output_width). True: (images, output_height, output_width,
  /// channels, K), torch's channels_last of (images, channels * K, output_height, output_width).
  bool channels_last = false;
  int channels = 1;  ///< Planes of an image. Has no effect unless channels_last.
};

/// A plan for the scattering transform on one GPU. T, of the images, is float or double.
///
/// It is immutable: any number of threads may execute it at the same time, on any streams. All calls are
/// asynchronous: they put kernels on the stream and return. They neither allocate nor synchronise, so they
/// can be captured in a CUDA graph. The destructor waits for the device, so a plan may be destroyed while its
/// work is queued. Copies share their tables.
template <class T>
class SCATLIGHT_API CudaScattering {
 public:
  /// Builds the filters and copies them to the device. Throws Error for options out of range (`threads` and
  /// `parallel_for` have no effect), for a device that does not exist or that this build has no kernels for,
  /// for planes with sides too long for the device's shared memory (about 10,000 samples in float32), and
  /// when memory runs out.
  explicit CudaScattering(const ScatteringOptions& options, int device = 0);

  const ScatteringOptions& options() const;  ///< as Scattering::options()
  const std::vector<Path>& paths() const;    ///< as Scattering::paths()
  int output_height() const;
  int output_width() const;
  int device() const;

  /// Bytes of device memory that forward() or backward() needs for this many planes. It is capped at a few
  /// hundred megabytes: larger calls are transformed in chunks.
  std::size_t forward_workspace(std::int64_t planes) const;
  std::size_t backward_workspace(std::int64_t planes) const;

  /// Transforms planes (a plane is one channel of one image). All pointers are to memory of the device.
  ///   images:    (planes, height, width), contiguous
  ///   features:  (planes, K, output_height, output_width) values as `format` says, overwritten
  ///   workspace: forward_workspace(planes) bytes, aligned to 256, in use until the stream has passed the
  ///   call
  /// Throws Error if the format does not fit the planes, and when a kernel cannot be launched. NaN and
  /// infinite samples act as in Scattering::forward().
  void forward(const T* images, std::int64_t planes, void* features, const FeatureFormat& format,
               void* workspace, CudaStream stream) const;

  /// The same from host memory to host memory, as Scattering::forward(): copies, transforms and waits.
  ///   images:   (planes, height, width)
  ///   features: (planes, K, output_height, output_width), overwritten
  void forward(std::span<const T> images, std::span<T> features) const;

  /// The gradient with respect to the images, as Scattering::backward().
  ///   images:            (planes, height, width), those given to forward()
  ///   feature_gradients: (planes, K, output_height, output_width) values as `format` says
  ///   image_gradients:   (planes, height, width), overwritten
  ///   workspace:         backward_workspace(planes) bytes, aligned to 256
  void backward(const T* images, std::int64_t planes, const void* feature_gradients,
                const FeatureFormat& format, T* image_gradients, void* workspace, CudaStream stream) const;

  /// The same with the gradient with respect to the wavelets too, as Scattering::backward() has it.
  ///   wavelet_gradients: (J, L, padded_height, padded_width), in float64, overwritten
  /// It is the same in every call of one plan, bit for bit. Between GPUs it may differ by rounding, as it is
  /// added up over as many planes at a time as a cache holds.
  void backward(const T* images, std::int64_t planes, const void* feature_gradients,
                const FeatureFormat& format, T* image_gradients, double* wavelet_gradients, void* workspace,
                CudaStream stream) const;

  /// A plan of the same options on the same device with other wavelets, as Scattering::with_wavelets() makes
  /// one, of shapes or spectra in host memory. The two share all but the filters: those are made on the host
  /// and copied, which waits for the default stream. Throws Error for sizes that do not fit, for shapes out
  /// of range, for spectra that are not finite, and when memory runs out.
  CudaScattering with_wavelets(std::span<const WaveletShape> shapes) const;
  CudaScattering with_wavelets(std::span<const double> spectra) const;

 private:
  struct Plan;
  explicit CudaScattering(std::shared_ptr<const Plan> plan);

  std::shared_ptr<const Plan> plan_;
};

}  // namespace scatlight
