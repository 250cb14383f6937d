#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "cuda/arena.h"
#include "cuda/filters.h"
#include "cuda/gradient_kernels.h"
#include "scatlight/cuda.h"

namespace scatlight::cuda {

enum class Pass { Forward, Backward };

/// Features stored as a format says.
template <class F>
FeatureView<F> view_of(F* data, const FeatureFormat& format, const Geometry& geometry, std::int64_t maps) {
  const std::int64_t width = geometry.columns.output;
  const std::int64_t map = geometry.rows.output * width;
  if (!format.channels_last) return {data, 1, maps * map, 0, map, width, 1};
  const std::int64_t values = format.channels * maps;  // of a sample
  return {data, format.channels, values * map, maps, 1, values * width, values};
}

/// Runs a plan as a sequence of kernels. A queue runs them, on a GPU or on the host:
///
///   queue.launch(kernel, grid, threads)   kernel.shared_bytes() of shared memory a block
///
/// What a kernel writes is there for those that are launched after it.
template <class T>
class Schedule {
 public:
  /// `wavelet_bytes` of wavelet planes, at least those of one source, are in memory at once: as many as a
  /// cache holds.
  Schedule(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank,
           std::size_t wavelet_bytes)
      : tables_(std::make_shared<const Tables<T>>(resolved, geometry, bank)),
        filters_(*tables_, bank),
        wavelet_bytes_(wavelet_bytes) {}

  /// The same with the wavelets of another bank. The two share their tables.
  Schedule with(const FilterBank& bank) const { return Schedule(tables_, bank, wavelet_bytes_); }

  const Tables<T>& tables() const { return *tables_; }
  const Filters<T>& filters() const { return filters_; }

  /// Bytes of memory that a pass over this many planes needs.
  std::size_t workspace_bytes(std::int64_t planes, Pass pass) const {
    Arena arena;
    take_memory(arena, planes_at_once(planes), pass);
    return arena.used();
  }

  /// images (planes, height, width) -> features. All of it where the kernels run; `constants` are those of
  /// the tables and the filters there.
  template <class Queue, class F>
  void forward(Queue& queue, const Constants<T>& constants, const T* images, std::int64_t planes,
               const FeatureView<F>& features, void* workspace) const {
    const std::int64_t at_once = planes_at_once(planes);
    Arena arena(workspace);
    const auto memory = take_memory(arena, at_once, Pass::Forward);
    const Run<Queue> run{*this, queue, constants};
    for (std::int64_t first = 0; first < planes; first += at_once) {
      const Sources sources{{.first_source = first}, std::min(at_once, planes - first)};
      const auto planes_here = run.image_planes(images + first * image_size());
      run.forward_order_zero(planes_here, sources, memory.averages, features);
      if (filters_.bands.empty()) continue;
      run.transform(planes_here, tables_->levels[0], sources.count, memory.spectra);
      run.forward_band(filters_.bands[0], sources, memory, features);
    }
  }

  /// images (planes, height, width), the gradient of their features -> that of the images.
  template <class Queue, class F>
  void backward(Queue& queue, const Constants<T>& constants, const T* images,
                const FeatureView<const F>& gradients, std::int64_t planes, T* image_gradients,
                void* workspace) const {
    differentiate(Run<Queue>{*this, queue, constants}, images, gradients, planes, image_gradients, workspace,
                  ImagesOnly{});
  }

  /// The same, and that of the wavelets, (J, L, padded height, padded width).
  template <class Queue, class F>
  void backward(Queue& queue, const Constants<T>& constants, const T* images,
                const FeatureView<const F>& gradients, std::int64_t planes, T* image_gradients,
                double* wavelet_gradients, void* workspace) const {
    const Run<Queue> run{*this, queue, constants};
    run.set_to_zero(wavelet_gradients,
                    tables_->options.scales * tables_->options.angles * size_of(tables_->levels[0]));
    differentiate(run, images, gradients, planes, image_gradients, workspace,
                  ToWavelets<Queue>{run, wavelet_gradients});
  }

 private:
  // Consecutive real planes that the wavelets of a band are applied to.
  struct Sources {
    SourceMaps maps;
    std::int64_t count = 0;
  };

  struct Memory {
    Complex<T>* spectra = nullptr;    // of the sources; later their gradient in space, real planes
    Complex<T>* gradients = nullptr;  // of the sources' spectra, whole ones
    T* averages = nullptr;            // of all sources at one scale
    Complex<T>* wavelets = nullptr;
    T* moduli = nullptr;          // |x * psi| as sources of order 2
    std::byte* second = nullptr;  // the memory of order 2
  };

  template <class Queue>
  struct Run;

  // What else a backward pass does with each scale's sources and the spectra of the gradients of their
  // wavelet planes, if it keeps those.
  struct ImagesOnly {
    static constexpr bool keeps_spectra = false;
    template <class... Arguments>
    void operator()(const Arguments&...) const {}
  };
  template <class Queue>
  struct ToWavelets {
    static constexpr bool keeps_spectra = true;
    void operator()(const Band& band, int scale, std::int64_t sources, const Complex<T>* spectra,
                    const Complex<T>* gradients) const {
      run.correlate(band, scale, sources, spectra, gradients, wavelets);
    }
    const Run<Queue>& run;
    double* wavelets;
  };

  Schedule(std::shared_ptr<const Tables<T>> tables, const FilterBank& bank, std::size_t wavelet_bytes)
      : tables_(std::move(tables)), filters_(*tables_, bank), wavelet_bytes_(wavelet_bytes) {}

  template <class Queue, class F, class Correlate>
  void differentiate(const Run<Queue>& run, const T* images, const FeatureView<const F>& gradients,
                     std::int64_t planes, T* image_gradients, void* workspace,
                     const Correlate& correlate) const {
    const std::int64_t at_once = planes_at_once(planes);
    Arena arena(workspace);
    const auto memory = take_memory(arena, at_once, Pass::Backward);
    for (std::int64_t first = 0; first < planes; first += at_once) {
      const Sources sources{{.first_source = first}, std::min(at_once, planes - first)};
      const T* padded = nullptr;
      if (!filters_.bands.empty()) {
        run.transform(run.image_planes(images + first * image_size()), tables_->levels[0], sources.count,
                      memory.spectra);
        padded = run.backward_band(filters_.bands[0], sources, memory, gradients, correlate);
      }
      run.backward_order_zero(sources, padded, memory.averages, gradients,
                              image_gradients + first * image_size());
    }
  }

  static constexpr std::int64_t most_blocks = 65535;  // of a launch along y and z

  std::int64_t image_size() const { return std::int64_t{tables_->options.height} * tables_->options.width; }
  static std::int64_t size_of(const LevelTable& level) { return std::int64_t{level.height} * level.width; }
  int outputs() const { return tables_->geometry.columns.output; }
  const LevelTable& level_of(int scale) const { return tables_->level_of(scale); }
  bool has_second(const Band& band, int scale) const {
    return &band == filters_.bands.data() && scale + 1 < static_cast<int>(filters_.bands.size());
  }
  const Band& second_band(int scale) const { return filters_.bands[1 + scale]; }

  // The largest of the equal parts of `count` that have at most `most`.
  static std::int64_t part_of(std::int64_t count, std::int64_t most) {
    const std::int64_t parts = (count + most - 1) / most;
    return parts <= 1 ? std::max<std::int64_t>(count, 1) : (count + parts - 1) / parts;
  }

  // How many image planes have their spectra and averages in memory at once.
  std::int64_t planes_at_once(std::int64_t planes) const {
    constexpr std::int64_t target_bytes = std::int64_t{256} << 20;
    const auto& finest = tables_->levels[0];
    const std::int64_t plane_bytes =
        finest.height * (2 * std::int64_t{finest.width} + std::int64_t{tables_->options.angles} * outputs()) *
        static_cast<std::int64_t>(sizeof(Complex<T>));
    return part_of(planes, std::clamp<std::int64_t>(target_bytes / plane_bytes, 1, most_blocks));
  }

  // Sources whose wavelet planes at a level are in memory at once.
  std::int64_t sources_at_once(const LevelTable& level, std::int64_t sources) const {
    const std::int64_t angles = tables_->options.angles;
    const std::int64_t source_bytes = angles * size_of(level) * static_cast<std::int64_t>(sizeof(Complex<T>));
    // Those of order 2 are (sources, angles) sources.
    return part_of(sources, std::clamp<std::int64_t>(static_cast<std::int64_t>(wavelet_bytes_) / source_bytes,
                                                     1, most_blocks / angles));
  }

  Memory take_memory(Arena& arena, std::int64_t planes, Pass pass) const {
    if (!filters_.bands.empty()) return take_memory(arena, filters_.bands[0], planes, pass);
    Memory memory;
    memory.averages = arena.template take<T>(planes * tables_->levels[0].height * outputs());
    return memory;
  }

  // Memory for the wavelets of a band on this many sources.
  Memory take_memory(Arena& arena, const Band& band, std::int64_t sources, Pass pass) const {
    const auto& level = tables_->levels[band.level];
    const std::int64_t angles = tables_->options.angles;
    std::int64_t averages = 0;
    std::int64_t wavelets = 0;
    std::int64_t moduli = 0;
    std::size_t second = 0;
    for (int scale = band.first_scale; scale < tables_->options.scales; ++scale) {
      const auto& of_scale = level_of(scale);
      const std::int64_t planes = sources_at_once(of_scale, sources) * angles;
      averages = std::max(averages, sources * angles * of_scale.height * outputs());
      wavelets = std::max(wavelets, planes * size_of(of_scale));
      if (!has_second(band, scale)) continue;
      moduli = std::max(moduli, planes * size_of(of_scale));
      Arena of_second;
      take_memory(of_second, second_band(scale), planes, pass);
      second = std::max(second, of_second.used());
    }
    Memory memory;
    memory.spectra = arena.template take<Complex<T>>(sources * size_of(level));
    if (pass == Pass::Backward) memory.gradients = arena.template take<Complex<T>>(sources * size_of(level));
    memory.averages = arena.template take<T>(averages);
    memory.wavelets = arena.template take<Complex<T>>(wavelets);
    memory.moduli = arena.template take<T>(moduli);
    memory.second = arena.template take<std::byte>(static_cast<std::int64_t>(second));
    return memory;
  }

  std::shared_ptr<const Tables<T>> tables_;
  Filters<T> filters_;
  std::size_t wavelet_bytes_;
};

}  // namespace scatlight::cuda

#include "cuda/schedule-inl.h"
