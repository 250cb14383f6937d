#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "scatlight/options.h"

namespace scatlight {

/// One axis of the image and of its padded plane, in samples.
struct Axis {
  int size = 0;    ///< of the image
  int padded = 0;  ///< of the plane on which convolutions wrap around; a multiple of 2^J
  int before = 0;  ///< padding in front of the image
  int output = 0;  ///< kept output samples

  /// The image index that each padded index repeats, or -1 where the image is continued by zero.
  std::vector<int> sources(Boundary boundary) const;
};

/// All sizes that follow from the options. A level is the log2 of a sampling step: a plane at level l has
/// (rows.padded >> l, columns.padded >> l) samples.
struct Geometry {
  explicit Geometry(const ScatteringOptions& resolved);

  Axis rows;
  Axis columns;
  int output_level = 0;  ///< log2 of the output stride
  /// Output samples dropped at each side, of 2^J samples of the plane: the padding and, where the image's
  /// size is no multiple of 2^J, some of the image.
  int output_border = 0;

  /// The level at which |x * psi_j| is sampled: 2^j, or the output stride where that is finer.
  int level(int scale) const { return scale < output_level ? scale : output_level; }
};

/// The options with every default filled in. Throws Error for what is out of range.
ScatteringOptions resolve(ScatteringOptions options);

/// How many planes the values of images and features are, with `maps` output maps per plane. Throws Error for
/// sizes that do not fit; `features_name` is what the caller calls the second.
std::int64_t count_planes(const Geometry& geometry, std::size_t maps, std::size_t images,
                          std::size_t features, std::string_view features_name);

/// The output maps of a plane, as paths_of() gives them.
std::vector<Path> make_paths(const ScatteringOptions& resolved);

/// How many they are.
std::int64_t count_maps(const ScatteringOptions& resolved);

/// The place of a path among them.
std::int64_t map_index(const ScatteringOptions& resolved, const Path& path);

}  // namespace scatlight
