#pragma once

// What schedule.h includes at its end.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "cuda/launch.h"
#include "cuda/schedule.h"
#include "cuda/wavelet_kernels.h"

namespace scatlight::cuda {

/// The launches of one pass.
template <class T>
template <class Queue>
struct Schedule<T>::Run {
  const Schedule& schedule;
  Queue& queue;
  const Constants<T>& constants;

  const Tables<T>& tables() const { return *schedule.tables_; }
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
  template <class F, class Correlate>
  T* backward_band(const Band& band, const Sources& sources, const Memory& memory,
                   const FeatureView<const F>& gradients, const Correlate& correlate) const {
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
          of_moduli = backward_band(schedule.second_band(scale), below, second, gradients, correlate);
        }
        differentiate_rows(level, count * angles, memory.wavelets,
                           memory.averages + first * angles * level.height * schedule.outputs(), of_moduli);
        collect(band, scale, count, memory.wavelets, memory.gradients + first * size_of(from),
                Correlate::keeps_spectra);
        correlate(band, scale, count, memory.spectra + first * size_of(from), memory.wavelets);
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

  void collect(const Band& band, int scale, std::int64_t count, Complex<T>* wavelets, Complex<T>* gradients,
               bool keeps_spectra) const {
    const auto& from = tables().levels[band.level];
    const auto& level = schedule.level_of(scale);
    const auto& filters = band.scales[scale - band.first_scale];
    const int angles = tables().options.angles;
    constexpr std::int64_t target_bytes = 64 << 10;
    with_fft(level.along_columns, constants, [&](auto fft) {
      const std::int64_t column_bytes =
          std::int64_t{fft.lines()} * level.height * static_cast<std::int64_t>(sizeof(Complex<T>));
      const auto at_once = std::clamp<std::int64_t>(target_bytes / column_bytes, 1, angles);
      queue.launch(
          CollectColumns<decltype(fft)>{fft, wavelets, filters.at(constants), angles,
                                        static_cast<int>(at_once), from.height, from.width, level.width,
                                        scale > band.first_scale, keeps_spectra, gradients},
          Grid{blocks(level.width, fft.lines()), count}, fft.threads());
    });
  }

  void set_to_zero(double* values, std::int64_t count) const {
    queue.launch(SetToZero{values, count, threads}, Grid{blocks(count, threads)}, threads);
  }

  void correlate(const Band& band, int scale, std::int64_t count, const Complex<T>* spectra,
                 const Complex<T>* gradients, double* wavelets) const {
    const auto& from = tables().levels[band.level];
    const auto& level = schedule.level_of(scale);
    const auto& padded = tables().levels[0];
    const int angles = tables().options.angles;
    const int levels = tables().geometry.level(scale) - band.level;
    const auto launch = [&]<int Parts, int Angles>() {
      using Kernel = CorrelateSpectra<T, Parts, Angles>;
      const std::int64_t tiles = (std::int64_t{1} << 2 * levels) / Parts * blocks(angles, Angles);
      // There should be threads for all processors, but groups of sources make blocks of few samples.
      constexpr std::int64_t enough_threads = 1 << 16;
      const auto groups = std::bit_floor(static_cast<std::uint64_t>(std::clamp<std::int64_t>(
          std::min(count, enough_threads / (size_of(level) * tiles)), 1, Kernel::most_groups)));
      const Kernel kernel{.spectra = spectra,
                          .gradients = gradients,
                          .sources = static_cast<int>(count),
                          .angles = angles,
                          .source_height = from.height,
                          .source_width = from.width,
                          .levels = levels,
                          .groups = static_cast<int>(groups),
                          .padded_height = padded.height,
                          .padded_width = padded.width,
                          .wavelets = wavelets + std::int64_t{scale} * angles * size_of(padded)};
      queue.launch(kernel,
                   Grid{blocks(size_of(level), kernel.samples()) * (std::int64_t{1} << 2 * levels) / Parts,
                        blocks(angles, Angles)},
                   Kernel::threads);
    };
    levels == 0 ? launch.template operator()<1, 8>() : launch.template operator()<4, 4>();
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
