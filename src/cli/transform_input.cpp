#include "cli/transform_input.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "data/decode.h"
#include "io/path_error.h"

namespace scatlight::cli {
namespace {

constexpr std::int64_t samples_of_piece = 100'000;

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

}  // namespace

ImageInput::ImageInput(std::vector<std::filesystem::path> files, const std::optional<data::Recipe>& recipe,
                       bool imagenet_pixels, std::int64_t max_pixels)
    : files_(std::move(files)),
      recipe_(recipe),
      max_pixels_(max_pixels),
      normalizer_(recipe            ? recipe->normalizer()
                  : imagenet_pixels ? data::Normalizer(data::imagenet_mean, data::imagenet_deviation)
                                    : data::Normalizer({0, 0, 0}, {1, 1, 1})) {}

data::ImageSize ImageInput::size(std::int64_t piece) const {
  if (recipe_) return {.width = recipe_->options().size, .height = recipe_->options().size};
  return data::read_image_size(files_[static_cast<std::size_t>(piece)], max_pixels_);
}

template <class T>
Planes<T> ImageInput::read(std::int64_t piece) const {
  auto image = data::decode_file(files_[static_cast<std::size_t>(piece)], max_pixels_);
  if (recipe_) image = recipe_->evaluate(image);
  const data::ImageSize size{.width = image.width, .height = image.height};
  std::vector<float> samples(image.rgb.size());
  normalizer_.write(image.rgb, size, samples, size);
  Planes<T> planes{.size = size};
  if constexpr (std::is_same_v<T, float>) {
    planes.samples = std::move(samples);
  } else {
    planes.samples.assign(samples.begin(), samples.end());
  }
  return planes;
}

template Planes<float> ImageInput::read(std::int64_t piece) const;
template Planes<double> ImageInput::read(std::int64_t piece) const;

ArrayInput::ArrayInput(const std::filesystem::path& file) : file_(file), reader_(file) {
  const auto& shape = reader_.shape();
  if (shape.size() < 2 || shape.size() > 4) {
    io::fail_at(file, fmt::format("its shape is {}; (H, W), (C, H, W) and (N, C, H, W) are accepted",
                                  shape_text(shape)));
  }
  if (reader_.count() == 0)
    io::fail_at(file, fmt::format("its shape is {}: it holds no sample", shape_text(shape)));
  const auto height = shape[shape.size() - 2];
  const auto width = shape.back();
  if (std::max(height, width) > std::numeric_limits<int>::max()) {
    io::fail_at(file, fmt::format("its images have {} x {} samples, which is too large", height, width));
  }
  size_ = {.width = static_cast<int>(width), .height = static_cast<int>(height)};
  leading_.assign(shape.begin(), shape.end() - 2);
  for (const auto length : leading_) planes_ *= length;
  planes_of_piece_ = std::clamp<std::int64_t>(samples_of_piece / (height * width), 1, planes_);
}

std::int64_t ArrayInput::pieces() const { return (planes_ + planes_of_piece_ - 1) / planes_of_piece_; }

std::string ArrayInput::index_of(std::int64_t sample) const {
  std::vector<std::int64_t> index(reader_.shape().size());
  for (auto i = index.size(); i-- > 0;) {
    index[i] = sample % reader_.shape()[i];
    sample /= reader_.shape()[i];
  }
  return fmt::format("[{}]", fmt::join(index, ", "));
}

template <class From, class T>
std::vector<T> ArrayInput::convert(std::int64_t first, std::int64_t count) const {
  std::vector<From> from(static_cast<std::size_t>(count));
  reader_.read(first, from);
  std::vector<T> to(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = static_cast<T>(from[i]);
    if constexpr (std::is_same_v<From, std::uint8_t>) {
      to[i] /= 255;
    } else if (!std::isfinite(to[i])) {
      io::fail_at(file_, fmt::format("the sample at {} is {}; finite {} numbers are accepted",
                                     index_of(first + static_cast<std::int64_t>(i)), from[i],
                                     std::is_same_v<T, float> ? "float32" : "float64"));
    }
  }
  return to;
}

template <class T>
Planes<T> ArrayInput::read(std::int64_t piece) const {
  const auto plane = std::int64_t{size_.height} * size_.width;
  const auto first = piece * planes_of_piece_;
  const auto items = std::min(planes_of_piece_, planes_ - first);
  const auto samples = [&]<class From>(From) { return convert<From, T>(first * plane, items * plane); };
  switch (reader_.type()) {
    case io::NpyType::Float32:
      return {.size = size_, .samples = samples(float{}), .items = items};
    case io::NpyType::Float64:
      return {.size = size_, .samples = samples(double{}), .items = items};
    default:
      return {.size = size_, .samples = samples(std::uint8_t{}), .items = items};
  }
}

template Planes<float> ArrayInput::read(std::int64_t piece) const;
template Planes<double> ArrayInput::read(std::int64_t piece) const;

}  // namespace scatlight::cli
