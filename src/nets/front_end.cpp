#include "nets/front_end.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "nets/dct.h"
#include "nets/limits.h"
#include "nets/wavelets.h"
#include "scatlight/error.h"
#include "torch/wavelets.h"

namespace scatlight::nets {
namespace {

constexpr int colours = 3;

at::Tensor in_format(const at::Tensor& maps, const torch_ops::MapFormat& format) {
  return maps.to(format.type.value_or(maps.scalar_type())).contiguous(format.memory);
}

/// What whole blocks cover.
at::Tensor whole_blocks(const at::Tensor& images, int block) {
  return images.narrow(2, 0, images.size(2) / block * block).narrow(3, 0, images.size(3) / block * block);
}

/// One that works on blocks of pixels, each by itself.
class Blocks : public FrontEnd {
 public:
  explicit Blocks(const NetworkOptions& options) : block_(1 << options.scales) {}
  int stride() const override { return block_; }

 protected:
  int block() const { return block_; }
  std::int64_t count(std::int64_t height, std::int64_t width) const {
    return (height / block_) * (width / block_);
  }

 private:
  int block_;
};

class Pixels final : public FrontEnd {
 public:
  std::string name() const override { return "pixels"; }
  int channels() const override { return colours; }
  int stride() const override { return 1; }
  std::int64_t multiply_adds(std::int64_t /*height*/, std::int64_t /*width*/) const override { return 0; }
  at::Tensor maps(const at::Tensor& images, const torch_ops::MapFormat& format) const override {
    return in_format(images, format);
  }
};

class ScatteringMaps : public FrontEnd {
 public:
  explicit ScatteringMaps(const NetworkOptions& options)
      : options_({.height = options.height,
                  .width = options.width,
                  .scales = options.scales,
                  .angles = options.angles,
                  .max_order = options.max_order}),
        paths_(options.paths),
        all_(shape_of(options_).maps) {
    if (colours * all_ > most_channels)
      throw Error(fmt::format("{} scattering maps are too many", colours * all_));
    if (paths_.empty()) return;
    if (paths_.front() < 0 || paths_.back() >= all_ || !std::ranges::is_sorted(paths_, std::less_equal{})) {
      throw Error(
          fmt::format("paths {}: growing numbers from 0 to {} are accepted (J = {}, L = {}, order {})",
                      fmt::join(paths_, ","), all_ - 1, options.scales, options.angles, options.max_order));
    }
    std::vector<std::int64_t> kept;
    for (int colour = 0; colour < colours; ++colour) {
      for (const auto path : paths_) kept.push_back(colour * all_ + path);
    }
    kept_ = at::tensor(kept);
  }

  std::string name() const override {
    auto name = fmt::format("scattering with J = {}, L = {}, order {}", options_.scales, options_.angles,
                            options_.max_order);
    if (!paths_.empty()) name += fmt::format(", paths {}", fmt::join(paths_, ","));
    return name;
  }

  int channels() const override {
    return colours * static_cast<int>(paths_.empty() ? all_ : std::ssize(paths_));
  }
  int stride() const override { return 1 << options_.scales; }

  std::int64_t multiply_adds(std::int64_t height, std::int64_t width) const override {
    const auto padded = [&](std::int64_t side) { return (side / stride() + 2) * stride(); };
    const double samples = static_cast<double>(padded(height)) * static_cast<double>(padded(width));
    const auto fft = [](double n) { return 2.5 * n * std::log2(n); };
    const auto at_level = [&](int level) { return samples / std::pow(4, level); };
    const double last = fft(at_level(options_.scales));
    // A product with a spectrum has two multiply-adds per sample, as filters are real.
    const auto average = [&](int level) { return 2 * at_level(level) + last; };
    // Of a path by a wavelet from one level to the next: the product, back to space, the modulus.
    const auto wavelet = [&](int from, int to) {
      return 2 * at_level(from) + fft(at_level(to)) + 2 * at_level(to);
    };
    double count = fft(samples) + average(0);
    for (int scale = 0; scale < options_.scales; ++scale) {
      double path = wavelet(0, scale) + fft(at_level(scale)) + average(scale);
      if (options_.max_order == 2) {
        for (int second = scale + 1; second < options_.scales; ++second)
          path += options_.angles * (wavelet(scale, second) + fft(at_level(second)) + average(second));
      }
      count += options_.angles * path;
    }
    return static_cast<std::int64_t>(colours * count);
  }

  at::Tensor maps(const at::Tensor& images, const torch_ops::MapFormat& format) const override {
    return kept_of(torch_ops::scatter(images, options_, format), format);
  }

 protected:
  const ScatteringOptions& options() const { return options_; }

  /// Of all maps, those that the network reads.
  at::Tensor kept_of(const at::Tensor& maps, const torch_ops::MapFormat& format) const {
    if (!kept_.defined()) return maps;
    return maps.index_select(1, kept_.to(maps.device())).contiguous(format.memory);
  }

 private:
  ScatteringOptions options_;
  std::vector<int> paths_;
  std::int64_t all_;  ///< Paths of a colour.
  at::Tensor kept_;   ///< Channels, where some are left out.
};

/// One whose wavelets are learned.
class LearnedScatteringMaps final : public ScatteringMaps {
 public:
  explicit LearnedScatteringMaps(const NetworkOptions& options)
      : ScatteringMaps(options), learned_(options.learned_filters) {}

  std::string name() const override {
    return ScatteringMaps::name() + (learned_ == LearnedFilters::PerChannel
                                         ? ", by wavelets learned for each colour"
                                         : ", by learned wavelets");
  }

  std::vector<std::pair<std::string, at::Tensor>> first_parameters() const override {
    const auto first = torch_ops::first_wavelets(options());
    const bool has_sets = learned_ == LearnedFilters::PerChannel;
    return {{wavelets_name, has_sets ? first.repeat({colours, 1, 1, 1}) : first}};
  }

  at::Tensor maps_by(at::TensorList parameters, const at::Tensor& images,
                     const torch_ops::MapFormat& format) const override {
    return kept_of(torch_ops::scatter_by(images, parameters.front(), options(), format), format);
  }

 private:
  LearnedFilters learned_;
};

/// The discrete cosine transform of each block in Y, Cb, Cr, which is a convolution with constant weights.
class DctMaps final : public Blocks {
 public:
  explicit DctMaps(const NetworkOptions& options)
      : Blocks(options),
        filters_(make_dct(block(), options.dct_channels, options.image_mean, options.image_deviation)) {}

  std::string name() const override {
    return fmt::format("{} channels of the DCT of {} x {} pixels", channels(), block(), block());
  }
  int channels() const override { return static_cast<int>(filters_.weight.size(0)); }

  std::int64_t multiply_adds(std::int64_t height, std::int64_t width) const override {
    return count(height, width) * filters_.weight.numel();
  }
  at::Tensor maps(const at::Tensor& images, const torch_ops::MapFormat& format) const override {
    const auto on = [&](const at::Tensor& tensor) { return tensor.to(images.device()); };
    constexpr std::int64_t padding = 0;
    return in_format(at::conv2d(images, on(filters_.weight), on(filters_.bias), block(), padding), format);
  }

 private:
  DctFilters filters_;
};

class SpaceToDepth final : public Blocks {
 public:
  using Blocks::Blocks;
  std::string name() const override {
    return fmt::format("pixels of {} x {} blocks as channels", block(), block());
  }
  int channels() const override { return colours * block() * block(); }
  std::int64_t multiply_adds(std::int64_t /*height*/, std::int64_t /*width*/) const override { return 0; }
  at::Tensor maps(const at::Tensor& images, const torch_ops::MapFormat& format) const override {
    return in_format(at::pixel_unshuffle(whole_blocks(images, block()), block()), format);
  }
};

class Pooled final : public Blocks {
 public:
  using Blocks::Blocks;
  std::string name() const override { return fmt::format("means of {} x {} pixels", block(), block()); }
  int channels() const override { return colours; }
  std::int64_t multiply_adds(std::int64_t height, std::int64_t width) const override {
    return count(height, width) * colours * block() * block();
  }
  at::Tensor maps(const at::Tensor& images, const torch_ops::MapFormat& format) const override {
    return in_format(at::avg_pool2d(images, block(), block()), format);
  }
};

void check_scattering(const NetworkOptions& options) {
  require_range("angles", options.angles, 1, 1024);
  require_range("max_order", options.max_order, 1, 2);
}

/// Of what works on 2^J pixels in a row.
void check_scales(const NetworkOptions& options, int most) {
  require_range("scales", options.scales, 1, most);
  const int block = 1 << options.scales;
  if (options.height < block || options.width < block) {
    throw Error(fmt::format("images of {} x {} are smaller than 2^J = {} (J = {})", options.height,
                            options.width, block, options.scales));
  }
}

constexpr int most_scales_of_blocks = 5;  // 3072 channels

}  // namespace

std::shared_ptr<const FrontEnd> make_front_end(const NetworkOptions& options) {
  const bool scatters = options.input == Input::Scattering;
  if (!scatters && options.learned_filters != LearnedFilters::None)
    throw Error(fmt::format("learned filters are those of the scattering; {} works on {}", options.name,
                            name_of(options.input)));
  if (options.input != Input::Pixels) check_scales(options, scatters ? 16 : most_scales_of_blocks);
  switch (options.input) {
    case Input::Scattering:
      check_scattering(options);
      if (options.learned_filters != LearnedFilters::None)
        return std::make_shared<LearnedScatteringMaps>(options);
      return std::make_shared<ScatteringMaps>(options);
    case Input::Dct:
      return std::make_shared<DctMaps>(options);
    case Input::SpaceToDepth:
      return std::make_shared<SpaceToDepth>(options);
    case Input::Pooled:
      return std::make_shared<Pooled>(options);
    case Input::Pixels:
    case Input::Patchify:
      break;
  }
  return std::make_shared<Pixels>();
}

}  // namespace scatlight::nets
