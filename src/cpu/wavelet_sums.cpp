#include "cpu/wavelet_sums.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <vector>

namespace scatlight::cpu {
namespace {

// The sums of one wavelet of a band, to where their frequencies are in the whole spectrum: of some arrays of
// sums, `stride` values apart.
template <class T>
class Unfolding {
 public:
  Unfolding(const Geometry& geometry, const Band<T>& band, int scale, std::span<const T> arrays,
            std::size_t stride, double factor)
      : band_(band),
        to_level_(geometry.level(scale)),
        width_(geometry.columns.padded),
        arrays_(arrays),
        stride_(stride),
        factor_(factor / (static_cast<double>(geometry.rows.padded >> band.level) *
                          (geometry.columns.padded >> band.level))) {
    for (int row = 0; row < geometry.rows.padded >> band.level; ++row)
      rows_.push_back(FilterBank::source_of(row, geometry.rows.padded, band.level));
    for (int column = 0; column < geometry.columns.padded >> band.level; ++column)
      columns_.push_back(FilterBank::source_of(column, geometry.columns.padded, band.level));
  }

  // put(value of the gradient, sum) for each.
  template <class Put>
  void visit(double* gradient, const Put& put) const {
    if (band_.inversion(to_level_) == Inversion::VectorRadix) return visit_by_vector_radix(gradient, put);
    const auto& folding = band_.folding(to_level_);
    const auto& columns = folding.columns;
    const auto height = static_cast<int>(rows_.size());
    const auto width = static_cast<int>(columns_.size());
    std::vector<int> places;  // that have a column, and these
    std::vector<int> of_place;
    std::size_t at = 0;
    for (int block = 0; block < columns.plane_blocks(); ++block) {
      const int stored = columns.stored_block(block);
      const bool is_mirrored = columns.is_mirrored(block);
      for (int alias = 0; alias < folding.aliases(); ++alias) {
        places.clear();
        of_place.clear();
        for (int place = 0; place < columns.used(stored); ++place) {
          const int x = alias % folding.across * folding.width + columns.column(stored, place);
          const int column = columns_[is_mirrored ? width - x : x];
          if (column < 0) continue;
          places.push_back(place);
          of_place.push_back(column);
        }
        for (const int row : folding.rows) {
          const int y = alias / folding.across * folding.height + row;
          const int of_row = rows_[is_mirrored && y > 0 ? height - y : y];
          if (of_row >= 0) {  // or the level of the band has no such frequency
            double* to = gradient + static_cast<std::ptrdiff_t>(of_row) * width_;
            for (std::size_t i = 0; i < places.size(); ++i) put(to[of_place[i]], sum(at + places[i]));
          }
          at += columns.block_size;
        }
      }
    }
  }

 private:
  double sum(std::size_t at) const {
    double sum = 0;
    for (; at < arrays_.size(); at += stride_) sum += arrays_[at];
    return factor_ * sum;
  }

  template <class Put>
  void visit_by_vector_radix(double* gradient, const Put& put) const {
    constexpr int radix = VectorRadixPlan::radix;
    const auto& plan = *band_.vector_radix;
    for (int row = 0; row < radix * plan.rows; ++row) {
      for (int column = 0; column < radix * plan.columns; ++column)
        put(*gradient++, sum(plan.element(row, column) * radix + column % radix));
    }
  }

  const Band<T>& band_;
  const int to_level_;
  const int width_;
  const std::span<const T> arrays_;
  const std::size_t stride_;
  const double factor_;  // with that of filters
  std::vector<int> rows_;
  std::vector<int> columns_;
};

}  // namespace

template <class T>
void write_wavelet_gradient(const Tables<T>& tables, int scale, int angle, std::span<const T> shares,
                            double factor, double* gradient) {
  const auto visit = [&](const Band<T>& band, std::size_t begin, const auto& put) {
    const auto arrays = shares.subspan(begin + band.sums_begin(scale, angle));
    Unfolding<T>(tables.geometry, band, scale, arrays, tables.wavelet_sums_size(), factor)
        .visit(gradient, put);
  };
  const auto& image_band = tables.tilings[0].image_band;
  if (!image_band) {
    std::fill_n(gradient, std::ptrdiff_t{tables.geometry.rows.padded} * tables.geometry.columns.padded, 0.0);
    return;
  }
  // It has all frequencies.
  visit(*image_band, 0, [](double& to, double sum) { to = sum; });
  for (int finer = 0; finer < std::min<int>(scale, std::ssize(tables.modulus_bands)); ++finer) {
    for (int sum = 0; sum < PathGroups<T>::sums; ++sum) {
      visit(tables.modulus_bands[finer], tables.modulus_sums_begin(finer, sum),
            [](double& to, double more) { to += more; });
    }
  }
}

template void write_wavelet_gradient(const Tables<float>&, int, int, std::span<const float>, double, double*);
template void write_wavelet_gradient(const Tables<double>&, int, int, std::span<const double>, double,
                                     double*);

}  // namespace scatlight::cpu
