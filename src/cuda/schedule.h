#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "cuda/tables.h"
#include "scatlight/cuda.h"

namespace scatlight::cuda {

/// How many blocks a launch has.
struct Grid {
  std::int64_t x = 1;
  std::int64_t y = 1;
  std::int64_t z = 1;
};

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

/// Deals out a piece of memory from its beginning. One without memory only counts.
class Arena {
 public:
  explicit Arena(void* memory = nullptr) : memory_(static_cast<std::byte*>(memory)) {}

  template <class U>
  U* take(std::int64_t count) {
    constexpr std::size_t alignment = 256;
    const std::size_t at = used_;
    used_ += (count * sizeof(U) + alignment - 1) / alignment * alignment;
    return memory_ == nullptr ? nullptr : reinterpret_cast<U*>(memory_ + at);
  }
  std::size_t used() const { return used_; }

 private:
  std::byte* memory_;
  std::size_t used_ = 0;
};

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
      : tables_(resolved, geometry, bank), wavelet_bytes_(wavelet_bytes) {}

  const Tables<T>& tables() const { return tables_; }

  /// Bytes of memory that a pass over this many planes needs.
  std::size_t workspace_bytes(std::int64_t planes, Pass pass) const {
    Arena arena;
    take_memory(arena, planes_at_once(planes), pass);
    return arena.used();
  }

  /// images (planes, height, width) -> features. All of it where the kernels run; `constants` are the tables'
  /// there.
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
      if (tables_.bands.empty()) continue;
      run.transform(planes_here, tables_.levels[0], sources.count, memory.spectra);
      run.forward_band(tables_.bands[0], sources, memory, features);
    }
  }

  /// images (planes, height, width), the gradient of their features -> that of the images.
  template <class Queue, class F>
  void backward(Queue& queue, const Constants<T>& constants, const T* images,
                const FeatureView<const F>& gradients, std::int64_t planes, T* image_gradients,
                void* workspace) const {
    const std::int64_t at_once = planes_at_once(planes);
    Arena arena(workspace);
    const auto memory = take_memory(arena, at_once, Pass::Backward);
    const Run<Queue> run{*this, queue, constants};
    for (std::int64_t first = 0; first < planes; first += at_once) {
      const Sources sources{{.first_source = first}, std::min(at_once, planes - first)};
      const T* padded = nullptr;
      if (!tables_.bands.empty()) {
        run.transform(run.image_planes(images + first * image_size()), tables_.levels[0], sources.count,
                      memory.spectra);
        padded = run.backward_band(tables_.bands[0], sources, memory, gradients);
      }
      run.backward_order_zero(sources, padded, memory.averages, gradients,
                              image_gradients + first * image_size());
    }
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

  static constexpr std::int64_t most_blocks = 65535;  // of a launch along y and z

  std::int64_t image_size() const { return std::int64_t{tables_.options.height} * tables_.options.width; }
  static std::int64_t size_of(const LevelTable& level) { return std::int64_t{level.height} * level.width; }
  int outputs() const { return tables_.geometry.columns.output; }
  const LevelTable& level_of(int scale) const { return tables_.levels[tables_.geometry.level(scale)]; }
  bool has_second(const Band& band, int scale) const {
    return &band == tables_.bands.data() && scale + 1 < static_cast<int>(tables_.bands.size());
  }
  const Band& second_band(int scale) const { return tables_.bands[1 + scale]; }

  // The largest of the equal parts of `count` that have at most `most`.
  static std::int64_t part_of(std::int64_t count, std::int64_t most) {
    const std::int64_t parts = (count + most - 1) / most;
    return parts <= 1 ? std::max<std::int64_t>(count, 1) : (count + parts - 1) / parts;
  }

  // How many image planes have their spectra and averages in memory at once.
  std::int64_t planes_at_once(std::int64_t planes) const {
    constexpr std::int64_t target_bytes = std::int64_t{256} << 20;
    const auto& finest = tables_.levels[0];
    const std::int64_t plane_bytes =
        finest.height * (2 * std::int64_t{finest.width} + std::int64_t{tables_.options.angles} * outputs()) *
        static_cast<std::int64_t>(sizeof(Complex<T>));
    return part_of(planes, std::clamp<std::int64_t>(target_bytes / plane_bytes, 1, most_blocks));
  }

  // Sources whose wavelet planes at a level are in memory at once.
  std::int64_t sources_at_once(const LevelTable& level, std::int64_t sources) const {
    const std::int64_t angles = tables_.options.angles;
    const std::int64_t source_bytes = angles * size_of(level) * static_cast<std::int64_t>(sizeof(Complex<T>));
    // Those of order 2 are (sources, angles) sources.
    return part_of(sources, std::clamp<std::int64_t>(static_cast<std::int64_t>(wavelet_bytes_) / source_bytes,
                                                     1, most_blocks / angles));
  }

  Memory take_memory(Arena& arena, std::int64_t planes, Pass pass) const {
    if (!tables_.bands.empty()) return take_memory(arena, tables_.bands[0], planes, pass);
    Memory memory;
    memory.averages = arena.template take<T>(planes * tables_.levels[0].height * outputs());
    return memory;
  }

  // Memory for the wavelets of a band on this many sources.
  Memory take_memory(Arena& arena, const Band& band, std::int64_t sources, Pass pass) const {
    const auto& level = tables_.levels[band.level];
    const std::int64_t angles = tables_.options.angles;
    std::int64_t averages = 0;
    std::int64_t wavelets = 0;
    std::int64_t moduli = 0;
    std::size_t second = 0;
    for (int scale = band.first_scale; scale < tables_.options.scales; ++scale) {
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

  Tables<T> tables_;
  std::size_t wavelet_bytes_;
};

/// A kernel's FFT: body(one of static_lengths, or AnyFft).
template <std::size_t I = 0, class T, class Body>
void with_fft(const FftTable& table, const Constants<T>& constants, const Body& body) {
  if constexpr (std::is_same_v<T, float> && I < static_lengths.size()) {
    constexpr auto length = static_lengths[I];
    if (table.length == length.first * length.second) {
      body(StaticFft<T, length.first, length.second>{constants.roots + table.first_twiddle});
    } else {
      with_fft<I + 1>(table, constants, body);
    }
    return;
  }
  constexpr std::size_t target_bytes = 32 << 10;
  const auto lines = static_cast<unsigned>(target_bytes / sizeof(Complex<T>) / table.length);
  body(table.any(constants, static_cast<int>(std::bit_floor(std::clamp(lines, 1U, 32U)))));
}

/// The launches of one pass.
template <class T>
template <class Queue>
struct Schedule<T>::Run {
  const Schedule& schedule;
  Queue& queue;
  const Constants<T>& constants;

  const Tables<T>& tables() const { return schedule.tables_; }
  static std::int64_t blocks(std::int64_t count, std::int64_t per_block) {
    return (count + per_block - 1) / per_block;
  }
  static constexpr int threads = 256;  // of kernels without an FFT

  RealPlanes<T> image_planes(const T* images) const {
    return {images, schedule.image_size(), tables().options.width,
            constants.integers + tables().first_row_source,
            constants.integers + tables().first_column_source};
  }

  /// Real planes -> their spectra.
  void transform(const RealPlanes<T>& planes, const LevelTable& level, std::int64_t count,
                 Complex<T>* spectra) const {
    with_fft(level.along_rows, constants, [&](auto fft) {
      queue.launch(TransformRealRows<decltype(fft)>{fft, planes, level.height, spectra},
                   Grid{blocks(level.height / 2, fft.lines()), count}, fft.threads());
    });
    transform_columns<Direction::Forward, true>(level, level.width / 2 + 1, count, spectra);
  }

  /// The gradient of the spectra of real planes -> that of the planes.
  void transform_back(const LevelTable& level, std::int64_t count, Complex<T>* gradients, T* planes) const {
    transform_columns<Direction::Inverse, false>(level, level.width, count, gradients);
    with_fft(level.along_rows, constants, [&](auto fft) {
      queue.launch(RealPartOfRows<decltype(fft)>{fft, gradients, level.height, planes},
                   Grid{blocks(level.height, fft.lines()), count}, fft.threads());
    });
  }

  template <Direction direction, bool mirrors>
  void transform_columns(const LevelTable& level, int columns, std::int64_t count, Complex<T>* planes) const {
    with_fft(level.along_columns, constants, [&](auto fft) {
      queue.launch(TransformColumns<decltype(fft), direction, mirrors>{fft, columns, level.width, planes},
                   Grid{blocks(columns, fft.lines()), count}, fft.threads());
    });
  }

  template <class F>
  void forward_order_zero(const RealPlanes<T>& planes, const Sources& sources, T* averages,
                          const FeatureView<F>& features) const {
    const auto& level = tables().levels[0];
    constexpr int rows = 16;
    queue.launch(AverageRows<T>{planes, level.horizontal.at(constants), level.height, rows, averages},
                 Grid{blocks(level.height, rows), sources.count}, threads);
    write_features(averages, level, 1, sources, 0, features);
  }

  static SourceMaps maps_from(const Sources& sources, int first_map) {
    auto maps = sources.maps;
    maps.first_map = first_map;
    return maps;
  }

  template <class F>
  void write_features(const T* averages, const LevelTable& level, int paths, const Sources& sources,
                      int first_map, const FeatureView<F>& features) const {
    const int width = schedule.outputs();
    queue.launch(AverageColumns<T, F>{averages, level.vertical.at(constants), paths, width, threads,
                                      maps_from(sources, first_map), features},
                 Grid{blocks(std::int64_t{level.vertical.outputs} * width, threads), paths, sources.count},
                 threads);
  }

  template <class F>
  void read_gradients(T* averages, const LevelTable& level, int paths, const Sources& sources, int first_map,
                      const FeatureView<const F>& gradients) const {
    const int width = schedule.outputs();
    queue.launch(AverageColumnsAdjoint<T, F>{gradients, level.vertical.at(constants), paths, width, threads,
                                             maps_from(sources, first_map), averages},
                 Grid{blocks(std::int64_t{level.height} * width, threads), paths, sources.count}, threads);
  }

  // body(first source, how many), as many at a time as there is memory for.
  template <class Body>
  void for_each_part(const LevelTable& level, std::int64_t sources, const Body& body) const {
    const std::int64_t at_once = schedule.sources_at_once(level, sources);
    for (std::int64_t first = 0; first < sources; first += at_once) {
      body(first, std::min(at_once, sources - first));
    }
  }

  /// Spectra -> wavelet planes of one scale, transformed along columns.
  void analyse(const Band& band, int scale, const Complex<T>* spectra, std::int64_t count,
               Complex<T>* wavelets) const {
    const auto& from = tables().levels[band.level];
    const auto& level = schedule.level_of(scale);
    const auto& filters = band.scales[scale - band.first_scale];
    const int angles = tables().options.angles;
    with_fft(level.along_columns, constants, [&](auto fft) {
      const std::int64_t column_blocks = blocks(level.width, fft.lines());
      // A block reads its part of the spectrum once for all its angles, but there should be blocks for all
      // processors.
      constexpr std::int64_t enough_blocks = 512;
      const std::int64_t angle_blocks =
          std::clamp<std::int64_t>(blocks(enough_blocks, column_blocks * count), 1, angles);
      const auto per_block = static_cast<int>(blocks(angles, angle_blocks));
      const Grid grid{column_blocks, blocks(angles, per_block), count};
      const bool is_square = filters.whole && level.height == level.width;
      const auto launch = [&]<bool square>(std::bool_constant<square>) {
        queue.launch(
            AnalyseColumns<decltype(fft), square>{fft, spectra, filters.at(constants), angles, per_block,
                                                  from.height, from.width, level.width, wavelets},
            grid, fft.threads());
      };
      is_square ? launch(std::true_type{}) : launch(std::false_type{});
    });
  }

  void take_moduli(const LevelTable& level, std::int64_t planes, const Complex<T>* wavelets, T* averages,
                   T* moduli) const {
    with_fft(level.along_rows, constants, [&](auto fft) {
      queue.launch(ModulusRows<decltype(fft)>{fft, wavelets, level.horizontal.at(constants), level.height,
                                              averages, moduli},
                   Grid{blocks(level.height, fft.lines()), planes}, fft.threads());
    });
  }

  // The sources of order 2 below one scale that come from `count` sources of order 1, from number `first` on.
  Sources second_sources(int scale, const Sources& sources, std::int64_t first, std::int64_t count) const {
    const auto& options = tables().options;
    const Path first_path = {2, scale, 0, scale + 1, 0};
    return {{.first_source = (sources.maps.first_source + first) * options.angles,
             .per_plane = options.angles,
             .first_map = static_cast<int>(map_index(options, first_path)),
             .maps_per_source = (options.scales - 1 - scale) * options.angles},
            count * options.angles};
  }

  // The memory of these sources of order 2, with the spectra of |x * psi| of one scale.
  Memory start_second(int scale, const Sources& sources, const Memory& memory, Pass pass) const {
    const auto& level = schedule.level_of(scale);
    Arena arena(memory.second);
    const auto second = schedule.take_memory(arena, schedule.second_band(scale), sources.count, pass);
    transform({memory.moduli, size_of(level), level.width, nullptr, nullptr}, level, sources.count,
              second.spectra);
    return second;
  }

  template <class F>
  void forward_band(const Band& band, const Sources& sources, const Memory& memory,
                    const FeatureView<F>& features) const {
    const auto& from = tables().levels[band.level];
    const int angles = tables().options.angles;
    for (int scale = band.first_scale; scale < tables().options.scales; ++scale) {
      const auto& level = schedule.level_of(scale);
      const bool has_second = schedule.has_second(band, scale);
      for_each_part(level, sources.count, [&](std::int64_t first, std::int64_t count) {
        analyse(band, scale, memory.spectra + first * size_of(from), count, memory.wavelets);
        take_moduli(level, count * angles, memory.wavelets,
                    memory.averages + first * angles * level.height * schedule.outputs(),
                    has_second ? memory.moduli : nullptr);
        if (!has_second) return;
        const auto below = second_sources(scale, sources, first, count);
        const auto second = start_second(scale, below, memory, Pass::Forward);
        forward_band(schedule.second_band(scale), below, second, features);
      });
      write_features(memory.averages, level, angles, sources,
                     sources.maps.first_map + (scale - band.first_scale) * angles, features);
    }
  }

  /// The gradient of the sources, real planes.
  template <class F>
  T* backward_band(const Band& band, const Sources& sources, const Memory& memory,
                   const FeatureView<const F>& gradients) const {
    const auto& from = tables().levels[band.level];
    const int angles = tables().options.angles;
    for (int scale = band.first_scale; scale < tables().options.scales; ++scale) {
      const auto& level = schedule.level_of(scale);
      read_gradients(memory.averages, level, angles, sources,
                     sources.maps.first_map + (scale - band.first_scale) * angles, gradients);
      for_each_part(level, sources.count, [&](std::int64_t first, std::int64_t count) {
        analyse(band, scale, memory.spectra + first * size_of(from), count, memory.wavelets);
        const T* of_moduli = nullptr;
        if (schedule.has_second(band, scale)) {
          take_moduli(level, count * angles, memory.wavelets, nullptr, memory.moduli);
          const auto below = second_sources(scale, sources, first, count);
          const auto second = start_second(scale, below, memory, Pass::Backward);
          of_moduli = backward_band(schedule.second_band(scale), below, second, gradients);
        }
        differentiate_rows(level, count * angles, memory.wavelets,
                           memory.averages + first * angles * level.height * schedule.outputs(), of_moduli);
        collect(band, scale, count, memory.wavelets, memory.gradients + first * size_of(from));
      });
    }
    T* const planes = reinterpret_cast<T*>(memory.spectra);
    transform_back(from, sources.count, memory.gradients, planes);
    return planes;
  }

  void differentiate_rows(const LevelTable& level, std::int64_t planes, Complex<T>* wavelets,
                          const T* averages, const T* moduli) const {
    with_fft(level.along_rows, constants, [&](auto fft) {
      queue.launch(DifferentiateRows<decltype(fft)>{fft, wavelets, level.horizontal.at(constants),
                                                    level.height, averages, moduli},
                   Grid{blocks(level.height, fft.lines()), planes}, fft.threads());
    });
  }

  void collect(const Band& band, int scale, std::int64_t count, const Complex<T>* wavelets,
               Complex<T>* gradients) const {
    const auto& from = tables().levels[band.level];
    const auto& level = schedule.level_of(scale);
    const auto& filters = band.scales[scale - band.first_scale];
    const int angles = tables().options.angles;
    constexpr std::int64_t target_bytes = 64 << 10;
    with_fft(level.along_columns, constants, [&](auto fft) {
      const std::int64_t column_bytes =
          std::int64_t{fft.lines()} * level.height * static_cast<std::int64_t>(sizeof(Complex<T>));
      const auto at_once = std::clamp<std::int64_t>(target_bytes / column_bytes, 1, angles);
      queue.launch(CollectColumns<decltype(fft)>{fft, wavelets, filters.at(constants), angles,
                                                 static_cast<int>(at_once), from.height, from.width,
                                                 level.width, scale > band.first_scale, gradients},
                   Grid{blocks(level.width, fft.lines()), count}, fft.threads());
    });
  }

  template <class F>
  void backward_order_zero(const Sources& sources, const T* padded, T* averages,
                           const FeatureView<const F>& gradients, T* images) const {
    const auto& level = tables().levels[0];
    const auto& options = tables().options;
    read_gradients(averages, level, 1, sources, 0, gradients);
    queue.launch(GatherImage<T>{padded, averages, level.horizontal.at(constants),
                                tables().row_repeats.at(constants), tables().column_repeats.at(constants),
                                level.height, options.height, options.width, threads, images},
                 Grid{blocks(schedule.image_size(), threads), sources.count}, threads);
  }
};

}  // namespace scatlight::cuda
