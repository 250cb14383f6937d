#include "cpu/tables.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <numbers>

namespace scatlight::cpu {
namespace {

int round_up(int value, int step) { return (value + step - 1) / step * step; }

// The kernel in space of a real and even spectrum, value n at index n.
std::vector<double> kernel_of(const std::vector<double>& spectrum) {
  const int length = static_cast<int>(spectrum.size());
  std::vector<Fft::Complex> values(spectrum.begin(), spectrum.end());
  std::vector<Fft::Complex> transformed(length);
  Fft(length).forward(values.data(), 1, transformed.data());
  std::vector<double> kernel(length);
  std::transform(transformed.begin(), transformed.end(), kernel.begin(),
                 [length](auto z) { return z.real() / length; });
  return kernel;
}

// Standard deviations of a Gaussian beyond which less than this share of it lies.
double reach_of_gaussian(double share) {
  double reach = 0;
  while (std::erfc(reach / std::numbers::sqrt2) > share) reach += 1.0 / 16;
  return reach;
}

// Lengths of the wavelets' grid along an axis that are worth a thought: the plane's and longer ones that
// continue it by `reach` on both sides.
std::vector<int> grid_lengths(int padded, int reach, int step) {
  std::vector<int> lengths = {padded};
  // A longer grid than this costs more by its length than any transform could save.
  const int shortest = round_up(padded + 2 * reach, step);
  const int longest = std::min(2 * padded, shortest + padded / 4);
  for (int length = shortest; length <= longest; length += step) lengths.push_back(length);
  return lengths;
}

// The sources of a padded axis, continued by itself: half of what is added before it, which is its end too.
std::vector<int> continued_sources(std::vector<int> sources, int length) {
  const int padded = static_cast<int>(sources.size());
  const int after = (length - padded + 1) / 2;
  sources.resize(length);
  for (int i = padded; i < length; ++i) {
    sources[i] = sources[i < padded + after ? i - padded : i - (length - padded)];
  }
  return sources;
}

}  // namespace

WaveletGrid::WaveletGrid(const ScatteringOptions& resolved, const Geometry& geometry, double epsilon)
    : height(geometry.rows.padded), width(geometry.columns.padded) {
  if (resolved.max_order != 1) return;
  const int last_scale = resolved.scales - 1;
  const double sigma = resolved.sigma * std::exp2(last_scale) * std::max(1.0, 1 / resolved.slant);
  const double reach = std::ceil(sigma * reach_of_gaussian(16 * epsilon));
  if (reach > std::max(width, height)) return;

  const int coarsest_level = geometry.level(last_scale);
  const auto heights = grid_lengths(height, static_cast<int>(reach), 1 << coarsest_level);
  const auto widths = grid_lengths(width, static_cast<int>(reach), 1 << coarsest_level);
  std::map<int, double> fft_costs;
  const auto fft_of = [&](int length) {
    const auto [at, is_new] = fft_costs.try_emplace(length);
    if (is_new) at->second = fft_cost(length);
    return at->second;
  };
  // All columns are transformed, and the plane's rows. What samples cost beside their transform, in the same
  // unit, was measured on planes within the second cache and beyond it.
  const auto cost = [&](int of_height, int of_width) {
    double sum = 0;
    for (int level = 0; level <= coarsest_level; ++level) {
      const double rows = of_height >> level;
      const double columns = of_width >> level;
      const double other = rows * columns * 2 * sizeof(float) <= (1 << 20) ? 4.3 : 8;
      sum += columns * (rows * (fft_of(of_height >> level) + other) +
                        (geometry.rows.padded >> level) * (fft_of(of_width >> level) + other));
    }
    return sum;
  };
  constexpr double worth_it = 0.9;
  double least = cost(height, width) * worth_it;
  for (const int of_height : heights) {
    for (const int of_width : widths) {
      if (const double of_grid = cost(of_height, of_width); of_grid < least) {
        height = of_height;
        width = of_width;
        least = of_grid;
      }
    }
  }
}

template <class T>
LowPass<T>::LowPass(const FilterBank& bank, const Axis& axis, const Geometry& geometry, int level)
    : step(1 << (geometry.output_level - level)), border(geometry.output_border) {
  const auto kernel = kernel_of(bank.phi(axis, level));
  const int length = static_cast<int>(kernel.size());
  const auto at = [&](int n) { return kernel[(n % length + length) % length]; };

  double total = 0;
  for (double value : kernel) total += std::abs(value);
  const double negligible = total * std::numeric_limits<T>::epsilon() * 16;
  radius = length / 2;
  double tail = 0;
  while (radius > 0) {
    tail += std::abs(at(radius)) + std::abs(at(-radius));
    if (tail > negligible) break;
    --radius;
  }
  const int taps = std::min(2 * radius + 1, length);
  weights.assign(taps + 2 * margin, T{0});
  for (int t = 0; t < taps; ++t) weights[margin + t] = static_cast<T>(at(t - radius));
}

ColumnBlocks::ColumnBlocks(int width, int lanes)
    : width(width),
      lanes(lanes),
      pairs((width - 1) / (2 * lanes)),
      stored(pairs + (width - 2 * pairs * lanes + lanes - 1) / lanes) {}

int ColumnBlocks::used(int stored_block) const {
  if (stored_block < pairs) return lanes;
  return std::min(lanes, width - pairs * lanes - stored_block * lanes);
}

std::vector<std::int32_t> ColumnBlocks::places() const {
  std::vector<std::int32_t> places(width);
  for (int block = 0; block < planar(); ++block) {
    const int stored = stored_block(block);
    for (int lane = 0; lane < used(stored); ++lane) {
      const int of_lane = column(stored, lane);
      places[is_mirrored(block) ? width - of_lane : of_lane] = block * lanes + lane;
    }
  }
  return places;
}

template <class T>
Level<T>::Level(const FilterBank& bank, const Geometry& geometry, const WaveletGrid& grid, int level,
                int lanes)
    : level(level),
      padded_height(geometry.rows.padded >> level),
      padded_width(geometry.columns.padded >> level),
      height(grid.height >> level),
      width(grid.width >> level),
      blocks((width + lanes - 1) / lanes),
      columns(width, lanes),
      along_columns(height),
      along_rows(width),
      row_position(height),
      row_block_size(static_cast<std::size_t>(blocks | 1) * lanes * 2 * lanes),
      plane_size((height + lanes - 1) / lanes * row_block_size),
      line_block_size((lanes + 1) * static_cast<std::size_t>(2 * lanes)),
      vertical(bank, geometry.rows, geometry, level),
      horizontal(bank, geometry.columns, geometry, level) {
  for (int position = 0; position < height; ++position)
    row_position[along_columns.input[position]] = position;
  for (const int row : along_columns.input)
    flipped_position.push_back(row == 0 ? height : row_position[height - row]);

  const int element = 2 * lanes;
  for (const int row : along_columns.output) spectrum_output.push_back(row_position[row] * element);
  const auto in_plane = [&](int row) {
    return static_cast<std::ptrdiff_t>(row / lanes * row_block_size) + row % lanes * element;
  };
  std::ranges::transform(along_columns.input, std::back_inserter(plane_input), in_plane);
  std::ranges::transform(along_columns.output, std::back_inserter(plane_output), in_plane);
  const auto in_line = [&, places = columns.places()](int column) -> std::ptrdiff_t {
    return places[column] / lanes * line_block_size + places[column] % lanes * element;
  };
  std::ranges::transform(along_rows.input, std::back_inserter(line_input), in_line);
  std::ranges::transform(along_rows.output, std::back_inserter(line_output), in_line);
  line_work.resize(along_rows.work_elements());
  const auto& first = along_rows.stages.front();
  for (int k = 0; k < first.radix; ++k) {
    for (int p = 0; p < first.part; ++p)
      line_work[k * (first.part + along_rows.work_gap) + p] = line_input[p * first.radix + k];
  }
  std::ranges::transform(along_rows.output, std::back_inserter(row_output),
                         [&](int column) -> std::ptrdiff_t { return column * lanes; });
}

Folding::Folding(int from_height, int from_width, int levels, const std::vector<std::int32_t>& input,
                 int lanes)
    : height(from_height >> levels),
      width(from_width >> levels),
      across(1 << levels),
      down(1 << levels),
      columns(width, lanes),
      rows(input) {
  if (levels > 0) std::ranges::sort(rows);
}

template <class T>
FoldedFilter<T>::FoldedFilter(const FilterBank& bank, const WaveletSpectrum& wavelet, int from_level,
                              const Folding& folding, bool opposite_exists)
    : has_opposite(opposite_exists) {
  const int from_height = folding.height * folding.down;
  const int from_width = folding.width * folding.across;
  const int lanes = folding.columns.lanes;
  const double share = 1.0 / (static_cast<double>(from_height) * from_width);
  // The peak of psi is about 1.
  const double negligible = std::numeric_limits<T>::epsilon() / 8;

  std::vector<double> whole(static_cast<std::size_t>(from_height) << from_level);
  // All columns that fold onto one block: (across, lanes, from_height).
  std::vector<double> columns(static_cast<std::size_t>(folding.across) * lanes * from_height);
  const auto value = [&](int part, int lane, int row) {
    const int whole_row = (part / folding.across * folding.height + row) % from_height;
    return columns[(static_cast<std::size_t>(part % folding.across) * lanes + lane) * from_height +
                   whole_row];
  };
  const auto counts = [&](int part, int used, int row) {
    for (int lane = 0; lane < used; ++lane) {
      if (std::abs(value(part, lane, row)) >= negligible) return true;
    }
    return false;
  };
  std::vector<std::int32_t> kept;
  for (int block = 0; block < folding.columns.planar(); ++block) {
    begin.push_back(static_cast<std::int32_t>(segments.size()));
    const int stored = folding.columns.stored_block(block);
    if (has_opposite && stored < folding.columns.pairs) continue;
    const int used = folding.columns.used(stored);
    std::ranges::fill(columns, 0.0);
    for (int across = 0; across < folding.across; ++across) {
      for (int lane = 0; lane < used; ++lane) {
        const auto column = std::span(columns).subspan(
            (static_cast<std::size_t>(across) * lanes + lane) * from_height, from_height);
        const int x = across * folding.width + folding.columns.column(stored, lane);
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
                          .parts = static_cast<std::int32_t>(kept.size()),
                          .first_part = static_cast<std::int32_t>(parts.size()),
                          .values = static_cast<std::ptrdiff_t>(values.size())});
      for (const int part : kept) {
        parts.push_back(part);
        flipped_parts.push_back(folding.flipped(part));
      }
    };
    const auto add_row = [&](int row) {
      for (const int part : kept) {
        for (int lane = 0; lane < lanes; ++lane)
          values.push_back(static_cast<T>(value(part, lane, row) * share));
      }
      ++segments.back().end;
    };
    if (folding.parts() == 1) {
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
      for (int part = 0; part < folding.parts(); ++part) {
        if (counts(part, used, row)) of_row.push_back(part);
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
Band<T>::Band(const FilterBank& bank, const Geometry& geometry, const std::vector<Level<T>>& levels,
              const ScatteringOptions& options, int level, int first_scale, int lanes)
    : first_scale(first_scale), level(level), first_to_level(geometry.level(first_scale)) {
  for (int to = first_to_level; to <= geometry.level(options.scales - 1); ++to) {
    foldings.emplace_back(levels[level].height, levels[level].width, to - level,
                          levels[to].along_columns.input, lanes);
    offsets.push_back(size);
    size += foldings.back().size();
  }
  for (int scale = first_scale; scale < options.scales; ++scale) {
    const int to = geometry.level(scale);
    for (int angle = 0; angle < options.angles; ++angle) {
      const auto wavelet = bank.wavelet(scale, angle);
      filters.emplace_back(bank, wavelet, level, folding(to),
                           wavelet.is_symmetric() && bank.opposite_angle(angle) < angle);
    }
  }
  for (int angle = 0; angle < options.angles; ++angle) opposite_angles.push_back(bank.opposite_angle(angle));
}

template <class T>
FilterBlock<T> Band<T>::filter(int scale, int angle, int to_level, int planar_block) const {
  const auto* of_scale = &filters[(scale - first_scale) * opposite_angles.size()];
  const auto& to = folding(to_level);
  const int stored = to.columns.stored_block(planar_block);
  const bool flipped = of_scale[angle].has_opposite && stored < to.columns.pairs;
  const auto& filter = of_scale[flipped ? opposite_angles[angle] : angle];
  int block = planar_block;
  if (flipped) block = to.columns.is_mirrored(block) ? stored : to.columns.stored + stored;
  return {.values = filter.values.data(),
          .segments = std::span(filter.segments)
                          .subspan(filter.begin[block], filter.begin[block + 1] - filter.begin[block]),
          .parts = (flipped ? filter.flipped_parts : filter.parts).data(),
          .flipped = flipped,
          .height = to.height};
}

template <class T>
Tables<T>::Tables(const ScatteringOptions& resolved, const Geometry& given, const FilterBank& bank, int lanes)
    : options(resolved),
      geometry(given),
      grid(resolved, given, std::numeric_limits<T>::epsilon()),
      row_sources(continued_sources(given.rows.sources(resolved.boundary), grid.height)),
      column_sources(continued_sources(given.columns.sources(resolved.boundary), grid.width)),
      maps(static_cast<int>(make_paths(resolved).size())) {
  for (int level = 0; level <= geometry.output_level; ++level)
    levels.emplace_back(bank, geometry, grid, level, lanes);
  Geometry of_grid = geometry;
  of_grid.rows.padded = grid.height;
  of_grid.columns.padded = grid.width;
  const FilterBank wavelets(options, of_grid);
  if (options.max_order >= 1) image_band.emplace_back(wavelets, geometry, levels, options, 0, 0, lanes);
  if (options.max_order >= 2) {
    for (int scale = 0; scale + 1 < options.scales; ++scale) {
      modulus_bands.emplace_back(wavelets, geometry, levels, options, geometry.level(scale), scale + 1,
                                 lanes);
    }
  }
  if (options.max_order >= 1) groups = make_groups(0, options.max_order >= 2);
  for (int scale = 0; scale < static_cast<int>(modulus_bands.size()); ++scale)
    second_groups.push_back(make_groups(scale + 1, false));
  lay_out_room(static_cast<std::size_t>(lanes));
}

/// `single`: groups of one path, but for the last scale, from which order 2 does not go on.
template <class T>
std::vector<PathGroup> Tables<T>::make_groups(int first_scale, bool single) const {
  std::vector<PathGroup> list;
  for (int scale = first_scale; scale < options.scales; ++scale) {
    const auto fits = levels[0].plane_size / levels[geometry.level(scale)].plane_size;
    const int largest = single && scale + 1 < options.scales ? 1 : static_cast<int>(fits);
    for (int angle = 0; angle < options.angles; angle += largest) {
      list.push_back({.scale = scale, .angle = angle, .count = std::min(largest, options.angles - angle)});
    }
  }
  return list;
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
void Tables<T>::lay_out_room(std::size_t lanes) {
  const std::size_t element = 2 * lanes;
  const std::size_t height = round_up(levels[0].height, static_cast<int>(2 * lanes));
  const std::size_t blocks = levels[0].blocks;
  const std::size_t columns = blocks * lanes;
  // Of blocks of columns up to the middle and of stored ones, the larger number.
  const std::size_t half_blocks =
      std::max<std::size_t>(levels[0].width / 2 / lanes + 1, levels[0].columns.stored);
  std::size_t work = 0;
  std::size_t prime = 0;
  std::size_t margins = 0;
  std::size_t rows = 0;
  for (const auto& level : levels) {
    for (const auto* plan : {&level.along_columns, &level.along_rows}) {
      work = std::max(work, plan->work_elements() * element);
      prime = std::max(prime, plan->prime_elements() * element);
    }
    margins = std::max<std::size_t>(margins, 2 * level.horizontal.radius);
    // What the last block of rows has too many may be more than what continues them.
    rows = std::max<std::size_t>(rows,
                                 round_up(level.height, static_cast<int>(lanes)) + 2 * level.vertical.radius);
  }
  std::size_t folded = 0;
  for (const auto& band : modulus_bands) folded = std::max(folded, band.size);
  const bool spectra = options.max_order >= 1;

  std::size_t end = 0;
  const auto place = [&](std::size_t values) {
    const auto at = end;
    end += (values + 63) / 64 * 64;  // whole cache lines, whatever T is
    return at;
  };
  room.half_stride = (half_blocks | 1) * element;
  room.spectrum_margin = lanes;
  room.spectrum_stride = lanes + (half_blocks + 1) * lanes;
  room.output_stride = round_up(geometry.columns.output, static_cast<int>(lanes));
  room.plane = place(spectra ? levels[0].plane_size : 0);
  const std::size_t line = std::max(blocks * levels[0].line_block_size, height * element);
  room.line = place(line);
  room.work = place(work);
  room.prime = place(prime);
  room.row = place((columns + margins) * lanes);
  room.averages = place(room.output_stride * lanes);
  room.average_rows = place(rows * room.output_stride);
  room.map = place(geometry.rows.output * room.output_stride);
  room.pair = place(line);
  room.half = place(spectra ? height * room.half_stride : 0);
  room.spectrum = place(spectra ? 2 * height * room.spectrum_stride : 0);
  room.folded = place(folded);
  room.forward_size = end;
  const bool second_order = folded > 0;
  room.gradient_stride = 2 * lanes + columns + lanes;
  room.second_plane = place(second_order ? levels[0].plane_size : 0);
  room.folded_gradient = place(folded);
  room.gradient = place(spectra ? 2 * height * room.gradient_stride : 0);
  room.modulus_gradient = place(second_order ? height * columns : 0);
  room.size = end;
}

template struct LowPass<float>;
template struct LowPass<double>;
template struct Level<float>;
template struct Level<double>;
template struct FoldedFilter<float>;
template struct FoldedFilter<double>;
template struct Band<float>;
template struct Band<double>;
template struct Tables<float>;
template struct Tables<double>;

}  // namespace scatlight::cpu
