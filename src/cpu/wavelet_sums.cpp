#include "cpu/wavelet_sums.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace scatlight::cpu {
namespace {

// From the sums of one wavelet of a band to where their frequencies are in the whole spectrum: of some arrays
// of sums, `stride` values apart.
template <class T>
class Unfolding {
 public:
  Unfolding(const Geometry& geometry, const Band<T>& band, int scale, std::span<const T> arrays,
            std::size_t stride, double factor)
      : band_(band),
        to_level_(geometry.level(scale)),
        width_(geometry.columns.padded),
        sums_(band.sums_size(scale)) {
    for (std::size_t begin = 0; begin < arrays.size(); begin += stride) {
      const T* from = &arrays[begin];
      for (double& sum : sums_) sum += *from++;
    }
    // With the factor of filters.
    const double of_sums = factor / (static_cast<double>(geometry.rows.padded >> band.level) *
                                     (geometry.columns.padded >> band.level));
    for (double& sum : sums_) sum *= of_sums;
    for (int row = 0; row < geometry.rows.padded >> band.level; ++row)
      rows_.push_back(FilterBank::source_of(row, geometry.rows.padded, band.level));
    for (int column = 0; column < geometry.columns.padded >> band.level; ++column)
      columns_.push_back(FilterBank::source_of(column, geometry.columns.padded, band.level));
  }

  // put(value of the gradient, sum) for each, row by row of the gradient.
  template <class Put>
  void visit(double* gradient, const Put& put) const {
    if (band_.inversion(to_level_) == Inversion::VectorRadix) return visit_by_vector_radix(gradient, put);
    const auto& folding = band_.folding(to_level_);
    const int block_size = folding.columns.block_size;
    std::vector<int> position_of(folding.height);
    for (int position = 0; position < folding.height; ++position)
      position_of[folding.rows[position]] = position;
    const auto pieces = make_pieces(folding);
    const auto height = static_cast<int>(rows_.size());
    for (int row = 0; row < height; ++row) {
      if (rows_[row] < 0) continue;  // the level of the band has no such frequency
      double* to = gradient + static_cast<std::ptrdiff_t>(rows_[row]) * width_;
      for (const auto& piece : pieces) {
        const int y = piece.is_mirrored && row > 0 ? height - row : row;
        const int alias = y / folding.height * folding.across + piece.across;
        const std::size_t of_block = std::size_t{1} * piece.block * folding.aliases() + alias;
        const std::size_t at = (of_block * folding.height + position_of[y % folding.height]) * block_size;
        for (const auto& [place, column] : piece.columns) put(to[column], sums_[at + place]);
      }
    }
  }

 private:
  // A block of a plane and the aliases below each other: its places that have columns of the whole spectrum.
  struct Piece {
    int block;
    int across;
    bool is_mirrored;
    std::vector<std::pair<int, int>> columns;
  };

  std::vector<Piece> make_pieces(const Folding& folding) const {
    const auto& columns = folding.columns;
    std::vector<Piece> pieces;
    for (int block = 0; block < columns.plane_blocks(); ++block) {
      const int stored = columns.stored_block(block);
      for (int across = 0; across < folding.across; ++across) {
        Piece piece{block, across, columns.is_mirrored(block), {}};
        for (int place = 0; place < columns.used(stored); ++place) {
          const int x = across * folding.width + columns.column(stored, place);
          const int column = columns_[piece.is_mirrored ? folding.width * folding.across - x : x];
          if (column >= 0) piece.columns.emplace_back(place, column);
        }
        pieces.push_back(std::move(piece));
      }
    }
    return pieces;
  }

  template <class Put>
  void visit_by_vector_radix(double* gradient, const Put& put) const {
    constexpr int radix = VectorRadixPlan::radix;
    const auto& plan = *band_.vector_radix;
    for (int row = 0; row < radix * plan.rows; ++row) {
      for (int column = 0; column < radix * plan.columns; ++column)
        put(*gradient++, sums_[plan.element(row, column) * radix + column % radix]);
    }
  }

  const Band<T>& band_;
  const int to_level_;
  const int width_;
  std::vector<double> sums_;
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
