#include "cpu/band.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace scatlight::cpu {

template <class T>
Band<T>::Band(const FilterBank& bank, const Geometry& geometry, const std::vector<Level<T>>& levels,
              const ScatteringOptions& options, int level, int first_scale, int end_scale,
              const std::optional<VectorRadixPlan>& vector_radix, Packing packing, Wavelets wavelets)
    : first_scale(first_scale),
      level(level),
      first_to_level(geometry.level(first_scale)),
      vector_radix(vector_radix),
      end_scale_(end_scale),
      sums_begin_{0} {
  for (int angle = 0; angle < options.angles; ++angle) opposite_angles.push_back(bank.opposite_angle(angle));
  for (int to = first_to_level; to <= geometry.level(end_scale - 1); ++to) {
    foldings.emplace_back(levels[level].height, levels[level].width, to - level,
                          levels[to].along_columns.input, packing);
    offsets.push_back(size);
    gradient_sums.push_back({0, 1});
    size += inversion(to) == Inversion::VectorRadix ? vector_radix->spectrum_size() : foldings.back().size();
  }
  for (int scale = first_scale; scale < end_scale; ++scale) {
    const auto& to = folding(geometry.level(scale));
    const std::size_t of_wavelet =
        inversion(geometry.level(scale)) == Inversion::VectorRadix
            ? vector_radix->filter_size()
            : std::size_t{1} * to.columns.plane_blocks() * to.aliases() * to.height * packing.block_size;
    for (int angle = 0; angle < options.angles; ++angle)
      sums_begin_.push_back(sums_begin_.back() + of_wavelet);
  }
  make_filters(bank, geometry);
  for (int to = first_to_level; auto& folding : foldings) {
    if (inversion(to) == Inversion::RowColumn) {
      folding.keep(wavelets == Wavelets::Fixed
                       ? is_read(to, geometry)
                       : std::vector(std::size_t{1} * folding.columns.stored * folding.aliases(), true));
    }
    ++to;
  }
}

template <class T>
void Band<T>::make_filters(const FilterBank& bank, const Geometry& geometry) {
  std::vector<FoldedFilter<T>> list;
  for (int scale = first_scale; scale < end_scale_; ++scale) {
    const int to = geometry.level(scale);
    for (int angle = 0; angle < std::ssize(opposite_angles); ++angle) {
      const auto wavelet = bank.wavelet(scale, angle);
      const bool has_opposite = bank.is_mirrored(scale, angle);
      if (inversion(to) == Inversion::VectorRadix) {
        auto& filter = list.emplace_back(has_opposite);
        if (!has_opposite) filter.values = vector_radix_values<T>(bank, wavelet, *vector_radix);
      } else {
        list.emplace_back(bank, wavelet, level, folding(to), has_opposite);
      }
    }
  }
  filters = std::make_shared<const std::vector<FoldedFilter<T>>>(std::move(list));
}

// By (stored block, alias), whether any wavelet has values there.
template <class T>
std::vector<bool> Band<T>::is_read(int to_level, const Geometry& geometry) const {
  const auto& to = folding(to_level);
  const int angles = static_cast<int>(opposite_angles.size());
  std::vector<bool> is_read(static_cast<std::size_t>(to.columns.stored) * to.aliases());
  for (int i = 0; i < std::ssize(*filters); ++i) {
    const int scale = first_scale + i / angles;
    if (geometry.level(scale) != to_level) continue;
    for (int block = 0; block < to.columns.plane_blocks(); ++block) {
      const auto of_block = filter(scale, i % angles, to_level, block);
      const int first = to.columns.stored_block(block) * to.aliases();
      for (const auto& segment : of_block.segments) {
        for (int alias = 0; alias < segment.aliases; ++alias)
          is_read[first + of_block.aliases[segment.first_alias + alias]] = true;
      }
    }
  }
  return is_read;
}

template <class T>
FilterBlock<T> Band<T>::filter(int scale, int angle, int to_level, int plane_block) const {
  const auto* of_scale = &(*filters)[(scale - first_scale) * opposite_angles.size()];
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
  const auto* of_scale = &(*filters)[(scale - first_scale) * opposite_angles.size()];
  const bool mirrored = of_scale[angle].has_opposite;
  return {.values = of_scale[mirrored ? opposite_angles[angle] : angle].values.data(), .mirrored = mirrored};
}

template <class T>
std::vector<std::span<const std::byte>> Band<T>::memory(int scale, int first_angle, int count) const {
  const auto first = filters->begin() + (scale - first_scale) * opposite_angles.size() + first_angle;
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
    if (vector_radix && i == 0) std::fill_n(folded, vector_radix->spectrum_size(), T{0});
    for (const auto& block : foldings[i].alias_blocks)
      std::fill_n(folded + offsets[i] + block.begin, foldings[i].alias_size(), T{0});
  }
}

template struct Band<float>;
template struct Band<double>;

}  // namespace scatlight::cpu
