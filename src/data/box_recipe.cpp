#include "data/box_recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "data/orientation.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

constexpr int largest_short_side = 8192;

BoxRecipeOptions checked(const BoxRecipeOptions& options) {
  if (options.short_side < least_short_side || options.short_side > largest_short_side) {
    throw Error(fmt::format("short side {}: {} to {} is accepted", options.short_side, least_short_side,
                            largest_short_side));
  }
  if (options.long_side < options.short_side || options.long_side > 2 * largest_short_side) {
    throw Error(fmt::format("long side {}: {} (the short side) to {} is accepted", options.long_side,
                            options.short_side, 2 * largest_short_side));
  }
  if (!(options.most_aspect >= 1 && options.most_aspect <= 1000)) {
    throw Error(fmt::format("most aspect {}: 1 to 1000 is accepted", options.most_aspect));
  }
  if (!(options.flip >= 0 && options.flip <= 1)) {
    throw Error(fmt::format("flip probability {}: 0 to 1 is accepted", options.flip));
  }
  return options;
}

/// A part of an axis.
struct Span {
  double first = 0;
  double last = 0;
};

/// A random start of `length` of `side` pixels, so that the part has the whole span, or lies within it.
int draw_start(Span span, int length, int side, CounterRandom& random) {
  const int a = std::clamp(static_cast<int>(std::floor(span.first)), 0, side - length);
  const int b = std::clamp(static_cast<int>(std::ceil(span.last)) - length, 0, side - length);
  const auto [least, most] = std::minmax(a, b);
  return least + static_cast<int>(random.below(static_cast<std::uint64_t>(most - least) + 1));
}

/// The part of the long axis that a training picture is cut to.
int draw_window(const std::vector<Span>& spans, int length, int side, CounterRandom& random) {
  Span all{.first = static_cast<double>(side), .last = 0};
  for (const auto& [first, last] : spans) all = {std::min(all.first, first), std::max(all.last, last)};
  if (spans.empty()) return draw_start({.first = 0, .last = static_cast<double>(side)}, length, side, random);
  if (all.last - all.first <= length) return draw_start(all, length, side, random);
  return draw_start(spans[random.below(spans.size())], length, side, random);
}

}  // namespace

std::vector<Object> follow(std::span<const Object> objects, const Framing& framing) {
  const auto& window = framing.window;
  const double scale_x = framing.scale_x();
  const double scale_y = framing.scale_y();
  const auto within = [](double x, int first, int length) {
    return std::clamp<double>(x - first, 0, length);
  };
  std::vector<Object> result;
  for (auto object : objects) {
    const auto& box = object.box;
    const double left = within(box.left, window.left, window.width);
    const double right = within(box.right, window.left, window.width);
    const double top = within(box.top, window.top, window.height);
    const double bottom = within(box.bottom, window.top, window.height);
    const bool is_cut = right - left < box.width() || bottom - top < box.height();
    if (is_cut && (right - left < 1 || bottom - top < 1)) continue;
    object.area *= scale_x * scale_y;
    if (is_cut) object.area *= (right - left) * (bottom - top) / (double{box.width()} * box.height());
    const double before = framing.mirrored ? window.width - right : left;  // of the box, in the window
    const double after = framing.mirrored ? window.width - left : right;
    object.box = {.left = static_cast<float>(before * scale_x),
                  .top = static_cast<float>(top * scale_y),
                  .right = static_cast<float>(after * scale_x),
                  .bottom = static_cast<float>(bottom * scale_y)};
    result.push_back(object);
  }
  return result;
}

BoxRecipe::BoxRecipe(const BoxRecipeOptions& options)
    : options_(checked(options)), normalizer_(options.mean, options.deviation) {}

ImageSize BoxRecipe::resized(ImageSize window) const {
  const auto [short_side, long_side] = std::minmax(window.width, window.height);
  double scale = static_cast<double>(options_.short_side) / short_side;
  if (scale * long_side > options_.long_side) scale = static_cast<double>(options_.long_side) / long_side;
  const ImageSize size{.width = static_cast<int>(std::lround(scale * window.width)),
                       .height = static_cast<int>(std::lround(scale * window.height))};
  if (std::min(size.width, size.height) < least_short_side) {
    throw Error(fmt::format(
        "its {} x {} pixels would become {} x {} (long side {}), but at least {} per side are needed",
        window.width, window.height, size.width, size.height, options_.long_side, least_short_side));
  }
  return size;
}

Framing BoxRecipe::evaluate(ImageSize picture) const {
  return {.window = {.width = picture.width, .height = picture.height}, .size = resized(picture)};
}

Framing BoxRecipe::augment(ImageSize picture, std::span<const Object> objects, CounterRandom& random) const {
  Framing framing{.window = {.width = picture.width, .height = picture.height}};
  framing.mirrored = random.uniform() < options_.flip;
  auto& window = framing.window;
  const bool is_wide = picture.width > picture.height;
  const int side = std::max(picture.width, picture.height);
  const auto length = static_cast<int>(
      std::min<double>(side, std::round(options_.most_aspect * std::min(picture.width, picture.height))));
  if (length < side) {
    std::vector<Span> spans;
    for (const auto& [box, label, difficult, crowd, area] : objects) {
      if (!crowd) spans.push_back(is_wide ? Span{box.left, box.right} : Span{box.top, box.bottom});
    }
    (is_wide ? window.left : window.top) = draw_window(spans, length, side, random);
    (is_wide ? window.width : window.height) = length;
  }
  framing.size = resized({.width = window.width, .height = window.height});
  return framing;
}

void BoxRecipe::paint(const EncodedImage& encoded, const Framing& framing, bool exact,
                      std::span<float> canvas, ImageSize size) const {
  const auto& window = framing.window;
  const bool may_reduce = !exact && options_.reduced_decoding && encoded.can_reduce();
  const int reduction = may_reduce ? std::min(largest_reduction(window.width, framing.size.width),
                                              largest_reduction(window.height, framing.size.height))
                                   : 1;
  paint(encoded.decode(reduction), 1.0 / reduction, framing, canvas, size);
}

void BoxRecipe::paint(const Image& picture, const Framing& framing, std::span<float> canvas,
                      ImageSize size) const {
  paint(picture, 1, framing, canvas, size);
}

void BoxRecipe::paint(const Image& picture, double share, const Framing& framing, std::span<float> canvas,
                      ImageSize size) const {
  const auto& window = framing.window;
  const Box box{.left = window.left * share,
                .top = window.top * share,
                .width = window.width * share,
                .height = window.height * share};
  auto image = resize(picture, box, framing.size);
  if (framing.mirrored) image = mirror(std::move(image));
  std::ranges::fill(canvas, 0.0F);
  normalizer_.write(image.rgb, framing.size, canvas, size);
}

}  // namespace scatlight::data
