#include "cuda/tables.h"

#include <limits>
#include <utility>

#include "core/low_pass_kernel.h"
#include "core/root_of_unity.h"

namespace scatlight::cuda {
namespace {

// Register radices first, few and alike; larger primes last. Every stage but the last costs a pass through
// shared memory.
template <class T>
std::vector<int> choose_radices(int length) {
  // Of two radices, those nearest to each other.
  for (int r = 2; r <= largest_register_radix; ++r) {
    if (length % r == 0 && length / r <= r && is_register_radix<T>(r) && is_register_radix<T>(length / r)) {
      return {length / r, r};
    }
  }
  std::vector<int> chosen;
  int rest = length;
  for (int r = largest_register_radix; r >= 2; --r) {
    for (; is_register_radix<T>(r) && rest % r == 0; rest /= r) chosen.push_back(r);
  }
  for (int p = 2; rest > 1; ++p) {
    if (p > rest / p) p = rest;
    for (; rest % p == 0; rest /= p) chosen.push_back(p);
  }
  return chosen;
}

// The first frequency that each DFT of the last stage gives.
std::vector<int> first_frequencies(const std::vector<int>& radices) {
  std::vector<int> frequencies = {0};
  int blocks = 1;
  for (std::size_t stage = 0; stage + 1 < radices.size(); ++stage) {
    std::vector<int> next;
    next.reserve(frequencies.size() * radices[stage]);
    for (const int frequency : frequencies) {
      for (int k = 0; k < radices[stage]; ++k) next.push_back(frequency + k * blocks);
    }
    blocks *= radices[stage];
    frequencies = std::move(next);
  }
  return frequencies;
}

}  // namespace

template <class T>
FftTable Tables<T>::add_fft(int length) {
  FftTable table{.length = length,
                 .radices = choose_radices<T>(length),
                 .first_root = std::ssize(roots),
                 .first_frequency = std::ssize(integers)};
  for (int k = 0; k < length; ++k) {
    const auto root = root_of_unity(k, length);
    roots.push_back({static_cast<T>(root.re), static_cast<T>(root.im)});
  }
  for (const auto& [first, second] : static_lengths) {
    if (first * second != length) continue;
    table.first_twiddle = std::ssize(roots);
    for (int k = 0; k < first; ++k) {
      for (int p = 0; p < second; ++p) roots.push_back(roots[table.first_root + k * p]);
    }
  }
  const auto frequencies = first_frequencies(table.radices);
  integers.insert(integers.end(), frequencies.begin(), frequencies.end());
  return table;
}

template <class T>
LowPassTable Tables<T>::add_low_pass(const FilterBank& bank, const Axis& axis, int level) {
  const LowPassKernel kernel(bank, axis, level, std::numeric_limits<T>::epsilon());
  LowPassTable table{.first_weight = std::ssize(reals),
                     .taps = static_cast<int>(kernel.weights.size()),
                     .radius = kernel.radius,
                     .length = axis.padded >> level,
                     .level = geometry.output_level - level,
                     .border = geometry.output_border,
                     .outputs = axis.output};
  for (const double weight : kernel.weights) reals.push_back(static_cast<T>(weight));
  return table;
}

template <class T>
RepeatsTable Tables<T>::add_repeats(const std::vector<int>& sources, int size) {
  std::vector<std::vector<int>> repeats(size);
  for (int i = 0; i < static_cast<int>(sources.size()); ++i) {
    if (sources[i] >= 0) repeats[sources[i]].push_back(i);
  }
  RepeatsTable table{.first_begin = std::ssize(integers), .first_index = 0};
  int begin = 0;
  for (const auto& of_index : repeats) {
    integers.push_back(begin);
    begin += static_cast<int>(of_index.size());
  }
  integers.push_back(begin);
  table.first_index = std::ssize(integers);
  for (const auto& of_index : repeats) integers.insert(integers.end(), of_index.begin(), of_index.end());
  return table;
}

template <class T>
Tables<T>::Tables(const ScatteringOptions& resolved, const Geometry& geometry, const FilterBank& bank)
    : options(resolved), geometry(geometry) {
  const int coarsest = options.max_order == 0 ? 0 : geometry.level(options.scales - 1);
  for (int level = 0; level <= coarsest; ++level) {
    levels.push_back({.height = geometry.rows.padded >> level,
                      .width = geometry.columns.padded >> level,
                      .along_columns = add_fft(geometry.rows.padded >> level),
                      .along_rows = add_fft(geometry.columns.padded >> level),
                      .vertical = add_low_pass(bank, geometry.rows, level),
                      .horizontal = add_low_pass(bank, geometry.columns, level)});
  }
  const auto add_sources = [&](const Axis& axis, RepeatsTable& repeats) {
    const auto sources = axis.sources(options.boundary);
    repeats = add_repeats(sources, axis.size);
    const auto first = std::ssize(integers);
    integers.insert(integers.end(), sources.begin(), sources.end());
    return first;
  };
  first_row_source = add_sources(geometry.rows, row_repeats);
  first_column_source = add_sources(geometry.columns, column_repeats);
}

template struct Tables<float>;
template struct Tables<double>;

}  // namespace scatlight::cuda
