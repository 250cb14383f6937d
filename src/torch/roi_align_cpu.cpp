#include "torch/roi_align_cpu.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/parallel_for.h"

namespace scatlight::torch_ops {
namespace {

/// A cell, or where its channels begin, and its weight.
template <class T>
struct Tap {
  std::int64_t place = 0;
  T weight = 0;
};

/// The cells along one axis that make each bin of a region. A bin is a mean of samples, each of them between
/// two cells; samples that share a cell share a tap:
///
///   cells      |     |     |     |     weights of a bin with samples at a and b, between three cells:
///                 a     b              (1 - a) / 2, a / 2 + (1 - b) / 2, b / 2
///
/// As the weights of an image are products of those of its axes, a bin of about one cell has 9 taps, not 16.
template <class T>
class AxisTaps {
 public:
  AxisTaps(T first, T last, std::int64_t cells, const RoiAlignOptions& options)
      : most_(2 * static_cast<std::size_t>(options.samples)),
        taps_(static_cast<std::size_t>(options.bins) * most_),
        counts_(static_cast<std::size_t>(options.bins)) {
    const auto scale = static_cast<T>(options.scale);
    const T start = first * scale;
    const T bin = std::max(last * scale - start, T{1}) / static_cast<T>(options.bins);
    for (int b = 0; b < options.bins; ++b) {
      for (int s = 0; s < options.samples; ++s) {
        const T place = start + static_cast<T>(b) * bin +
                        (static_cast<T>(s) + T{0.5}) * bin / static_cast<T>(options.samples);
        if (place >= -1 && place <= static_cast<T>(cells)) {
          add_sample(static_cast<std::size_t>(b), place, cells, T{1} / static_cast<T>(options.samples));
        }
      }
    }
  }

  std::span<const Tap<T>> of_bin(std::size_t bin) const {
    return std::span(taps_).subspan(bin * most_, counts_[bin]);
  }

 private:
  void add_sample(std::size_t bin, T place, std::int64_t cells, T weight) {
    const T inside = std::clamp(place, T{0}, static_cast<T>(cells - 1));
    const auto low = static_cast<std::int64_t>(inside);
    const T rest = inside - static_cast<T>(low);
    add(bin, low, (1 - rest) * weight);
    if (rest > 0) add(bin, low + 1, rest * weight);
  }

  void add(std::size_t bin, std::int64_t cell, T weight) {
    const auto begin = taps_.begin() + static_cast<std::ptrdiff_t>(bin * most_);
    const auto end = begin + static_cast<std::ptrdiff_t>(counts_[bin]);
    const auto same = std::find_if(begin, end, [&](const Tap<T>& tap) { return tap.place == cell; });
    if (same == end) ++counts_[bin];
    same->place = cell;
    same->weight = same == end ? weight : same->weight + weight;
  }

  std::size_t most_;
  std::vector<Tap<T>> taps_;  // (bins, most)
  std::vector<std::size_t> counts_;
};

/// The taps of one region.
template <class T>
class RoiTaps {
 public:
  RoiTaps(const T* roi, const FeatureShape& shape, const RoiAlignOptions& options)
      : shape_(shape),
        image_(static_cast<std::int64_t>(roi[0]) * shape.height * shape.width),
        x_(roi[1], roi[3], shape.width, options),
        y_(roi[2], roi[4], shape.height, options) {}

  /// The taps of a bin, by the places of their first channels.
  void of_bin(std::size_t y, std::size_t x, std::vector<Tap<T>>& taps) const {
    taps.clear();
    for (const auto& down : y_.of_bin(y)) {
      const auto row = image_ + down.place * shape_.width;
      for (const auto& right : x_.of_bin(x)) {
        taps.push_back({(row + right.place) * shape_.channels, down.weight * right.weight});
      }
    }
  }

 private:
  FeatureShape shape_;
  std::int64_t image_;  // number of its first cell
  AxisTaps<T> x_;
  AxisTaps<T> y_;
};

template <class T>
std::vector<RoiTaps<T>> taps_of(std::span<const T> rois, const FeatureShape& shape,
                                const RoiAlignOptions& options) {
  std::vector<RoiTaps<T>> of_rois;
  of_rois.reserve(rois.size() / 5);
  for (std::size_t r = 0; r < rois.size() / 5; ++r) of_rois.emplace_back(rois.data() + 5 * r, shape, options);
  return of_rois;
}

constexpr std::int64_t slice = 128;  // channels that a thread takes at a time

std::int64_t slices_of(const FeatureShape& shape) { return (shape.channels + slice - 1) / slice; }

template <class T>
void add_weighted(const T* __restrict from, T weight, std::int64_t channels, T* __restrict to) {
  for (std::int64_t c = 0; c < channels; ++c) to[c] += weight * from[c];
}

/// Four taps at a time, so that the sum is loaded and stored a quarter as often.
template <class T>
void weighted_sum(const T* features, std::span<const Tap<T>> taps, std::int64_t channels,
                  T* __restrict result) {
  std::fill_n(result, channels, T{0});
  for (; taps.size() >= 4; taps = taps.subspan(4)) {
    const T* __restrict a = features + taps[0].place;
    const T* __restrict b = features + taps[1].place;
    const T* __restrict c = features + taps[2].place;
    const T* __restrict d = features + taps[3].place;
    const std::array<T, 4> w = {taps[0].weight, taps[1].weight, taps[2].weight, taps[3].weight};
    for (std::int64_t i = 0; i < channels; ++i) {
      result[i] += (w[0] * a[i] + w[1] * b[i]) + (w[2] * c[i] + w[3] * d[i]);
    }
  }
  for (const auto& [place, weight] : taps) add_weighted(features + place, weight, channels, result);
}

}  // namespace

template <class T>
void pool_rois(std::span<const T> features, const FeatureShape& shape, std::span<const T> rois,
               const RoiAlignOptions& options, int threads, std::span<T> pooled) {
  const auto bins = static_cast<std::size_t>(options.bins);
  const auto of_rois = taps_of(rois, shape, options);
  // Slice after slice, so that the regions find its features in the cache.
  constexpr std::int64_t rois_at_once = 32;
  const auto parts = (std::ssize(of_rois) + rois_at_once - 1) / rois_at_once;
  parallel_for(threads, slices_of(shape) * parts, [&](std::int64_t i) {
    const auto first = i / parts * slice;
    const auto count = std::min(slice, shape.channels - first);
    const auto first_roi = i % parts * rois_at_once;
    const auto last_roi = std::min(first_roi + rois_at_once, std::ssize(of_rois));
    std::vector<Tap<T>> taps;
    T* result = pooled.data() + first_roi * options.bins * options.bins * shape.channels + first;
    for (auto r = first_roi; r < last_roi; ++r) {
      for (std::size_t y = 0; y < bins; ++y) {
        for (std::size_t x = 0; x < bins; ++x, result += shape.channels) {
          of_rois[static_cast<std::size_t>(r)].of_bin(y, x, taps);
          weighted_sum(features.data() + first, std::span<const Tap<T>>(taps), count, result);
        }
      }
    }
  });
}

template <class T>
void spread_rois(std::span<const T> pooled_gradient, const FeatureShape& shape, std::span<const T> rois,
                 const RoiAlignOptions& options, int threads, std::span<T> gradient) {
  const auto bins = static_cast<std::size_t>(options.bins);
  const auto of_rois = taps_of(rois, shape, options);
  // Each thread has channels of its own, which all regions reach in the same order.
  parallel_for(threads, slices_of(shape), [&](std::int64_t s) {
    const auto first = s * slice;
    const auto count = std::min(slice, shape.channels - first);
    std::vector<Tap<T>> taps;
    const T* from = pooled_gradient.data() + first;
    for (const auto& of_roi : of_rois) {
      for (std::size_t y = 0; y < bins; ++y) {
        for (std::size_t x = 0; x < bins; ++x, from += shape.channels) {
          of_roi.of_bin(y, x, taps);
          for (const auto& [place, weight] : taps) {
            add_weighted(from, weight, count, gradient.data() + place + first);
          }
        }
      }
    }
  });
}

template void pool_rois(std::span<const float>, const FeatureShape&, std::span<const float>,
                        const RoiAlignOptions&, int, std::span<float>);
template void pool_rois(std::span<const double>, const FeatureShape&, std::span<const double>,
                        const RoiAlignOptions&, int, std::span<double>);
template void spread_rois(std::span<const float>, const FeatureShape&, std::span<const float>,
                          const RoiAlignOptions&, int, std::span<float>);
template void spread_rois(std::span<const double>, const FeatureShape&, std::span<const double>,
                          const RoiAlignOptions&, int, std::span<double>);

}  // namespace scatlight::torch_ops
