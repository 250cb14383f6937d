#include "cpu/tables.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <tuple>
#include <unordered_map>

namespace scatlight::cpu {
namespace {

// As Axis::sources, of a tile.
std::vector<std::int32_t> sources_of(const Axis& axis, const TileAxis& tiles, int tile, Boundary boundary) {
  const auto of_plane = axis.sources(boundary);
  auto sources = tiles.positions(tile);
  for (auto& position : sources) position = of_plane[position];
  return sources;
}

}  // namespace

ColumnSources::ColumnSources(const std::vector<std::int32_t>& sources) {
  const auto add = [](std::vector<Run>& to, std::int32_t column, std::int32_t source) {
    if (!to.empty() && to.back().begin + to.back().length == column &&
        to.back().source + to.back().length == source) {
      ++to.back().length;
    } else {
      to.push_back({.begin = column, .source = source, .length = 1});
    }
  };
  std::vector<Run> all;
  for (std::int32_t column = 0; column < std::ssize(sources); ++column) {
    if (sources[column] < 0) {
      zeros.push_back(column);
    } else {
      add(all, column, sources[column]);
    }
  }

  // The longest first: what a shorter one has in common with it repeats it.
  std::ranges::sort(all, [](const Run& a, const Run& b) {
    return std::tie(b.length, a.begin) < std::tie(a.length, b.begin);
  });
  std::unordered_map<std::int32_t, std::int32_t> column_of;
  for (const Run& run : all) {
    for (std::int32_t i = 0; i < run.length; ++i) {
      const auto [held, is_new] = column_of.try_emplace(run.source + i, run.begin + i);
      if (is_new) {
        add(runs, run.begin + i, run.source + i);
      } else {
        repeats.push_back({.column = run.begin + i, .of = held->second});
      }
    }
  }
}

ColumnBlocks::ColumnBlocks(int width, int block_size)
    : width(width),
      block_size(block_size),
      pairs((width - 1) / (2 * block_size)),
      stored(pairs + (width - 2 * pairs * block_size + block_size - 1) / block_size) {}

int ColumnBlocks::used(int stored_block) const {
  if (stored_block < pairs) return block_size;
  return std::min(block_size, width - pairs * block_size - stored_block * block_size);
}

std::vector<std::int32_t> ColumnBlocks::places() const {
  std::vector<std::int32_t> places(width);
  for (int block = 0; block < plane_blocks(); ++block) {
    const int stored = stored_block(block);
    for (int place = 0; place < used(stored); ++place) {
      const int of_place = column(stored, place);
      places[is_mirrored(block) ? width - of_place : of_place] = block * block_size + place;
    }
  }
  return places;
}

template <class T>
Level<T>::Level(const FilterBank& bank, const Geometry& geometry, const Tiles& tiles, int level,
                Packing packing)
    : level(level),
      plane_height(geometry.rows.padded >> level),
      plane_width(geometry.columns.padded >> level),
      height(tiles.rows.length >> level),
      width(tiles.columns.length >> level),
      blocks((width + packing.block_size - 1) / packing.block_size),
      columns(width, packing.block_size),
      along_columns(height, packing.lanes),
      along_rows(width, packing.lanes),
      row_position(height),
      row_block_stride(static_cast<std::size_t>(blocks | 1) * packing.block_size * 2 * packing.lanes),
      plane_size((height + packing.block_size - 1) / packing.block_size * row_block_stride),
      line_block_stride((packing.block_size == 1 ? 1 : packing.block_size + 1) *
                        static_cast<std::size_t>(2 * packing.lanes)),
      vertical(bank, geometry.rows, geometry, level, packing.lanes, LowPass<T>::vertical_tap_cost),
      horizontal(bank, geometry.columns, geometry, level, packing.lanes, LowPass<T>::horizontal_tap_cost) {
  const int lanes = packing.lanes;
  const int block_size = packing.block_size;
  for (int position = 0; position < height; ++position)
    row_position[along_columns.input[position]] = position;
  for (const int row : along_columns.input)
    flipped_position.push_back(row == 0 ? height : row_position[height - row]);

  const int element = 2 * lanes;
  // The last tile may be longer than what is left of the plane.
  const int columns_of_tiles =
      (tiles.columns.begin(tiles.columns.count - 1) >> level) + round_up(width, block_size);
  ring_stride = (std::max(columns_of_tiles, plane_width + horizontal.radius) + horizontal.radius) *
                static_cast<std::size_t>(lanes);
  const int core = tiles.rows.core >> level;
  partial_rows =
      vertical.takes_whole() ? core : (core - 1 + vertical.taps() + vertical.step - 1) / vertical.step;
  const bool is_whole = tiles.columns.count > 1;
  ring_blocks = is_whole ? (height + block_size - 1) / block_size : horizontal.spectral ? 2 : 1;
  ring_mask = is_whole ? ~0 : ring_blocks - 1;
  // Of blocks of columns up to the middle and of stored ones, the larger number.
  const std::size_t half_blocks = std::max(width / 2 / block_size + 1, columns.stored);
  half_stride = (half_blocks | 1) * element;
  spectrum_stride = (half_blocks + 2) * lanes;
  for (const int row : along_columns.output) spectrum_output.push_back(row_position[row] * element);
  const auto in_plane = [&](int row) {
    return static_cast<std::ptrdiff_t>(row / block_size * row_block_stride) + row % block_size * element;
  };
  std::ranges::transform(along_columns.input, std::back_inserter(plane_input), in_plane);
  std::ranges::transform(along_columns.output, std::back_inserter(plane_output), in_plane);
  const auto in_line = [&, places = columns.places()](int column) -> std::ptrdiff_t {
    return places[column] / block_size * line_block_stride + places[column] % block_size * element;
  };
  std::ranges::transform(along_rows.input, std::back_inserter(line_input), in_line);
  std::ranges::transform(along_rows.output, std::back_inserter(line_output), in_line);
  line_work.resize(along_rows.work_elements());
  const auto& first = along_rows.stages.front();
  for (int k = 0; k < first.radix; ++k) {
    for (int p = 0; p < first.stride; ++p)
      line_work[k * (first.stride + along_rows.work_gap) + p] = line_input[p * first.radix + k];
  }
  std::ranges::transform(along_rows.output, std::back_inserter(row_output),
                         [&](int column) -> std::ptrdiff_t { return column * lanes; });
}

Folding::Folding(int from_height, int from_width, int levels, const std::vector<std::int32_t>& input,
                 const std::optional<VectorRadixPlan>& vector_radix, Packing packing)
    : height(from_height >> levels),
      width(from_width >> levels),
      across(1 << levels),
      down(1 << levels),
      columns(width, packing.block_size),
      lanes(packing.lanes),
      rows(input),
      vector_radix(vector_radix) {
  if (levels > 0) std::ranges::sort(rows);
}

void Folding::keep(const std::vector<bool>& is_read) {
  alias_blocks.clear();
  for (int y = 0; y < down; ++y) {
    for (int block = 0; block < columns.stored; ++block) {
      const int first = columns.first(block);
      const bool has_lone = columns.has_zero(block) && first > 0;
      for (int x = 0; x < across; ++x) {
        const int alias = y * across + x;
        if (!is_read[block * aliases() + alias]) continue;
        alias_blocks.push_back(
            {.row = y * height,
             .column = x * width + first,
             .used = columns.used(block),
             .lone = has_lone ? x * width : -1,
             .begin = static_cast<std::ptrdiff_t>(block * block_stride() + alias * alias_size())});
      }
    }
  }
}

template <class T>
FoldedFilter<T>::FoldedFilter(const FilterBank& bank, const WaveletSpectrum& wavelet, int from_level,
                              const Folding& folding, bool opposite_exists)
    : has_opposite(opposite_exists) {
  const int from_height = folding.height * folding.down;
  const int from_width = folding.width * folding.across;
  const int block_size = folding.columns.block_size;
  const double factor = 1.0 / (static_cast<double>(from_height) * from_width);
  // The peak of psi is about 1. Up to here, what is left out does not show beside the rounding of the rest.
  const double negligible = 4 * std::numeric_limits<T>::epsilon();

  std::vector<double> whole(static_cast<std::size_t>(from_height) << from_level);
  // All columns that fold onto one block: (across, block_size, from_height).
  std::vector<double> columns(static_cast<std::size_t>(folding.across) * block_size * from_height);
  const auto value = [&](int alias, int place, int row) {
    const int whole_row = (alias / folding.across * folding.height + row) % from_height;
    return columns[(static_cast<std::size_t>(alias % folding.across) * block_size + place) * from_height +
                   whole_row];
  };
  const auto counts = [&](int alias, int used, int row) {
    for (int place = 0; place < used; ++place) {
      if (std::abs(value(alias, place, row)) >= negligible) return true;
    }
    return false;
  };
  std::vector<std::int32_t> kept;
  for (int block = 0; block < folding.columns.plane_blocks(); ++block) {
    begin.push_back(static_cast<std::int32_t>(segments.size()));
    const int stored = folding.columns.stored_block(block);
    if (has_opposite && stored < folding.columns.pairs) continue;
    const int used = folding.columns.used(stored);
    std::ranges::fill(columns, 0.0);
    for (int across = 0; across < folding.across; ++across) {
      for (int place = 0; place < used; ++place) {
        const auto column = std::span(columns).subspan(
            (static_cast<std::size_t>(across) * block_size + place) * from_height, from_height);
        const int x = across * folding.width + folding.columns.column(stored, place);
        if (folding.columns.is_mirrored(block)) {
          bank.psi_column(wavelet, from_level, from_width - x, whole, column);
          std::reverse(column.begin() + 1, column.end());
        } else {
          bank.psi_column(wavelet, from_level, x, whole, column);
        }
      }
    }
    const auto begin_segment = [&](int row) {
      segments.push_back({.begin = row,
                          .end = row,
                          .aliases = static_cast<std::int32_t>(kept.size()),
                          .first_alias = static_cast<std::int32_t>(aliases.size()),
                          .values = static_cast<std::ptrdiff_t>(values.size())});
      for (const int alias : kept) {
        aliases.push_back(alias);
        flipped_aliases.push_back(folding.flipped(alias));
      }
    };
    const auto add_row = [&](int row) {
      for (const int alias : kept) {
        for (int place = 0; place < block_size; ++place)
          values.push_back(static_cast<T>(value(alias, place, row) * factor));
      }
      ++segments.back().end;
    };
    if (folding.aliases() == 1) {
      const auto counts_at = [&](int row) { return counts(0, used, row); };
      if (std::ranges::none_of(folding.rows, counts_at)) continue;
      kept = {0};
      begin_segment(0);
      std::ranges::for_each(folding.rows, add_row);
      add_row(folding.height);
      continue;
    }
    for (int row = 0; row <= folding.height; ++row) {
      std::vector<std::int32_t> of_row;
      for (int alias = 0; alias < folding.aliases(); ++alias) {
        if (counts(alias, used, row)) of_row.push_back(alias);
      }
      if (row == 0 || of_row != kept) {
        kept = std::move(of_row);
        begin_segment(row);
      }
      add_row(row);
    }
  }
  begin.push_back(static_cast<std::int32_t>(segments.size()));
  values.shrink_to_fit();
}

template <class T>
FoldedFilter<T>::FoldedFilter(const FilterBank& bank, const WaveletSpectrum& wavelet,
                              const VectorRadixPlan& vector_radix, bool opposite_exists)
    : has_opposite(opposite_exists) {
  if (has_opposite) return;
  const int height = vector_radix.rows * VectorRadixPlan::radix;
  const int width = vector_radix.columns * VectorRadixPlan::radix;
  const double factor = 1.0 / (static_cast<double>(height) * width);
  std::vector<double> column(height);
  std::vector<double> whole(height);
  values.resize(vector_radix.filter_size());
  for (int c = 0; c < width; ++c) {
    bank.psi_column(wavelet, 0, c, whole, column);
    for (int r = 0; r < height; ++r)
      values[vector_radix.element(r, c) * VectorRadixPlan::radix + c % VectorRadixPlan::radix] =
          static_cast<T>(column[r] * factor);
  }
}

template <class T>
Band<T>::Band(const FilterBank& bank, const Geometry& geometry, const std::vector<Level<T>>& levels,
              const ScatteringOptions& options, int level, int first_scale, int end_scale,
              const std::optional<VectorRadixPlan>& vector_radix, Packing packing)
    : first_scale(first_scale), level(level), first_to_level(geometry.level(first_scale)) {
  for (int to = first_to_level; to <= geometry.level(end_scale - 1); ++to) {
    foldings.emplace_back(levels[level].height, levels[level].width, to - level,
                          levels[to].along_columns.input, to == first_to_level ? vector_radix : std::nullopt,
                          packing);
    offsets.push_back(size);
    gradient_sums.push_back({0, 1});
    size += foldings.back().size();
  }
  for (int scale = first_scale; scale < end_scale; ++scale) {
    const int to = geometry.level(scale);
    for (int angle = 0; angle < options.angles; ++angle) {
      const auto wavelet = bank.wavelet(scale, angle);
      const bool opposite_exists = wavelet.is_symmetric() && bank.opposite_angle(angle) < angle;
      if (folding(to).vector_radix) {
        filters.emplace_back(bank, wavelet, *folding(to).vector_radix, opposite_exists);
      } else {
        filters.emplace_back(bank, wavelet, level, folding(to), opposite_exists);
      }
    }
  }
  for (int angle = 0; angle < options.angles; ++angle) opposite_angles.push_back(bank.opposite_angle(angle));

  for (int to_level = first_to_level; auto& to : foldings) {
    if (to.vector_radix) {
      ++to_level;
      continue;
    }
    std::vector<bool> is_read(to.columns.stored * to.aliases());
    for (int scale = first_scale; scale < end_scale; ++scale) {
      if (geometry.level(scale) != to_level) continue;
      for (int angle = 0; angle < options.angles; ++angle) {
        for (int block = 0; block < to.columns.plane_blocks(); ++block) {
          const auto of_block = filter(scale, angle, to_level, block);
          const int first = to.columns.stored_block(block) * to.aliases();
          for (const auto& segment : of_block.segments) {
            for (int i = 0; i < segment.aliases; ++i)
              is_read[first + of_block.aliases[segment.first_alias + i]] = true;
          }
        }
      }
    }
    to.keep(is_read);
    ++to_level;
  }
}

template <class T>
FilterBlock<T> Band<T>::filter(int scale, int angle, int to_level, int plane_block) const {
  const auto* of_scale = &filters[(scale - first_scale) * opposite_angles.size()];
  const auto& to = folding(to_level);
  const int stored = to.columns.stored_block(plane_block);
  const bool flipped = of_scale[angle].has_opposite && stored < to.columns.pairs;
  const auto& filter = of_scale[flipped ? opposite_angles[angle] : angle];
  int block = plane_block;
  if (flipped) block = to.columns.is_mirrored(block) ? stored : to.columns.stored + stored;
  return {.values = filter.values.data(),
          .segments = std::span(filter.segments)
                          .subspan(filter.begin[block], filter.begin[block + 1] - filter.begin[block]),
          .aliases = (flipped ? filter.flipped_aliases : filter.aliases).data(),
          .flipped = flipped,
          .height = to.height};
}

template <class T>
VectorRadixFilter<T> Band<T>::vector_radix_filter(int scale, int angle) const {
  const auto* of_scale = &filters[(scale - first_scale) * opposite_angles.size()];
  const bool mirrored = of_scale[angle].has_opposite;
  return {.values = of_scale[mirrored ? opposite_angles[angle] : angle].values.data(), .mirrored = mirrored};
}

template <class T>
std::vector<std::span<const std::byte>> Band<T>::memory(int scale, int first_angle, int count) const {
  const auto first = filters.begin() + (scale - first_scale) * opposite_angles.size() + first_angle;
  std::vector<std::span<const std::byte>> ranges;
  for (auto filter = first; filter != first + count; ++filter) {
    if (!filter->values.empty()) ranges.push_back(std::as_bytes(std::span(filter->values)));
  }
  return ranges;
}

template <class T>
void Band<T>::clear(T* folded, int sum) const {
  for (std::size_t i = 0; i < foldings.size(); ++i) {
    if (!gradient_sums[i].has(sum)) continue;
    if (foldings[i].vector_radix) std::fill_n(folded + offsets[i], foldings[i].size(), T{0});
    for (const auto& block : foldings[i].alias_blocks)
      std::fill_n(folded + offsets[i] + block.begin, foldings[i].alias_size(), T{0});
  }
}

template <class T>
Tiling<T>::Tiling(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank,
                  const Tiles& tiles, Packing packing)
    : tiles(tiles) {
  const int last_level = tiles.end_scale > 0 ? geometry.level(tiles.end_scale - 1) : 0;
  for (int level = 0; level <= last_level; ++level)
    levels.emplace_back(bank, geometry, tiles, level, packing);
  for (int tile = 0; tile < tiles.rows.count; ++tile)
    row_sources.push_back(sources_of(geometry.rows, tiles.rows, tile, resolved.boundary));
  for (int tile = 0; tile < tiles.columns.count; ++tile)
    column_sources.emplace_back(sources_of(geometry.columns, tiles.columns, tile, resolved.boundary));
  if (resolved.max_order < 1) return;
  Geometry of_tile = geometry;
  of_tile.rows.padded = tiles.rows.length;
  of_tile.columns.padded = tiles.columns.length;
  const FilterBank wavelets(resolved, of_tile);
  // Order 2 goes on from rows in their natural order; phi_J by spectra takes two blocks of them at a time.
  const auto& finest = levels[0];
  std::optional<VectorRadixPlan> vector_radix;
  if (resolved.max_order == 1 && geometry.level(tiles.first_scale) == 0 && !finest.horizontal.spectral &&
      VectorRadixPlan::fits(finest.height, finest.width, packing))
    vector_radix.emplace(finest.height, finest.width);
  image_band.emplace_back(wavelets, geometry, levels, resolved, 0, tiles.first_scale, tiles.end_scale,
                          vector_radix, packing);
}

template <class T>
Tables<T>::Tables(const ScatteringOptions& resolved, const Geometry& given, const FilterBank& bank,
                  Packing packing)
    : options(resolved),
      geometry(given),
      packing(packing),
      spectra_size(0),
      strip_spectra_size(0),
      maps(static_cast<int>(make_paths(resolved).size())),
      zero_row(round_up(resolved.width, packing.block_size) * (packing.block_size == 1 ? packing.lanes : 1)) {
  const SampleType sample_type = {
      .epsilon = std::numeric_limits<T>::epsilon(), .bytes = static_cast<int>(sizeof(T)), .packing = packing};
  for (const auto& tiles : choose_tiles(resolved, given, sample_type)) {
    auto& tiling = tilings.emplace_back(resolved, given, bank, tiles, packing);
    tiling.spectra_begin = spectra_size;
    spectra_size += tiling.count() * tiling.spectrum_size();
    strip_spectra_size = std::max(strip_spectra_size, tiles.columns.count * tiling.spectrum_size());
  }
  if (options.max_order >= 2) {
    for (int scale = 0; scale + 1 < options.scales; ++scale) {
      modulus_bands.emplace_back(bank, geometry, tilings[0].levels, options, geometry.level(scale), scale + 1,
                                 options.scales, std::nullopt, packing);
    }
  }
  const int first_grouped_scale = options.max_order >= 2 ? options.scales - 1 : 0;
  for (const auto& tiling : tilings)
    std::ranges::move(make_groups(tiling, tiling.tiles.first_scale, first_grouped_scale),
                      std::back_inserter(groups));
  for (auto& group : groups)
    group.filters = tilings[group.tiling].image_band[0].memory(group.scale, group.angle, group.count);
  for (int scale = 0; scale < static_cast<int>(modulus_bands.size()); ++scale)
    second_groups.push_back(make_groups(tilings[0], scale + 1, options.scales));
  deal_groups();
  lay_out_scratch();
}

/// Groups of scales before `first_grouped_scale` have one path.
template <class T>
std::vector<PathGroup> Tables<T>::make_groups(const Tiling<T>& tiling, int first_scale,
                                              int first_grouped_scale) const {
  const auto plane_size = [&](int scale) { return tiling.levels[geometry.level(scale)].plane_size; };
  std::vector<PathGroup> list;
  for (int scale = first_scale; scale < tiling.tiles.end_scale; ++scale) {
    const bool alone = tiling.count() > 1 || scale < first_grouped_scale;
    const int largest =
        alone ? 1 : static_cast<int>(plane_size(tiling.tiles.first_scale) / plane_size(scale));
    for (int angle = 0; angle < options.angles; angle += largest) {
      list.push_back({.tiling = static_cast<int>(&tiling - tilings.data()),
                      .scale = scale,
                      .angle = angle,
                      .count = std::min(largest, options.angles - angle),
                      .filters = {}});
    }
  }
  return list;
}

template <class T>
void Tables<T>::deal_groups() {
  // By samples of planes.
  const auto samples = [&](const PathGroup& group) {
    const auto& tiling = tilings[group.tiling];
    const auto& level = tiling.levels[geometry.level(group.scale)];
    return static_cast<double>(tiling.count()) * level.height * level.width * group.count;
  };
  std::vector<double> before = {0};
  for (const auto& group : groups) {
    double cost = samples(group);
    if (group.scale < std::ssize(second_groups)) {
      for (const auto& second : second_groups[group.scale]) cost += samples(second);
    }
    before.push_back(before.back() + cost);
  }
  sum_begin.fill(0);
  for (auto& tiling : tilings) {
    for (auto& band : tiling.image_band)
      std::ranges::fill(band.gradient_sums, typename Band<T>::Sums{gradient_sums, 0});
  }
  std::size_t i = 0;
  for (int sum = 0; sum < gradient_sums; ++sum) {
    const double end = before.back() * (sum + 1) / gradient_sums;
    // A group belongs to the sum that has its middle.
    for (; i < groups.size() && (before[i] + before[i + 1]) / 2 <= end; ++i) {
      auto& band = tilings[groups[i].tiling].image_band[0];
      auto& sums = band.gradient_sums[geometry.level(groups[i].scale) - band.first_to_level];
      sums = {std::min(sums.first, sum), sum + 1};
    }
    sum_begin[sum + 1] = i;
  }
}

template <class T>
int Tables<T>::second_map(int scale, int angle, int scale2, int angle2) const {
  // Each (j1, theta1) has L maps for each j2 above j1.
  const int pairs_below = scale * (options.scales - 1) - scale * (scale - 1) / 2;
  return 1 + options.scales * options.angles + options.angles * options.angles * pairs_below +
         angle * options.angles * (options.scales - 1 - scale) + (scale2 - scale - 1) * options.angles +
         angle2;
}

template <class T>
void Tables<T>::lay_out_scratch() {
  const std::size_t lanes = packing.lanes;
  const int block_size = packing.block_size;
  const std::size_t element = 2 * lanes;
  const bool spectra = options.max_order >= 1;
  const bool second_order = !modulus_bands.empty();
  std::size_t plane = 0;
  std::size_t line = 0;
  std::size_t work = 0;
  std::size_t prime = 0;
  std::size_t row_ring = 0;
  std::size_t averages = 1;
  std::size_t row = 0;
  std::size_t rows = 0;
  std::size_t rows_before = 0;
  std::size_t half = 0;
  std::size_t spectrum = 0;
  for (const auto& tiling : tilings) {
    if (spectra) plane = std::max(plane, tiling.levels[geometry.level(tiling.tiles.first_scale)].plane_size);
    if (spectra && tiling.vector_radix()) plane = std::max(plane, tiling.vector_radix()->plane_size());
    for (const auto& level : tiling.levels) {
      const std::size_t height = round_up(level.height, 2 * block_size);
      line = std::max({line, level.blocks * level.line_block_stride, height * element});
      for (const auto* plan : {&level.along_columns, &level.along_rows}) {
        work = std::max(work, plan->work_elements() * element);
        prime = std::max(prime, plan->prime_elements() * element);
      }
      for (const auto* low_pass : {&level.horizontal, &level.vertical}) {
        if (low_pass->halves)
          line = std::max(line, low_pass->halves->scratch_vectors(low_pass->step) * lanes);
        if (!low_pass->spectral) continue;
        averages = 2;
        for (const auto* plan : {&low_pass->spectral->line, &low_pass->spectral->outputs}) {
          line = std::max(line, plan->length * element);
          work = std::max(work, plan->work_elements() * element);
          prime = std::max(prime, plan->prime_elements() * element);
        }
      }
      row_ring = std::max(row_ring, level.ring_blocks * level.ring_stride);
      row = std::max(row, level.blocks * block_size * lanes);
      const std::size_t before = level.vertical.spectral ? 0 : (is_tiled() ? 2 : 1) * level.vertical.radius;
      rows_before = std::max(rows_before, before);
      rows = std::max(rows, level.plane_height + before);
      if (!spectra) continue;
      half = std::max(half, height * level.half_stride);
      spectrum = std::max(spectrum, 2 * height * level.spectrum_stride);
    }
  }
  std::size_t folded = 0;
  for (const auto& of_modulus : modulus_bands) folded = std::max(folded, of_modulus.size);

  std::size_t end = 0;
  const auto place = [&](std::size_t values) {
    const auto at = end;
    end += (values + 63) / 64 * 64;  // whole cache lines, whatever T is
    return at;
  };
  scratch.spectrum_margin = lanes;
  const std::size_t outputs = round_up(geometry.columns.output, block_size);
  scratch.averages_size = outputs * lanes;
  scratch.output_stride = outputs * packing.planes();
  // Without order 2, a spectrum is complete before the planes that are made of it: both have the same memory.
  scratch.plane = place(second_order ? plane : std::max(plane, half + spectrum));
  scratch.line = place(line);
  scratch.work = place(work);
  scratch.prime = place(prime);
  scratch.row_ring = place(row_ring);
  scratch.averages = place(averages * scratch.averages_size);
  scratch.average_rows =
      place((rows_before + rows) * scratch.output_stride) + rows_before * scratch.output_stride;
  scratch.map = place(geometry.rows.output * scratch.output_stride);
  scratch.images = place(block_size == 1 ? options.height * options.width * lanes : 0);
  scratch.pair = place(line);
  scratch.half = second_order ? place(half + spectrum) : scratch.plane;
  scratch.spectrum = scratch.half + half;
  scratch.folded = place(folded);
  scratch.forward_size = end;
  scratch.row = place(row);
  scratch.second_plane = place(second_order ? tilings[0].levels[geometry.level(1)].plane_size : 0);
  scratch.folded_gradient = place(folded);
  const auto& finest = tilings[0].levels[0];
  scratch.modulus_gradient =
      place(second_order ? round_up(finest.height, block_size) * finest.blocks * lanes : 0);
  scratch.size = end;

  const auto partials = [&](const Tiling<T>& tiling, int level) {
    return tiling.strips() * tiling.levels[level].partial_rows * scratch.output_stride;
  };
  std::size_t begin = partials(tilings[0], 0);
  for (const auto& tiling : tilings) {
    for (int scale = tiling.tiles.first_scale; scale < tiling.tiles.end_scale; ++scale) {
      partials_of_scale.push_back(begin);
      begin += options.angles * partials(tiling, geometry.level(scale));
    }
  }
  partials_of_scale.push_back(begin);
}

template struct Level<float>;
template struct Level<double>;
template struct FoldedFilter<float>;
template struct FoldedFilter<double>;
template struct Band<float>;
template struct Band<double>;
template struct Tiling<float>;
template struct Tiling<double>;
template struct Tables<float>;
template struct Tables<double>;

}  // namespace scatlight::cpu
