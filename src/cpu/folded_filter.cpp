#include "cpu/folded_filter.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace scatlight::cpu {

/// All columns of psi that fold onto a block of a plane.
template <class T>
class AliasColumns {
 public:
  AliasColumns(const FilterBank& bank, const WaveletSpectrum& wavelet, int from_level, const Folding& folding)
      : bank_(bank),
        wavelet_(wavelet),
        from_level_(from_level),
        folding_(folding),
        height_(folding.height * folding.down),
        factor_(1.0 / (static_cast<double>(height_) * (folding.width * folding.across))),
        whole_(static_cast<std::size_t>(height_) << from_level),
        values_(static_cast<std::size_t>(folding.across) * block_size() * height_) {}

  void load(int plane_block) {
    const int stored = folding_.columns.stored_block(plane_block);
    const int width = folding_.width * folding_.across;
    used_ = folding_.columns.used(stored);
    std::ranges::fill(values_, 0.0);
    for (int across = 0; across < folding_.across; ++across) {
      for (int place = 0; place < used_; ++place) {
        const auto column = std::span(values_).subspan(offset(across, place), height_);
        const int x = across * folding_.width + folding_.columns.column(stored, place);
        if (folding_.columns.is_mirrored(plane_block)) {
          bank_.psi_column(wavelet_, from_level_, width - x, whole_, column);
          std::reverse(column.begin() + 1, column.end());
        } else {
          bank_.psi_column(wavelet_, from_level_, x, whole_, column);
        }
      }
    }
  }

  int block_size() const { return folding_.columns.block_size; }
  /// Scaled, at a row of an alias.
  void add_row(int alias, int row, AlignedVector<T>& values) const {
    const double* at = first(alias, row);
    for (int place = 0; place < block_size(); ++place, at += height_)
      values.push_back(static_cast<T>(*at * factor_));
  }
  /// Whether an alias has values in a row that are not negligible. (The peak of psi is about 1. Up to here,
  /// what is left out does not show beside the rounding of the rest.)
  bool counts(int alias, int row) const {
    constexpr double negligible = 4 * std::numeric_limits<T>::epsilon();
    const double* at = first(alias, row);
    for (int place = 0; place < used_; ++place, at += height_) {
      if (std::abs(*at) >= negligible) return true;
    }
    return false;
  }

 private:
  // The value of the first column; those of the others follow every height_ values.
  const double* first(int alias, int row) const {
    const int of_spectrum = alias / folding_.across * folding_.height + row;
    return &values_[offset(alias % folding_.across, 0) + (of_spectrum == height_ ? 0 : of_spectrum)];
  }
  std::size_t offset(int across, int place) const {
    return (static_cast<std::size_t>(across) * block_size() + place) * height_;
  }

  const FilterBank& bank_;
  const WaveletSpectrum& wavelet_;
  const int from_level_;
  const Folding& folding_;
  const int height_;  // of the finer spectrum
  const double factor_;
  int used_ = 0;  // columns of the block
  std::vector<double> whole_;
  std::vector<double> values_;  // (across, block_size, height)
};

template <class T>
FoldedFilter<T>::FoldedFilter(const FilterBank& bank, const WaveletSpectrum& wavelet, int from_level,
                              const Folding& folding, bool has_opposite)
    : has_opposite(has_opposite) {
  AliasColumns<T> columns(bank, wavelet, from_level, folding);
  for (int block = 0; block < folding.columns.plane_blocks(); ++block) {
    begin.push_back(static_cast<std::int32_t>(segments.size()));
    if (has_opposite && folding.columns.stored_block(block) < folding.columns.pairs) continue;
    columns.load(block);
    if (folding.aliases() == 1) {
      add_unfolded(columns, folding);
    } else {
      add_folded(columns, folding);
    }
  }
  begin.push_back(static_cast<std::int32_t>(segments.size()));
  values.shrink_to_fit();
}

template <class T>
void FoldedFilter<T>::add_unfolded(const AliasColumns<T>& columns, const Folding& folding) {
  const auto counts = [&](int row) { return columns.counts(0, row); };
  if (std::ranges::none_of(folding.rows, counts)) return;
  begin_segment(folding, 0, {0});
  for (const int row : folding.rows) add_row(columns, row);
  add_row(columns, folding.height);
}

template <class T>
void FoldedFilter<T>::add_folded(const AliasColumns<T>& columns, const Folding& folding) {
  std::vector<std::int32_t> kept;
  std::vector<std::int32_t> of_row;
  for (int row = 0; row <= folding.height; ++row) {
    of_row.clear();
    for (int alias = 0; alias < folding.aliases(); ++alias) {
      if (columns.counts(alias, row)) of_row.push_back(alias);
    }
    if (row == 0 || of_row != kept) begin_segment(folding, row, of_row);
    kept = of_row;
    add_row(columns, row);
  }
}

template <class T>
void FoldedFilter<T>::begin_segment(const Folding& folding, int row, const std::vector<std::int32_t>& kept) {
  segments.push_back({.begin = row,
                      .end = row,
                      .aliases = static_cast<std::int32_t>(kept.size()),
                      .first_alias = static_cast<std::int32_t>(aliases.size()),
                      .values = static_cast<std::ptrdiff_t>(values.size())});
  for (const int alias : kept) {
    aliases.push_back(alias);
    flipped_aliases.push_back(folding.flipped(alias));
  }
}

// Of the aliases of the last segment.
template <class T>
void FoldedFilter<T>::add_row(const AliasColumns<T>& columns, int row) {
  auto& segment = segments.back();
  for (int i = 0; i < segment.aliases; ++i) columns.add_row(aliases[segment.first_alias + i], row, values);
  ++segment.end;
}

template struct FoldedFilter<float>;
template struct FoldedFilter<double>;

}  // namespace scatlight::cpu
