#include "data/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "data/orientation.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

constexpr int largest_size = 8192;

void check_crop_range(std::string_view what, double low, double high, double least, double most) {
  if (!(least <= low && low <= high && high <= most)) {
    throw Error(
        fmt::format("the {} of a random crop is {} to {}; an ascending range within {} to {} is accepted",
                    what, low, high, least, most));
  }
}

RecipeOptions resolve(RecipeOptions options) {
  if (options.size < 1 || options.size > largest_size) {
    throw Error(fmt::format("image size {}: 1 to {} is accepted", options.size, largest_size));
  }
  if (options.resize == 0) options.resize = static_cast<int>(std::lround(options.size * 256.0 / 224));
  if (options.resize < options.size || options.resize > 2 * largest_size) {
    throw Error(fmt::format("short side {} before the centre crop: {} (the image size) to {} is accepted",
                            options.resize, options.size, 2 * largest_size));
  }
  check_crop_range("area", options.smallest_area, options.largest_area, 1e-6, 1);
  check_crop_range("ratio", options.smallest_ratio, options.largest_ratio, 1e-3, 1e3);
  if (!(options.flip >= 0 && options.flip <= 1)) {
    throw Error(fmt::format("flip probability {}: 0 to 1 is accepted", options.flip));
  }
  if (options.shift < 0 || options.shift > options.size)
    throw Error(
        fmt::format("random shift {}: 0 to {} (the image size) is accepted", options.shift, options.size));
  if (!(options.erase >= 0 && options.erase <= 1))
    throw Error(fmt::format("erasing probability {}: 0 to 1 is accepted", options.erase));
  return options;
}

/// Python's round(), half to even, whatever the rounding mode: torchvision's crops depend on it.
int round_half_even(double x) {
  const double down = std::floor(x);
  const double rest = x - down;
  const bool up = rest > 0.5 || (rest == 0.5 && std::fmod(down, 2) != 0);
  return static_cast<int>(down) + (up ? 1 : 0);
}

/// torchvision's fallback: the largest centre crop whose ratio is allowed.
Window center_crop_within_ratio(ImageSize size, double smallest_ratio, double largest_ratio) {
  Window crop{.width = size.width, .height = size.height};
  const double ratio = static_cast<double>(size.width) / size.height;
  if (ratio < smallest_ratio) crop.height = round_half_even(size.width / smallest_ratio);
  if (ratio > largest_ratio) crop.width = round_half_even(size.height * largest_ratio);
  // A ratio range such as 0.001 to 0.002 rounds to nothing on a small picture.
  crop.width = std::max(crop.width, 1);
  crop.height = std::max(crop.height, 1);
  crop.left = (size.width - crop.width) / 2;
  crop.top = (size.height - crop.height) / 2;
  return crop;
}

}  // namespace

Recipe::Recipe(const RecipeOptions& options)
    : options_(resolve(options)), normalizer_(options.mean, options.deviation) {}

Image Recipe::evaluate(const Image& image) const {
  const auto longer = [&](int long_side, int short_side) {
    return static_cast<int>(static_cast<std::int64_t>(options_.resize) * long_side / short_side);
  };
  ImageSize resized{.width = options_.resize, .height = options_.resize};
  if (image.width > image.height) resized.width = longer(image.width, image.height);
  if (image.height > image.width) resized.height = longer(image.height, image.width);
  const Window center{.left = round_half_even((resized.width - options_.size) / 2.0),
                      .top = round_half_even((resized.height - options_.size) / 2.0),
                      .width = options_.size,
                      .height = options_.size};
  const Box whole{.width = static_cast<double>(image.width), .height = static_cast<double>(image.height)};
  return resize(image, whole, resized, center);
}

Window Recipe::draw_crop(ImageSize size, CounterRandom& random) const {
  const double area = static_cast<double>(size.width) * size.height;
  const double log_smallest = std::log(options_.smallest_ratio);
  const double log_largest = std::log(options_.largest_ratio);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * random.uniform(options_.smallest_area, options_.largest_area);
    const double ratio = std::exp(random.uniform(log_smallest, log_largest));
    const int width = round_half_even(std::sqrt(target * ratio));
    const int height = round_half_even(std::sqrt(target / ratio));
    if (width < 1 || width > size.width || height < 1 || height > size.height) continue;
    const auto place = [&](int room) {
      return static_cast<int>(random.below(static_cast<std::uint64_t>(room) + 1));
    };
    const int top = place(size.height - height);
    return {.left = place(size.width - width), .top = top, .width = width, .height = height};
  }
  return center_crop_within_ratio(size, options_.smallest_ratio, options_.largest_ratio);
}

std::optional<Window> Recipe::draw_erased(ImageSize size, CounterRandom& random) {
  const double area = static_cast<double>(size.width) * size.height;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * random.uniform(0.02, 0.33);
    const double ratio = std::exp(random.uniform(std::log(0.3), std::log(3.3)));
    const int height = round_half_even(std::sqrt(target * ratio));
    const int width = round_half_even(std::sqrt(target / ratio));
    if (height >= size.height || width >= size.width) continue;
    const auto place = [&](int room) {
      return static_cast<int>(random.below(static_cast<std::uint64_t>(room) + 1));
    };
    const int top = place(size.height - height);
    return Window{.left = place(size.width - width), .top = top, .width = width, .height = height};
  }
  return std::nullopt;
}

void Recipe::erase(Image& image, const Window& window) const {
  std::array<std::uint8_t, 3> colour;
  for (std::size_t c = 0; c < 3; ++c)
    colour[c] = static_cast<std::uint8_t>(std::clamp(std::lround(255 * options_.mean[c]), 0L, 255L));
  for (int y = window.top; y < window.top + window.height; ++y) {
    auto* pixel = image.rgb.data() + 3 * (static_cast<std::ptrdiff_t>(y) * image.width + window.left);
    for (int x = 0; x < window.width; ++x, pixel += 3) std::ranges::copy(colour, pixel);
  }
}

Image Recipe::shifted(const Image& image, CounterRandom& random) const {
  const auto way = [&] {
    return static_cast<int>(random.below(2 * static_cast<std::uint64_t>(options_.shift) + 1)) -
           options_.shift;
  };
  const int down = way();
  const int right = way();
  return apply(Operation::TranslateX, -right, apply(Operation::TranslateY, -down, evaluate(image)));
}

Image Recipe::cropped(const EncodedImage& encoded, const Window& crop) const {
  const bool may_reduce = options_.reduced_decoding && encoded.can_reduce();
  const int reduction = may_reduce ? largest_reduction(std::min(crop.width, crop.height), options_.size) : 1;
  const auto image = encoded.decode(reduction);
  // Decoded pixel k covers the pixels k * reduction ... of the whole picture, also at the right and lower
  // edge, where it may stand for fewer.
  const double share = 1.0 / reduction;
  const Box box{.left = crop.left * share,
                .top = crop.top * share,
                .width = crop.width * share,
                .height = crop.height * share};
  return resize(image, box, {.width = options_.size, .height = options_.size});
}

Image Recipe::augment(const EncodedImage& encoded, CounterRandom& random) const {
  Image image;
  bool mirrored = false;
  if (options_.shift > 0) {
    image = shifted(encoded.decode(), random);
    mirrored = random.uniform() < options_.flip;
  } else {
    const auto crop = draw_crop(encoded.size(), random);
    mirrored = random.uniform() < options_.flip;
    image = cropped(encoded, crop);
  }
  if (mirrored) image = mirror(std::move(image));
  image = data::augment(options_.policy, std::move(image), random);
  if (options_.erase > 0 && random.uniform() < options_.erase) {
    const auto window = draw_erased({.width = image.width, .height = image.height}, random);
    if (window) erase(image, *window);
  }
  return image;
}

}  // namespace scatlight::data
