#include "cpu/vector_radix.h"

#include <algorithm>
#include <array>

namespace scatlight::cpu {
namespace {

template <int... Factors>
bool is_one_of(std::integer_sequence<int, Factors...>, int factor) {
  return ((factor == Factors) || ...);
}

bool fits_axis(int length) {
  return length % VectorRadixPlan::radix == 0 &&
         is_one_of(VectorRadixPlan::Factors{}, length / VectorRadixPlan::radix);
}

// The samples that a DFT of (factor, 16) points gives, in the order of its outputs.
std::vector<std::int32_t> outputs(int factor) {
  const int length = factor * VectorRadixPlan::radix;
  std::vector<std::int32_t> samples;
  for (int k = 0; k < factor; ++k) {
    for (int k16 = 0; k16 < VectorRadixPlan::radix; ++k16) {
      const int of_k = VectorRadixPlan::is_odd(factor) ? VectorRadixPlan::radix * k : k;
      samples.push_back((of_k + factor * k16) % length);
    }
  }
  return samples;
}

}  // namespace

bool VectorRadixPlan::fits(int height, int width, Packing packing) {
  return packing.lanes == radix && packing.block_size == radix && fits_axis(height) && fits_axis(width);
}

VectorRadixPlan::VectorRadixPlan(int height, int width)
    : rows(height / radix), columns(width / radix), row_of(outputs(rows)), column_of(outputs(columns)) {
  // Lane 4 k + m of a block of rows is output k + 4 m.
  for (auto block = row_of.begin(); block != row_of.end(); block += radix) {
    std::array<std::int32_t, radix> lanes;
    for (int lane = 0; lane < radix; ++lane) lanes[lane] = block[lane / 4 + 4 * (lane % 4)];
    std::ranges::copy(lanes, block);
  }
}

template <class T>
AlignedVector<T> vector_radix_values(const FilterBank& bank, const WaveletSpectrum& wavelet,
                                     const VectorRadixPlan& plan) {
  constexpr int radix = VectorRadixPlan::radix;
  const int height = plan.rows * radix;
  const int width = plan.columns * radix;
  const double factor = 1.0 / (static_cast<double>(height) * width);
  std::vector<double> column(height);
  std::vector<double> whole(height);
  AlignedVector<T> values(plan.filter_size());
  for (int c = 0; c < width; ++c) {
    bank.psi_column(wavelet, 0, c, whole, column);
    for (int r = 0; r < height; ++r)
      values[plan.element(r, c) * radix + c % radix] = static_cast<T>(column[r] * factor);
  }
  return values;
}

template AlignedVector<float> vector_radix_values<float>(const FilterBank&, const WaveletSpectrum&,
                                                         const VectorRadixPlan&);
template AlignedVector<double> vector_radix_values<double>(const FilterBank&, const WaveletSpectrum&,
                                                           const VectorRadixPlan&);

}  // namespace scatlight::cpu
