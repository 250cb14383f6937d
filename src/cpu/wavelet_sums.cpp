#include "cpu/wavelet_sums.h"

#include <cstddef>
#include <vector>

namespace scatlight::cpu {
namespace {

// Adds the sums of one wavelet of a band where their frequencies are in the whole spectrum.
template <class T>
class Unfolding {
 public:
  Unfolding(const Geometry& geometry, const Band<T>& band, int scale, double factor)
      : band_(band),
        to_level_(geometry.level(scale)),
        width_(geometry.columns.padded),
        factor_(factor / (static_cast<double>(geometry.rows.padded >> band.level) *
                          (geometry.columns.padded >> band.level))) {
    for (int row = 0; row < geometry.rows.padded >> band.level; ++row)
      rows_.push_back(FilterBank::source_of(row, geometry.rows.padded, band.level));
    for (int column = 0; column < geometry.columns.padded >> band.level; ++column)
      columns_.push_back(FilterBank::source_of(column, geometry.columns.padded, band.level));
  }

  void add(const std::vector<double>& sums, double* gradient) const {
    if (band_.inversion(to_level_) == Inversion::VectorRadix) return add_by_vector_radix(sums, gradient);
    const auto& folding = band_.folding(to_level_);
    const auto& columns = folding.columns;
    const auto height = std::ssize(rows_);
    const auto width = std::ssize(columns_);
    std::vector<int> of_place(columns.block_size);
    const double* at = sums.data();
    for (int block = 0; block < columns.plane_blocks(); ++block) {
      const int stored = columns.stored_block(block);
      const bool is_mirrored = columns.is_mirrored(block);
      const int used = columns.used(stored);
      for (int alias = 0; alias < folding.aliases(); ++alias) {
        for (int place = 0; place < used; ++place) {
          const auto x = alias % folding.across * folding.width + columns.column(stored, place);
          of_place[place] = columns_[is_mirrored ? width - x : x];
        }
        for (const int row : folding.rows) {
          const auto y = alias / folding.across * folding.height + row;
          add_row(at, used, of_place, rows_[is_mirrored && y > 0 ? height - y : y], gradient);
          at += columns.block_size;
        }
      }
    }
  }

 private:
  void add_row(const double* sums, int used, const std::vector<int>& columns, int row,
               double* gradient) const {
    if (row < 0) return;  // the level of the band has no such frequency
    double* to = gradient + static_cast<std::ptrdiff_t>(row) * width_;
    for (int place = 0; place < used; ++place) {
      if (columns[place] >= 0) to[columns[place]] += factor_ * sums[place];
    }
  }

  void add_by_vector_radix(const std::vector<double>& sums, double* gradient) const {
    constexpr int radix = VectorRadixPlan::radix;
    const auto& plan = *band_.vector_radix;
    for (int row = 0; row < radix * plan.rows; ++row) {
      for (int column = 0; column < radix * plan.columns; ++column)
        *gradient++ += factor_ * sums[plan.element(row, column) * radix + column % radix];
    }
  }

  const Band<T>& band_;
  const int to_level_;
  const int width_;
  const double factor_;  // with that of filters
  std::vector<int> rows_;
  std::vector<int> columns_;
};

}  // namespace

template <class T>
void add_wavelet_gradient(const Tables<T>& tables, int scale, int angle, std::span<const T> shares,
                          double factor, double* gradient) {
  std::vector<double> sums;
  const auto clear = [&](const Band<T>& band) { sums.assign(band.sums_size(scale), 0.0); };
  const auto add_all = [&](const Band<T>& band, std::size_t begin) {
    for (; begin < shares.size(); begin += tables.wavelet_sums_size()) {
      const T* from = shares.data() + begin + band.sums_begin(scale, angle);
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += from[i];
    }
  };
  if (const auto& band = tables.tilings[0].image_band) {
    clear(*band);
    add_all(*band, 0);
    Unfolding<T>(tables.geometry, *band, scale, factor).add(sums, gradient);
  }
  for (int finer = 0; finer < std::min<int>(scale, std::ssize(tables.modulus_bands)); ++finer) {
    const auto& band = tables.modulus_bands[finer];
    clear(band);
    for (int sum = 0; sum < PathGroups<T>::sums; ++sum) add_all(band, tables.modulus_sums_begin(finer, sum));
    Unfolding<T>(tables.geometry, band, scale, factor).add(sums, gradient);
  }
}

template void add_wavelet_gradient(const Tables<float>&, int, int, std::span<const float>, double, double*);
template void add_wavelet_gradient(const Tables<double>&, int, int, std::span<const double>, double, double*);

}  // namespace scatlight::cpu
