#include "data/auto_augment.h"

#include <cmath>

namespace scatlight::data {
namespace {

using enum Operation;

// Of the paper's appendix, as torchvision has them.
constexpr SubPolicy imagenet[] = {
    {{{Posterize, 0.4, 8}, {Rotate, 0.6, 9}}}, {{{Solarize, 0.6, 5}, {AutoContrast, 0.6}}},
    {{{Equalize, 0.8}, {Equalize, 0.6}}},      {{{Posterize, 0.6, 7}, {Posterize, 0.6, 6}}},
    {{{Equalize, 0.4}, {Solarize, 0.2, 4}}},   {{{Equalize, 0.4}, {Rotate, 0.8, 8}}},
    {{{Solarize, 0.6, 3}, {Equalize, 0.6}}},   {{{Posterize, 0.8, 5}, {Equalize, 1}}},
    {{{Rotate, 0.2, 3}, {Solarize, 0.6, 8}}},  {{{Equalize, 0.6}, {Posterize, 0.4, 6}}},
    {{{Rotate, 0.8, 8}, {Color, 0.4, 0}}},     {{{Rotate, 0.4, 9}, {Equalize, 0.6}}},
    {{{Equalize, 0}, {Equalize, 0.8}}},        {{{Invert, 0.6}, {Equalize, 1}}},
    {{{Color, 0.6, 4}, {Contrast, 1, 8}}},     {{{Rotate, 0.8, 8}, {Color, 1, 2}}},
    {{{Color, 0.8, 8}, {Solarize, 0.8, 7}}},   {{{Sharpness, 0.4, 7}, {Invert, 0.6}}},
    {{{ShearX, 0.6, 5}, {Equalize, 1}}},       {{{Color, 0.4, 0}, {Equalize, 0.6}}},
    {{{Equalize, 0.4}, {Solarize, 0.2, 4}}},   {{{Solarize, 0.6, 5}, {AutoContrast, 0.6}}},
    {{{Invert, 0.6}, {Equalize, 1}}},          {{{Color, 0.6, 4}, {Contrast, 1, 8}}},
    {{{Equalize, 0.8}, {Equalize, 0.6}}},
};

constexpr SubPolicy cifar10[] = {
    {{{Invert, 0.1}, {Contrast, 0.2, 6}}},         {{{Rotate, 0.7, 2}, {TranslateX, 0.3, 9}}},
    {{{Sharpness, 0.8, 1}, {Sharpness, 0.9, 3}}},  {{{ShearY, 0.5, 8}, {TranslateY, 0.7, 9}}},
    {{{AutoContrast, 0.5}, {Equalize, 0.9}}},      {{{ShearY, 0.2, 7}, {Posterize, 0.3, 7}}},
    {{{Color, 0.4, 3}, {Brightness, 0.6, 7}}},     {{{Sharpness, 0.3, 9}, {Brightness, 0.7, 9}}},
    {{{Equalize, 0.6}, {Equalize, 0.5}}},          {{{Contrast, 0.6, 7}, {Sharpness, 0.6, 5}}},
    {{{Color, 0.7, 7}, {TranslateX, 0.5, 8}}},     {{{Equalize, 0.3}, {AutoContrast, 0.4}}},
    {{{TranslateY, 0.4, 3}, {Sharpness, 0.2, 6}}}, {{{Brightness, 0.9, 6}, {Color, 0.2, 8}}},
    {{{Solarize, 0.5, 2}, {Invert, 0}}},           {{{Equalize, 0.2}, {AutoContrast, 0.6}}},
    {{{Equalize, 0.2}, {Equalize, 0.6}}},          {{{Color, 0.9, 9}, {Equalize, 0.6}}},
    {{{AutoContrast, 0.8}, {Solarize, 0.2, 8}}},   {{{Brightness, 0.1, 3}, {Color, 0.7, 0}}},
    {{{Solarize, 0.4, 5}, {AutoContrast, 0.9}}},   {{{TranslateY, 0.9, 9}, {TranslateY, 0.7, 9}}},
    {{{AutoContrast, 0.9}, {Solarize, 0.8, 3}}},   {{{Equalize, 0.8}, {Invert, 0.1}}},
    {{{TranslateY, 0.7, 9}, {AutoContrast, 0.9}}},
};

/// torch.linspace in float32.
std::vector<double> linspace(float first, float last, int count) {
  const float step = (last - first) / static_cast<float>(count - 1);
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    values.push_back(i < count / 2 ? first + step * static_cast<float>(i)
                                   : last - step * static_cast<float>(count - 1 - i));
  }
  return values;
}

/// What two policies draw magnitudes from.
struct Ranges {
  int bins;
  double shear;
  double translate_x;
  double translate_y;
  double rotate;
  double enhance;
  int bits;  ///< That the strongest posterizing takes away.
};

Ranges ranges_of(Policy policy, ImageSize size) {
  if (policy == Policy::TrivialAugment) return {31, 0.99, 32, 32, 135, 0.99, 6};
  const double share = 150.0 / 331.0;
  return {10, 0.3, share * size.width, share * size.height, 30, 0.9, 4};
}

std::vector<double> bits_of(const Ranges& ranges) {
  std::vector<double> bits;
  for (int i = 0; i < ranges.bins; ++i) {
    const float removed =
        static_cast<float>(i) / (static_cast<float>(ranges.bins - 1) / static_cast<float>(ranges.bits));
    bits.push_back(8 - std::nearbyint(removed));
  }
  return bits;
}

bool flips_coin(CounterRandom& random) { return random.below(2) == 0; }

template <class Value>
const Value& choose(std::span<const Value> values, CounterRandom& random) {
  return values[static_cast<std::size_t>(random.below(values.size()))];
}

/// The operations among which TrivialAugment draws one.
constexpr Operation trivial_augment[] = {Identity,  ShearX,     ShearY,       TranslateX, TranslateY,
                                         Rotate,    Brightness, Color,        Contrast,   Sharpness,
                                         Posterize, Solarize,   AutoContrast, Equalize};

}  // namespace

std::span<const SubPolicy> auto_augment_steps(Policy policy) {
  if (policy == Policy::AutoAugmentCifar10) return cifar10;
  return imagenet;
}

Magnitudes magnitudes_of(Policy policy, Operation operation, ImageSize size) {
  const auto ranges = ranges_of(policy, size);
  const auto up_to = [&](double last) {
    return Magnitudes{.bins = linspace(0, static_cast<float>(last), ranges.bins), .is_signed = true};
  };
  switch (operation) {
    case ShearX:
    case ShearY:
      return up_to(ranges.shear);
    case TranslateX:
      return up_to(ranges.translate_x);
    case TranslateY:
      return up_to(ranges.translate_y);
    case Rotate:
      return up_to(ranges.rotate);
    case Brightness:
    case Color:
    case Contrast:
    case Sharpness:
      return up_to(ranges.enhance);
    case Posterize:
      return {.bins = bits_of(ranges)};
    case Solarize:
      return {.bins = linspace(255, 0, ranges.bins)};
    case Identity:
    case AutoContrast:
    case Equalize:
    case Invert:
      break;
  }
  return {.bins = {0}};
}

Image augment(Policy policy, Image image, CounterRandom& random) {
  if (policy == Policy::None) return image;
  const ImageSize size{.width = image.width, .height = image.height};
  const auto signed_by = [&](const Magnitudes& magnitudes, double magnitude) {
    return magnitudes.is_signed && flips_coin(random) ? -magnitude : magnitude;
  };
  if (policy == Policy::TrivialAugment) {
    const auto operation = choose(std::span<const Operation>(trivial_augment), random);
    const auto magnitudes = magnitudes_of(policy, operation, size);
    return apply(operation, signed_by(magnitudes, choose(std::span<const double>(magnitudes.bins), random)),
                 image);
  }
  const auto& pair = choose(auto_augment_steps(policy), random);
  for (const auto& step : pair) {
    if (random.uniform() >= step.probability) continue;
    const auto magnitudes = magnitudes_of(policy, step.operation, size);
    const auto bin = magnitudes.bins.size() > 1 ? static_cast<std::size_t>(step.bin) : 0;
    image = apply(step.operation, signed_by(magnitudes, magnitudes.bins[bin]), image);
  }
  return image;
}

}  // namespace scatlight::data
