#include "cpu/scratch.h"

#include <algorithm>

namespace scatlight::cpu {
namespace {

void raise(std::size_t& size, std::size_t least) { size = std::max(size, least); }

}  // namespace

template <class T>
ScratchSizes<T>::ScratchSizes(const ScatteringOptions& resolved, const Geometry& geometry,
                              const std::vector<Tiling<T>>& tilings,
                              const std::vector<Band<T>>& modulus_bands, Packing packing)
    : averages(static_cast<std::size_t>(round_up(geometry.columns.output, packing.block_size)) *
               packing.lanes),
      output_stride(averages / packing.block_size),
      map_rows(geometry.rows.output),
      second_order(!modulus_bands.empty()) {
  const std::size_t lanes = packing.lanes;
  const bool has_spectra = resolved.max_order >= 1;
  const bool is_tiled = tilings.size() > 1 || tilings[0].count() > 1;
  for (const auto& tiling : tilings) {
    for (const auto& level : tiling.levels) include(level, has_spectra, is_tiled, packing);
    if (!has_spectra) continue;
    raise(plane, tiling.levels[geometry.level(tiling.tiles.first_scale)].plane_size);
    if (tiling.vector_radix()) raise(plane, tiling.vector_radix()->plane_size());
  }
  // A spectrum is complete before the planes that are made of it, which then have its memory; but in order 2
  // they are of another one.
  if (!second_order) raise(plane, half + spectrum);
  for (const auto& band : modulus_bands) raise(folded, band.size);
  if (packing.block_size == 1) images = static_cast<std::size_t>(resolved.height) * resolved.width * lanes;
  if (!second_order) return;
  const auto& levels = tilings[0].levels;
  second_plane = levels[geometry.level(1)].plane_size;
  modulus_gradient = round_up(levels[0].height, packing.block_size) * levels[0].blocks * lanes;
}

template <class T>
void ScratchSizes<T>::include(const Level<T>& level, bool has_spectra, bool is_tiled, Packing packing) {
  const std::size_t lanes = packing.lanes;
  const std::size_t element = 2 * lanes;
  const std::size_t height = round_up(level.height, 2 * packing.block_size);
  raise(line, level.blocks * level.line_block_stride);
  raise(line, height * element);
  include(level.along_columns, element);
  include(level.along_rows, element);
  for (const auto* low_pass : {&level.horizontal, &level.vertical}) {
    if (low_pass->halves) raise(line, low_pass->halves->scratch_vectors(low_pass->step) * lanes);
    if (!low_pass->spectral) continue;
    blocks_averaged = 2;
    for (const auto* plan : {&low_pass->spectral->line, &low_pass->spectral->outputs}) {
      raise(line, plan->length * element);
      include(*plan, element);
    }
  }
  raise(row_ring, level.ring_blocks * level.ring_stride);
  raise(row, level.blocks * packing.block_size * lanes);
  const std::size_t before = level.vertical.spectral ? 0 : (is_tiled ? 2 : 1) * level.vertical.radius;
  raise(rows_before, before);
  raise(rows, level.plane_height + before);
  if (!has_spectra) return;
  raise(half, height * level.half_stride);
  raise(spectrum, 2 * height * level.spectrum_stride);
}

template <class T>
void ScratchSizes<T>::include(const FftPlan<T>& plan, std::size_t element) {
  raise(work, plan.work_elements() * element);
  raise(prime, plan.prime_elements() * element);
}

template <class T>
Scratch<T>::Scratch(const ScratchSizes<T>& sizes, Pass pass, Arena<T>& arena)
    : plane(arena.take(sizes.plane)),
      line(arena.take(sizes.line)),
      work(arena.take(sizes.work)),
      prime(arena.take(sizes.prime)),
      row_ring(arena.take(sizes.row_ring)),
      averages(arena.take(sizes.blocks_averaged * sizes.averages)),
      average_rows(arena.take((sizes.rows_before + sizes.rows) * sizes.output_stride)),
      map(arena.take(sizes.map_rows * sizes.output_stride)),
      images(arena.take(sizes.images)),
      pair(arena.take(sizes.line)),
      half(sizes.second_order ? arena.take(sizes.half + sizes.spectrum) : plane),
      spectrum(half),
      folded(arena.take(sizes.folded)) {
  if (average_rows != nullptr) {  // there is memory
    average_rows += sizes.rows_before * sizes.output_stride;
    spectrum += sizes.half;
  }
  if (pass == Pass::Forward) return;
  row = arena.take(sizes.row);
  second_plane = arena.take(sizes.second_plane);
  folded_gradient = arena.take(sizes.folded);
  modulus_gradient = arena.take(sizes.modulus_gradient);
}

template struct ScratchSizes<float>;
template struct ScratchSizes<double>;
template struct Scratch<float>;
template struct Scratch<double>;

}  // namespace scatlight::cpu
