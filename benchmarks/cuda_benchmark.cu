// Times of the transform on a GPU, beside a straightforward version of it with cuFFT and the speed at which
// the GPU copies:
//   cuda_benchmark [--out FILE.json] [--device N]
// Every number is the median of runs that were timed by events on one stream. Outputs are compared: with the
// straightforward version, and with the CPU engine on the first plane.

#include <cufft.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "core/filter_bank.h"
#include "core/low_pass_kernel.h"
#include "cuda/runtime.h"
#include "scatlight/cuda.h"

namespace scatlight {
namespace {

using cuda::check;
using cuda::DeviceArray;

void check(cufftResult status) {
  if (status != CUFFT_SUCCESS) throw Error("cuFFT: error " + std::to_string(status));
}

// ---- the straightforward version: float32, one kernel for each step; the gradient of order 1 only ----

__global__ void pad(const float* images, const int* rows, const int* columns, int height, int width,
                    int from_width, int from_size, cufftComplex* planes) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= height * width) return;
  const int row = rows[at / width];
  const int column = columns[at % width];
  const bool inside = row >= 0 && column >= 0;
  planes[static_cast<std::size_t>(blockIdx.y) * height * width + at] = {
      inside ? images[static_cast<std::size_t>(blockIdx.y) * from_size + row * from_width + column] : 0.F,
      0.F};
}

// Spectra (planes, height, width) times psi (angles, height, width), folded: (planes, angles, height >> l,
// width >> l).
__global__ void multiply_and_fold(const cufftComplex* spectra, const float* filters, int height, int width,
                                  int level, int angles, cufftComplex* wavelets) {
  const int low_height = height >> level;
  const int low_width = width >> level;
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= low_height * low_width) return;
  const cufftComplex* const spectrum = spectra + static_cast<std::size_t>(blockIdx.z) * height * width;
  const float* const filter = filters + static_cast<std::size_t>(blockIdx.y) * height * width;
  cufftComplex sum = {0, 0};
  for (int row = at / low_width; row < height; row += low_height) {
    for (int column = at % low_width; column < width; column += low_width) {
      const float weight = filter[row * width + column];
      const cufftComplex value = spectrum[row * width + column];
      sum.x += weight * value.x;
      sum.y += weight * value.y;
    }
  }
  wavelets[(static_cast<std::size_t>(blockIdx.z) * angles + blockIdx.y) * low_height * low_width + at] = sum;
}

__global__ void take_modulus(const cufftComplex* values, std::size_t count, float* moduli) {
  const std::size_t at = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) moduli[at] = sqrtf(values[at].x * values[at].x + values[at].y * values[at].y);
}

// (planes, angles, size) to complex numbers (angles, planes, size)
__global__ void to_complex(const float* moduli, std::size_t size, cufftComplex* values) {
  const std::size_t at = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= size) return;
  const std::size_t from = static_cast<std::size_t>(blockIdx.y) * gridDim.z + blockIdx.z;
  const std::size_t to = static_cast<std::size_t>(blockIdx.z) * gridDim.y + blockIdx.y;
  values[to * size + at] = {moduli[from * size + at], 0.F};
}

// The gradient of wavelets w from that of |w|: times w / |w|.
__global__ void turn(const float* gradients, std::size_t count, cufftComplex* wavelets) {
  const std::size_t at = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= count) return;
  const cufftComplex value = wavelets[at];
  const float modulus = sqrtf(value.x * value.x + value.y * value.y);
  const float scale = modulus > 0 ? gradients[at] / modulus : 0.F;
  wavelets[at] = {scale * value.x, scale * value.y};
}

// The adjoint of multiply_and_fold, summed over the angles and added to the spectra.
__global__ void repeat_and_multiply(const cufftComplex* wavelets, const float* filters, int height, int width,
                                    int level, int angles, cufftComplex* spectra) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= height * width) return;
  const int low_width = width >> level;
  const std::size_t low_size = static_cast<std::size_t>(height >> level) * low_width;
  const int low_at = at / width % (height >> level) * low_width + at % width % low_width;
  cufftComplex& sum = spectra[static_cast<std::size_t>(blockIdx.y) * height * width + at];
  for (int angle = 0; angle < angles; ++angle) {
    const float weight = filters[static_cast<std::size_t>(angle) * height * width + at];
    const cufftComplex value =
        wavelets[(static_cast<std::size_t>(blockIdx.y) * angles + angle) * low_size + low_at];
    sum.x += weight * value.x;
    sum.y += weight * value.y;
  }
}

// The adjoint of pad, of the real parts of some planes plus others.
__global__ void unpad(const cufftComplex* planes, const float* others, const int* rows, const int* columns,
                      int height, int width, int to_width, int to_size, float* images) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= height * width) return;
  const int row = rows[at / width];
  const int column = columns[at % width];
  if (row < 0 || column < 0) return;
  const std::size_t from = static_cast<std::size_t>(blockIdx.y) * height * width + at;
  atomicAdd(images + static_cast<std::size_t>(blockIdx.y) * to_size + row * to_width + column,
            planes[from].x + others[from]);
}

struct Taps {
  const float* weights;
  int count;
  int radius;
  int length;
  int level;
  int border;
  int outputs;

  template <class At>
  __device__ float sum(int output, const At& at) const {
    float total = 0;
    int from = ((output + border) << level) - radius;
    if (from < 0) from += length;
    for (int t = 0; t < count; ++t) {
      total += weights[t] * at(from);
      if (++from == length) from = 0;
    }
    return total;
  }

  // The adjoint: what a sample gets from all outputs that it is a part of.
  template <class At>
  __device__ float spread(int sample, const At& at) const {
    float total = 0;
    for (int from = sample + radius - length; from <= sample + radius + length; from += length) {
      const int first = max(0, ((from - count) >> level) + 1 - border);
      const int last = min(outputs - 1, (from >> level) - border);
      for (int output = first; output <= last; ++output)
        total += weights[from - ((output + border) << level)] * at(output);
    }
    return total;
  }
};

// (planes, height, width) -> (planes, height, outputs)
__global__ void average_rows(const float* planes, Taps taps, int height, float* averages) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= height * taps.outputs) return;
  const float* const row =
      planes + (static_cast<std::size_t>(blockIdx.y) * height + at / taps.outputs) * taps.length;
  averages[static_cast<std::size_t>(blockIdx.y) * height * taps.outputs + at] =
      taps.sum(at % taps.outputs, [&](int from) { return row[from]; });
}

// (planes, angles, height, width) -> maps first_map ... of (planes, maps, outputs, width)
__global__ void average_columns(const float* averages, Taps taps, int width, int maps, int first_map,
                                float* features) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= taps.outputs * width) return;
  const float* const plane =
      averages + (static_cast<std::size_t>(blockIdx.z) * gridDim.y + blockIdx.y) * taps.length * width +
      at % width;
  features[(static_cast<std::size_t>(blockIdx.z) * maps + first_map + blockIdx.y) * taps.outputs * width +
           at] =
      taps.sum(at / width, [&](int from) { return plane[static_cast<std::size_t>(from) * width]; });
}

// The adjoints of the two.
__global__ void spread_columns(const float* gradients, Taps taps, int width, int maps, int first_map,
                               float* averages) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= taps.length * width) return;
  const float* const map =
      gradients +
      (static_cast<std::size_t>(blockIdx.z) * maps + first_map + blockIdx.y) * taps.outputs * width +
      at % width;
  averages[(static_cast<std::size_t>(blockIdx.z) * gridDim.y + blockIdx.y) * taps.length * width + at] =
      taps.spread(at / width, [&](int output) { return map[output * width]; });
}

__global__ void spread_rows(const float* averages, Taps taps, int height, float* planes) {
  const int at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= height * taps.length) return;
  const float* const row =
      averages + (static_cast<std::size_t>(blockIdx.y) * height + at / taps.length) * taps.outputs;
  planes[static_cast<std::size_t>(blockIdx.y) * height * taps.length + at] =
      taps.spread(at % taps.length, [&](int output) { return row[output]; });
}

class Straightforward {
 public:
  Straightforward(const ScatteringOptions& given, int planes)
      : options_(resolve(given)),
        geometry_(options_),
        maps_(static_cast<int>(make_paths(options_).size())),
        at_once_(planes_at_once(planes)),
        rows_(geometry_.rows.sources(options_.boundary)),
        columns_(geometry_.columns.sources(options_.boundary)),
        spectra_(at_once_ * size(0)),
        gradient_spectra_(at_once_ * size(0)),
        moduli_spectra_(options_.max_order == 2 ? at_once_ * options_.angles * size(0) : 0),
        wavelets_(at_once_ * options_.angles * size(0)),
        moduli_(at_once_ * options_.angles * size(0)),
        averages_(at_once_ * options_.angles * geometry_.rows.padded * geometry_.columns.output) {
    const FilterBank bank(options_, geometry_);
    for (int scale = 0; scale < options_.scales; ++scale) {
      auto& filters = filters_.emplace_back();
      const int levels = options_.max_order == 2 ? geometry_.level(scale) + 1 : 1;
      for (int level = 0; level < levels; ++level) filters.emplace_back(psi(bank, scale, level));
    }
    for (int level = 0; level <= geometry_.output_level; ++level) {
      vertical_.push_back(taps(bank, geometry_.rows, level));
      horizontal_.push_back(taps(bank, geometry_.columns, level));
      fft_of_angles_.push_back(make_fft(level, at_once_ * options_.angles));
    }
    fft_ = make_fft(0, at_once_);
  }
  ~Straightforward() {
    cufftDestroy(fft_);
    for (const auto plan : fft_of_angles_) cufftDestroy(plan);
  }
  Straightforward(const Straightforward&) = delete;
  Straightforward& operator=(const Straightforward&) = delete;

  /// As CudaScattering::forward() on the default stream; the number of planes is that of the constructor.
  void forward(const float* images, int planes, float* features) const {
    for (int first = 0; first < planes; first += at_once_)
      transform(images + first * image_size(), features + first * feature_size());
  }

  /// As CudaScattering::backward(), for order 1.
  void backward(const float* images, int planes, const float* feature_gradients, float* gradients) const {
    for (int first = 0; first < planes; first += at_once_) {
      differentiate(images + first * image_size(), feature_gradients + first * feature_size(),
                    gradients + first * image_size());
    }
  }

 private:
  static constexpr int threads = 256;
  static unsigned blocks(std::size_t count) { return static_cast<unsigned>((count + threads - 1) / threads); }
  std::size_t size(int level) const {
    return static_cast<std::size_t>(geometry_.rows.padded >> level) * (geometry_.columns.padded >> level);
  }

  std::size_t image_size() const { return static_cast<std::size_t>(options_.height) * options_.width; }
  std::size_t feature_size() const {
    return static_cast<std::size_t>(maps_) * geometry_.rows.output * geometry_.columns.output;
  }

  // The most that divides the planes and takes at most about 4 GB.
  int planes_at_once(int planes) const {
    const std::size_t bytes = options_.max_order == 2 ? 24 : 16;
    const std::size_t most = (std::size_t{4} << 30) / (options_.angles * size(0) * bytes);
    int count = planes;
    while (count > 1 && (planes % count != 0 || static_cast<std::size_t>(count) > most)) --count;
    return count;
  }

  cufftHandle make_fft(int level, int count) const {
    int sizes[] = {geometry_.rows.padded >> level, geometry_.columns.padded >> level};
    const int distance = sizes[0] * sizes[1];
    cufftHandle plan = 0;
    check(cufftPlanMany(&plan, 2, sizes, nullptr, 1, distance, nullptr, 1, distance, CUFFT_C2C, count));
    return plan;
  }

  // psi of all angles at a level, divided by its samples: cuFFT's inverse is without that.
  std::vector<float> psi(const FilterBank& bank, int scale, int level) const {
    std::vector<float> filters;
    for (int angle = 0; angle < options_.angles; ++angle) {
      for (const double value : bank.psi(scale, angle, level))
        filters.push_back(static_cast<float>(value / static_cast<double>(size(level))));
    }
    return filters;
  }

  Taps taps(const FilterBank& bank, const Axis& axis, int level) {
    const LowPassKernel kernel(bank, axis, level, 1.2e-7);
    weights_.emplace_back(std::vector<float>(kernel.weights.begin(), kernel.weights.end()));
    return {weights_.back().data(),
            static_cast<int>(kernel.weights.size()),
            kernel.radius,
            axis.padded >> level,
            geometry_.output_level - level,
            geometry_.output_border,
            axis.output};
  }

  // moduli_ of `per_plane` signals of each plane to maps first_map ...
  void average(int level, int per_plane, int first_map, float* features) const {
    const int height = geometry_.rows.padded >> level;
    const auto& across = horizontal_[level];
    const auto& down = vertical_[level];
    average_rows<<<dim3(blocks(static_cast<std::size_t>(height) * across.outputs), at_once_ * per_plane),
                   threads>>>(moduli_.data(), across, height, averages_.data());
    average_columns<<<dim3(blocks(static_cast<std::size_t>(down.outputs) * across.outputs), per_plane,
                           at_once_),
                      threads>>>(averages_.data(), down, across.outputs, maps_, first_map, features);
  }

  // The adjoint, into moduli_.
  void spread(const float* feature_gradients, int level, int per_plane, int first_map) const {
    const int height = geometry_.rows.padded >> level;
    const auto& across = horizontal_[level];
    spread_columns<<<dim3(blocks(static_cast<std::size_t>(height) * across.outputs), per_plane, at_once_),
                     threads>>>(feature_gradients, vertical_[level], across.outputs, maps_, first_map,
                                averages_.data());
    spread_rows<<<dim3(blocks(size(level)), at_once_ * per_plane), threads>>>(averages_.data(), across,
                                                                              height, moduli_.data());
  }

  // The padded images and, from them, their spectra, both in spectra_.
  void load(const float* images) const {
    pad<<<dim3(blocks(size(0)), at_once_), threads>>>(
        images, rows_.data(), columns_.data(), geometry_.rows.padded, geometry_.columns.padded,
        options_.width, static_cast<int>(image_size()), spectra_.data());
  }
  void to_spectra() const { check(cufftExecC2C(fft_, spectra_.data(), spectra_.data(), CUFFT_FORWARD)); }

  // Planes given by their spectra at a level, convolved with the wavelets of a scale, into wavelets_.
  void convolve(const cufftComplex* spectra, int level, int scale) const {
    const int lower = geometry_.level(scale);
    multiply_and_fold<<<dim3(blocks(size(lower)), options_.angles, at_once_), threads>>>(
        spectra, filters_[scale][level].data(), geometry_.rows.padded >> level,
        geometry_.columns.padded >> level, lower - level, options_.angles, wavelets_.data());
    check(cufftExecC2C(fft_of_angles_[lower], wavelets_.data(), wavelets_.data(), CUFFT_INVERSE));
  }

  // The same, then their moduli, averaged into maps first_map ...
  void convolve_and_average(const cufftComplex* spectra, int level, int scale, int first_map,
                            float* features) const {
    convolve(spectra, level, scale);
    const int lower = geometry_.level(scale);
    const std::size_t count = at_once_ * options_.angles * size(lower);
    take_modulus<<<blocks(count), threads>>>(wavelets_.data(), count, moduli_.data());
    average(lower, options_.angles, first_map, features);
  }

  void transform(const float* images, float* features) const {
    load(images);
    // Order 0: the padded planes' real parts, whose modulus is not theirs where they are negative; images are
    // not.
    take_modulus<<<blocks(at_once_ * size(0)), threads>>>(spectra_.data(), at_once_ * size(0),
                                                          moduli_.data());
    average(0, 1, 0, features);
    to_spectra();
    int second = 1 + options_.scales * options_.angles;
    for (int scale = 0; scale < options_.scales; ++scale) {
      convolve_and_average(spectra_.data(), 0, scale, 1 + scale * options_.angles, features);
      if (options_.max_order == 2) second = second_order(scale, second, features);
    }
    check(cudaGetLastError());
  }

  // The maps of all later scales from moduli_ of one, beginning with map `map`; returns the one after them.
  int second_order(int scale, int map, float* features) const {
    const int level = geometry_.level(scale);
    to_complex<<<dim3(blocks(size(level)), at_once_, options_.angles), threads>>>(moduli_.data(), size(level),
                                                                                  moduli_spectra_.data());
    check(cufftExecC2C(fft_of_angles_[level], moduli_spectra_.data(), moduli_spectra_.data(), CUFFT_FORWARD));
    for (int angle = 0; angle < options_.angles; ++angle) {
      for (int later = scale + 1; later < options_.scales; ++later, map += options_.angles) {
        convolve_and_average(moduli_spectra_.data() + angle * at_once_ * size(level), level, later, map,
                             features);
      }
    }
    return map;
  }

  void differentiate(const float* images, const float* feature_gradients, float* gradients) const {
    const int height = geometry_.rows.padded;
    const int width = geometry_.columns.padded;
    load(images);
    to_spectra();
    check(cudaMemsetAsync(gradient_spectra_.data(), 0, gradient_spectra_.size() * sizeof(cufftComplex)));
    for (int scale = 0; scale < options_.scales; ++scale) {
      const int level = geometry_.level(scale);
      const std::size_t count = at_once_ * options_.angles * size(level);
      convolve(spectra_.data(), 0, scale);
      spread(feature_gradients, level, options_.angles, 1 + scale * options_.angles);
      turn<<<blocks(count), threads>>>(moduli_.data(), count, wavelets_.data());
      check(cufftExecC2C(fft_of_angles_[level], wavelets_.data(), wavelets_.data(), CUFFT_FORWARD));
      repeat_and_multiply<<<dim3(blocks(size(0)), at_once_), threads>>>(
          wavelets_.data(), filters_[scale][0].data(), height, width, level, options_.angles,
          gradient_spectra_.data());
    }
    check(cufftExecC2C(fft_, gradient_spectra_.data(), gradient_spectra_.data(), CUFFT_INVERSE));
    spread(feature_gradients, 0, 1, 0);
    check(cudaMemsetAsync(gradients, 0, at_once_ * image_size() * sizeof(float)));
    unpad<<<dim3(blocks(size(0)), at_once_), threads>>>(
        gradient_spectra_.data(), moduli_.data(), rows_.data(), columns_.data(), height, width,
        options_.width, static_cast<int>(image_size()), gradients);
    check(cudaGetLastError());
  }

  ScatteringOptions options_;
  Geometry geometry_;
  int maps_;
  int at_once_;
  DeviceArray<int> rows_;
  DeviceArray<int> columns_;
  DeviceArray<cufftComplex> spectra_;
  DeviceArray<cufftComplex> gradient_spectra_;
  DeviceArray<cufftComplex> moduli_spectra_;
  DeviceArray<cufftComplex> wavelets_;
  DeviceArray<float> moduli_;
  DeviceArray<float> averages_;
  std::vector<std::vector<DeviceArray<float>>> filters_;  // by scale, then by the level of what is filtered
  std::vector<DeviceArray<float>> weights_;
  std::vector<Taps> vertical_;
  std::vector<Taps> horizontal_;
  std::vector<cufftHandle> fft_of_angles_;  // by level
  cufftHandle fft_ = 0;
};

// ---- timing ----

/// Median milliseconds of runs on the default stream, after two that warm up.
double milliseconds(const std::function<void()>& run) {
  constexpr int runs = 11;
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  check(cudaEventCreate(&begin));
  check(cudaEventCreate(&end));
  std::vector<float> times;
  for (int i = -2; i < runs; ++i) {
    check(cudaEventRecord(begin));
    run();
    check(cudaEventRecord(end));
    check(cudaEventSynchronize(end));
    float time = 0;
    check(cudaEventElapsedTime(&time, begin, end));
    if (i >= 0) times.push_back(time);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  std::sort(times.begin(), times.end());
  return times[runs / 2];
}

std::vector<float> noise(std::size_t size) {
  std::mt19937 generator(0);
  std::uniform_real_distribution<float> distribution(0, 1);
  std::vector<float> values(size);
  for (auto& value : values) value = distribution(generator);
  return values;
}

/// The largest difference as a share of the largest value.
double error(const std::vector<float>& actual, const std::vector<float>& expected) {
  double worst = 0;
  double scale = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(double{actual[i]} - double{expected[i]});
    if (std::isnan(difference)) return difference;
    worst = std::max(worst, difference);
    scale = std::max(scale, std::abs(double{expected[i]}));
  }
  return worst / scale;
}

/// ||actual - expected|| / ||expected||: for gradients of a modulus, whose single values rounding moves far
/// where it is near zero.
template <class T>
double error_in_norm(const std::vector<T>& actual, const std::vector<T>& expected) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(double{actual[i]} - double{expected[i]}, 2);
    norm += std::pow(double{expected[i]}, 2);
  }
  return std::sqrt(difference / norm);
}

double copy_gigabytes_per_second() {
  constexpr std::size_t bytes = std::size_t{1} << 30;
  const DeviceArray<char> from(bytes);
  const DeviceArray<char> to(bytes);
  const double time =
      milliseconds([&] { check(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice)); });
  return 2 * static_cast<double>(bytes) / time / 1e6;
}

struct Case {
  int images;
  int height;
  int width;
  int scales;
  int order;
};

/// The times and the error of what learns wavelets: members of a line of JSON, with a separator before them.
/// Other wavelets than the fixed ones are made on the host and copied once, whatever the number of images.
std::string measure_wavelets(const CudaScattering<float>& plan, const Scattering& cpu,
                             const DeviceArray<float>& images, int planes,
                             const DeviceArray<float>& feature_gradients,
                             const DeviceArray<std::byte>& workspace) {
  auto shapes = wavelet_shapes(plan.options());
  for (auto& shape : shapes) shape.sigma *= 1.05;
  const auto given = plan.with_wavelets(shapes);
  const std::size_t values =
      shapes.size() * static_cast<std::size_t>(cpu.padded_height()) * cpu.padded_width();
  const DeviceArray<double> wavelet_gradients(values);
  const DeviceArray<float> gradients(images.size());
  const auto backward = [&](int count) {
    given.backward(images.data(), count, feature_gradients.data(), {}, gradients.data(),
                   wavelet_gradients.data(), workspace.data(), nullptr);
  };
  const double time = milliseconds([&] { backward(planes); });
  const double exchange = milliseconds([&] { plan.with_wavelets(shapes); });

  backward(1);
  const std::size_t plane = images.size() / planes;
  const auto image = images.read(plane);
  const auto weights = feature_gradients.read(feature_gradients.size() / planes);
  std::vector<float> expected_images(plane);
  std::vector<double> expected(values);
  cpu.with_wavelets(shapes).backward(std::span<const float>(image), std::span<const float>(weights),
                                     std::span<float>(expected_images), std::span<double>(expected));
  const double difference = error_in_norm(wavelet_gradients.read(), expected);
  char text[160];
  std::snprintf(text, sizeof text,
                ", \"backward_to_wavelets_us\": %.3f, \"exchange_us\": %.1f, \"wavelet_error\": %.2e",
                3e3 * time / planes, 1e3 * exchange, difference);
  if (!(difference < 1e-4)) throw Error(std::string("wrong gradients of wavelets: ") + text);
  return text;
}

/// One line of JSON: microseconds of an image of three channels.
std::string measure(const Case& of, int device) {
  const ScatteringOptions options{
      .height = of.height, .width = of.width, .scales = of.scales, .max_order = of.order};
  const int planes = 3 * of.images;
  const std::size_t plane = static_cast<std::size_t>(of.height) * of.width;
  const CudaScattering<float> plan(options, device);
  const std::size_t one = plan.paths().size() * plan.output_height() * plan.output_width();
  const auto values = noise(planes * plane);
  const auto weights = noise(planes * one);
  const DeviceArray<float> images(values);
  const DeviceArray<float> features(planes * one);
  const DeviceArray<float> feature_gradients(weights);
  const DeviceArray<float> gradients(planes * plane);
  const std::size_t workspace_bytes =
      std::max(plan.forward_workspace(planes), plan.backward_workspace(planes));
  const DeviceArray<std::byte> workspace(workspace_bytes);
  const double forward = milliseconds(
      [&] { plan.forward(images.data(), planes, features.data(), {}, workspace.data(), nullptr); });
  const double backward = milliseconds([&] {
    plan.backward(images.data(), planes, feature_gradients.data(), {}, gradients.data(), workspace.data(),
                  nullptr);
  });

  const Scattering cpu(options);
  std::vector<float> expected(one);
  std::vector<float> expected_gradient(plane);
  const std::span<const float> first(values.data(), plane);
  cpu.forward(first, expected);
  cpu.backward(first, std::span<const float>(weights.data(), one), expected_gradient);
  const double forward_error = error(features.read(one), expected);
  const double backward_error = error_in_norm(gradients.read(plane), expected_gradient);
  const auto of_wavelets = measure_wavelets(plan, cpu, images, planes, feature_gradients, workspace);

  const Straightforward peer(options, planes);
  const DeviceArray<float> others(std::max(planes * one, planes * plane));
  const double peer_forward = milliseconds([&] { peer.forward(images.data(), planes, others.data()); });
  const double difference = error(others.read(planes * one), features.read());
  std::string peer_backward = "null, \"straightforward_backward_difference\": null";
  double backward_difference = 0;
  if (of.order == 1) {
    const double time =
        milliseconds([&] { peer.backward(images.data(), planes, feature_gradients.data(), others.data()); });
    backward_difference = error_in_norm(others.read(planes * plane), gradients.read());
    char text[96];
    std::snprintf(text, sizeof text, "%.3f, \"straightforward_backward_difference\": %.2e",
                  1e3 * time / of.images, backward_difference);
    peer_backward = text;
  }
  char line[800];
  std::snprintf(
      line, sizeof line,
      "{\"images\": %d, \"channels\": 3, \"height\": %d, \"width\": %d, \"scales\": %d, \"order\": %d, "
      "\"forward_us\": %.3f, \"backward_us\": %.3f, \"forward_error\": %.2e, \"backward_error\": %.2e, "
      "\"straightforward_forward_us\": %.3f, \"straightforward_forward_difference\": %.2e, "
      "\"straightforward_backward_us\": %s, \"workspace_bytes\": %zu%s}",
      of.images, of.height, of.width, of.scales, of.order, 1e3 * forward / of.images,
      1e3 * backward / of.images, forward_error, backward_error, 1e3 * peer_forward / of.images, difference,
      peer_backward.c_str(), workspace_bytes, of_wavelets.c_str());
  if (!(forward_error < 1e-5 && backward_error < 1e-5 && difference < 1e-5 && backward_difference < 1e-5))
    throw Error(std::string("wrong numbers: ") + line);
  return line;
}

int run(int device, const char* out) {
  check(cudaSetDevice(device));
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device));
  std::string json =
      std::string("{\"device\": \"") + properties.name + "\", \"scatlight\": \"" SCATLIGHT_VERSION "\"";
  json += ", \"copy_gb_per_s\": " + std::to_string(copy_gigabytes_per_second()) + ",\n \"results\": [";
  const Case cases[] = {{128, 224, 224, 3, 1}, {128, 224, 224, 3, 2}, {1, 224, 224, 3, 1},
                        {512, 32, 32, 2, 1},   {512, 32, 32, 2, 2},   {128, 256, 256, 3, 1},
                        {64, 320, 320, 3, 1},  {8, 800, 1200, 3, 1},  {8, 800, 1200, 3, 2}};
  int failures = 0;
  const char* separator = "\n  ";
  for (const auto& of : cases) {
    try {
      const auto line = measure(of, device);
      std::printf("%s\n", line.c_str());
      std::fflush(stdout);
      json += separator + line;
      separator = ",\n  ";
    } catch (const Error& error) {
      std::fprintf(stderr, "%d x %d x %d, order %d: %s\n", of.images, of.height, of.width, of.order,
                   error.what());
      ++failures;
    }
  }
  json += "]}\n";
  if (out != nullptr) {
    std::FILE* file = std::fopen(out, "w");
    if (file == nullptr || std::fputs(json.c_str(), file) < 0 || std::fclose(file) != 0) {
      throw Error(std::string(out) + ": it cannot be written");
    }
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace scatlight

int main(int argc, char** argv) {
  const char* out = nullptr;
  int device = 0;
  for (int i = 1; i < argc; i += 2) {
    const bool is_out = std::strcmp(argv[i], "--out") == 0;
    if (i + 1 == argc || (!is_out && std::strcmp(argv[i], "--device") != 0)) {
      std::fprintf(stderr, "usage: cuda_benchmark [--out FILE.json] [--device N]\n");
      return 2;
    }
    if (is_out) {
      out = argv[i + 1];
    } else {
      device = std::atoi(argv[i + 1]);
    }
  }
  if (scatlight::cuda_device_count() == 0) {
    std::fprintf(stderr, "cuda_benchmark: no GPU\n");
    return 1;
  }
  try {
    return scatlight::run(device, out);
  } catch (const scatlight::Error& error) {
    std::fprintf(stderr, "cuda_benchmark: %s\n", error.what());
    return 1;
  }
}
