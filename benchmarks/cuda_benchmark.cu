// Times of the transform on a GPU, beside a straightforward version of it with cuFFT and the speed at which
// the GPU copies:
//   cuda_benchmark [--out FILE.json] [--device N]
// Every number is the median of runs that were timed by events on one stream. Outputs are compared: order 1
// with the straightforward version, all of them with the CPU engine on the first plane.

#include <cuda_runtime.h>
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
#include <utility>
#include <vector>

#include "core/filter_bank.h"
#include "core/low_pass_kernel.h"
#include "scatlight/cuda.h"

namespace scatlight {
namespace {

void check(cudaError_t status) {
  if (status != cudaSuccess) throw Error(std::string("CUDA: ") + cudaGetErrorString(status));
}
void check(cufftResult status) {
  if (status != CUFFT_SUCCESS) throw Error("cuFFT: error " + std::to_string(status));
}

template <class T>
class DeviceMemory {
 public:
  explicit DeviceMemory(std::size_t count) : count_(count) {
    check(cudaMalloc(reinterpret_cast<void**>(&data_), std::max<std::size_t>(count, 1) * sizeof(T)));
  }
  explicit DeviceMemory(const std::vector<T>& values) : DeviceMemory(values.size()) {
    check(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  ~DeviceMemory() { cudaFree(data_); }
  DeviceMemory(DeviceMemory&& other) noexcept
      : count_(other.count_), data_(std::exchange(other.data_, nullptr)) {}
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  T* data() const { return data_; }
  std::vector<T> read(std::size_t count) const {
    std::vector<T> values(count);
    check(cudaMemcpy(values.data(), data_, count * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  std::size_t count_;
  T* data_ = nullptr;
};

// ---- the straightforward version: order 1, float32, one kernel for each step ----

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
        wavelets_(at_once_ * options_.angles * size(0)),
        moduli_(at_once_ * options_.angles * size(0)),
        averages_(at_once_ * options_.angles * geometry_.rows.padded * geometry_.columns.output) {
    const FilterBank bank(options_, geometry_);
    for (int scale = 0; scale < options_.scales; ++scale) {
      std::vector<float> filters;
      for (int angle = 0; angle < options_.angles; ++angle) {
        // psi on the whole plane, divided by its samples: cuFFT's inverse is without that.
        for (const double value : bank.psi(scale, angle, 0))
          filters.push_back(static_cast<float>(value / static_cast<double>(size(0))));
      }
      filters_.emplace_back(filters);
    }
    for (int level = 0; level <= geometry_.output_level; ++level) {
      vertical_.push_back(taps(bank, geometry_.rows, level));
      horizontal_.push_back(taps(bank, geometry_.columns, level));
      inverse_.push_back(make_fft(level, at_once_ * options_.angles));
    }
    forward_ = make_fft(0, at_once_);
  }
  ~Straightforward() {
    cufftDestroy(forward_);
    for (const auto plan : inverse_) cufftDestroy(plan);
  }
  Straightforward(const Straightforward&) = delete;
  Straightforward& operator=(const Straightforward&) = delete;

  /// As CudaScattering::forward() on the default stream; the number of planes is that of the constructor.
  void forward(const float* images, int planes, float* features) const {
    for (int first = 0; first < planes; first += at_once_) {
      transform(images + static_cast<std::size_t>(first) * options_.height * options_.width,
                features + static_cast<std::size_t>(first) * maps_ * geometry_.rows.output *
                               geometry_.columns.output);
    }
  }

 private:
  static constexpr int threads = 256;
  static unsigned blocks(std::size_t count) { return static_cast<unsigned>((count + threads - 1) / threads); }
  std::size_t size(int level) const {
    return static_cast<std::size_t>(geometry_.rows.padded >> level) * (geometry_.columns.padded >> level);
  }

  // The most that divides the planes and takes at most about 4 GB.
  int planes_at_once(int planes) const {
    const std::size_t most = (std::size_t{4} << 30) / (options_.angles * size(0) * 16);
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

  void average(int level, int planes, int per_plane, int first_map, float* features) const {
    const int height = geometry_.rows.padded >> level;
    const auto& across = horizontal_[level];
    const auto& down = vertical_[level];
    average_rows<<<dim3(blocks(static_cast<std::size_t>(height) * across.outputs), planes * per_plane),
                   threads>>>(moduli_.data(), across, height, averages_.data());
    average_columns<<<
        dim3(blocks(static_cast<std::size_t>(down.outputs) * across.outputs), per_plane, planes), threads>>>(
        averages_.data(), down, across.outputs, maps_, first_map, features);
  }

  void transform(const float* images, float* features) const {
    const int height = geometry_.rows.padded;
    const int width = geometry_.columns.padded;
    pad<<<dim3(blocks(size(0)), at_once_), threads>>>(images, rows_.data(), columns_.data(), height, width,
                                                      options_.width, options_.height * options_.width,
                                                      spectra_.data());
    // Order 0: the padded planes' real parts, whose modulus is not theirs where they are negative; images are
    // not.
    take_modulus<<<blocks(at_once_ * size(0)), threads>>>(spectra_.data(), at_once_ * size(0),
                                                          moduli_.data());
    average(0, at_once_, 1, 0, features);
    check(cufftExecC2C(forward_, spectra_.data(), spectra_.data(), CUFFT_FORWARD));
    for (int scale = 0; scale < options_.scales; ++scale) {
      const int level = geometry_.level(scale);
      const std::size_t count = at_once_ * options_.angles * size(level);
      multiply_and_fold<<<dim3(blocks(size(level)), options_.angles, at_once_), threads>>>(
          spectra_.data(), filters_[scale].data(), height, width, level, options_.angles, wavelets_.data());
      check(cufftExecC2C(inverse_[level], wavelets_.data(), wavelets_.data(), CUFFT_INVERSE));
      take_modulus<<<blocks(count), threads>>>(wavelets_.data(), count, moduli_.data());
      average(level, at_once_, options_.angles, 1 + scale * options_.angles, features);
    }
    check(cudaGetLastError());
  }

  ScatteringOptions options_;
  Geometry geometry_;
  int maps_;
  int at_once_;
  DeviceMemory<int> rows_;
  DeviceMemory<int> columns_;
  DeviceMemory<cufftComplex> spectra_;
  DeviceMemory<cufftComplex> wavelets_;
  DeviceMemory<float> moduli_;
  DeviceMemory<float> averages_;
  std::vector<DeviceMemory<float>> filters_;
  std::vector<DeviceMemory<float>> weights_;
  std::vector<Taps> vertical_;
  std::vector<Taps> horizontal_;
  std::vector<cufftHandle> inverse_;
  cufftHandle forward_ = 0;
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

double copy_gigabytes_per_second() {
  constexpr std::size_t bytes = std::size_t{1} << 30;
  const DeviceMemory<char> from(bytes);
  const DeviceMemory<char> to(bytes);
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
  const DeviceMemory<float> images(values);
  const DeviceMemory<float> features(planes * one);
  const DeviceMemory<float> feature_gradients(weights);
  const DeviceMemory<float> gradients(planes * plane);
  const std::size_t workspace_bytes =
      std::max(plan.forward_workspace(planes), plan.backward_workspace(planes));
  const DeviceMemory<std::byte> workspace(workspace_bytes);
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
  const double backward_error = error(gradients.read(plane), expected_gradient);

  std::string peer = "null, \"straightforward_error\": null";
  double difference = 0;
  if (of.order == 1) {
    const Straightforward straightforward(options, planes);
    const DeviceMemory<float> others(planes * one);
    const double time = milliseconds([&] { straightforward.forward(images.data(), planes, others.data()); });
    difference = error(others.read(planes * one), features.read(planes * one));
    char text[96];
    std::snprintf(text, sizeof text, "%.3f, \"straightforward_error\": %.2e", 1e3 * time / of.images,
                  difference);
    peer = text;
  }
  char line[512];
  std::snprintf(
      line, sizeof line,
      "{\"images\": %d, \"channels\": 3, \"height\": %d, \"width\": %d, \"scales\": %d, \"order\": %d, "
      "\"forward_us\": %.3f, \"backward_us\": %.3f, \"straightforward_us\": %s, "
      "\"forward_error\": %.2e, \"backward_error\": %.2e, \"workspace_bytes\": %zu}",
      of.images, of.height, of.width, of.scales, of.order, 1e3 * forward / of.images,
      1e3 * backward / of.images, peer.c_str(), forward_error, backward_error, workspace_bytes);
  if (!(forward_error < 1e-5 && backward_error < 1e-4 && difference < 1e-5))
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
