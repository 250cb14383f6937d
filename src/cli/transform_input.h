#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/normalizer.h"
#include "data/recipe.h"
#include "io/npy.h"

namespace scatlight::cli {

/// One piece of the input: some planes of one size, (planes, height, width), contiguous.
template <class T>
struct Planes {
  data::ImageSize size = {};
  std::vector<T> samples = {};
  std::int64_t items = 1;  ///< What progress counts: images of files, planes of arrays.
};

/// Image files, one after the other, each as its three planes R, G, B.
class ImageInput {
 public:
  /// Without a recipe the pictures keep their size, and samples are pixels / 255. An image of more than
  /// `max_pixels` is an error.
  ImageInput(std::vector<std::filesystem::path> files, const std::optional<data::Recipe>& recipe,
             bool imagenet_pixels, std::int64_t max_pixels);

  const std::vector<std::filesystem::path>& files() const { return files_; }
  std::int64_t pieces() const { return std::ssize(files_); }

  /// The size of a piece; reads the file's header when there is no recipe. Throws Error that names the file.
  data::ImageSize size(std::int64_t piece) const;

  /// Decodes a file. May be called from several threads. Throws Error that names the file.
  template <class T>
  Planes<T> read(std::int64_t piece) const;

 private:
  std::vector<std::filesystem::path> files_;
  std::optional<data::Recipe> recipe_;
  std::int64_t max_pixels_;
  data::Normalizer normalizer_;
};

/// A .npy array of images: (H, W), (C, H, W) or (N, C, H, W). uint8 samples are divided by 255, as those of
/// image files; floating-point samples are taken as they are.
class ArrayInput {
 public:
  /// Throws Error for an array of another shape and for an empty one.
  explicit ArrayInput(const std::filesystem::path& file);

  io::NpyType type() const { return reader_.type(); }
  data::ImageSize size() const { return size_; }

  std::int64_t planes() const { return planes_; }

  /// The dimensions before the height and the width.
  const std::vector<std::int64_t>& leading_shape() const { return leading_; }

  /// A piece is as many planes as make some 100,000 samples, at least one.
  std::int64_t pieces() const;

  /// May be called from several threads. A sample that is not finite in T is an Error that names its index.
  template <class T>
  Planes<T> read(std::int64_t piece) const;

 private:
  template <class From, class T>
  std::vector<T> convert(std::int64_t first, std::int64_t count) const;
  std::string index_of(std::int64_t sample) const;

  std::filesystem::path file_;
  io::NpyReader reader_;
  std::vector<std::int64_t> leading_;
  data::ImageSize size_ = {};
  std::int64_t planes_ = 1;
  std::int64_t planes_of_piece_ = 1;
};

}  // namespace scatlight::cli
