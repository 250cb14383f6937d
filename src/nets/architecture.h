#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "nets/front_end.h"
#include "nets/network.h"

namespace scatlight::nets {

// A network as a list of layers, without weights: the network is built from it, and its cost is counted from
// it.

/// A square convolution, then batch norm where it has a name, then ReLU.
struct Conv {
  std::string name;
  int in = 0;
  int out = 0;
  int kernel = 1;
  int stride = 1;
  bool bias = false;
  bool relu = true;
  std::string norm = {};

  /// Patches, which touch each other, have none.
  int padding() const { return kernel == stride ? 0 : kernel / 2; }
};

/// The convolutions in a row, plus the input (or a convolution of it), then ReLU.
struct Residual {
  std::vector<Conv> convs;
  std::optional<Conv> shortcut;
};

/// Batch norm, then ReLU.
struct NormRelu {
  std::string name;
  int channels = 0;
};

/// Batch norm and ReLU, then the convolutions in a row, plus the input (or a convolution of what ReLU gave):
/// He et al., "Identity mappings in deep residual networks" (2016).
struct PreActivated {
  NormRelu norm;
  std::vector<Conv> convs;
  std::optional<Conv> shortcut;
};

/// Batch norm without affine part.
struct InputNorm {
  std::string name;
  int channels = 0;
};

/// (x - mean) / deviation with constants of each channel.
struct Standardize {
  std::string name;
  int channels = 0;
};

struct MaxPool {
  int kernel = 2;
  int stride = 2;
  int padding = 0;
};

/// The mean over each cell of a size x size grid.
struct AveragePool {
  int size = 1;
};

/// An affine layer on the flattened input, then ReLU and dropout where asked for.
struct Linear {
  std::string name;
  int in = 0;
  int out = 0;
  bool relu = false;
  double dropout = 0;
};

using Layer = std::variant<Conv, Residual, NormRelu, PreActivated, InputNorm, Standardize, MaxPool,
                           AveragePool, Linear>;

struct Shape {
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t count() const { return channels * height * width; }
};

struct Architecture {
  std::shared_ptr<const FrontEnd> front_end;
  Shape maps;  ///< What the first layer reads.
  std::vector<Layer> layers;
};

/// Throws Error for options out of range.
Architecture make_architecture(const NetworkOptions& options);

/// The groups of a network's body: residual blocks of one width; VGG: layers between poolings.
struct LayerGroups {
  std::size_t stem_end = 0;            ///< The layers before the first group; VGG: up to the first pooling.
  std::vector<std::size_t> ends = {};  ///< Of each group; none of a linear network.
};

/// Throws Error for options out of range.
LayerGroups layer_groups(const NetworkOptions& options);

/// The first layer that is trained where the first `frozen` groups and all before them are not; 0: what is
/// before the groups is not, -1: all are trained. Throws Error for more groups than there are.
std::size_t first_trained(int frozen, const LayerGroups& groups);

/// Where a network is cut for the detection of objects (paper section 3.2): features of the whole image up to
/// `base_end`, then the layers from `head_begin` to `head_end` on the features of each region. The layers
/// that give the classes of an image are left out.
struct DetectionParts {
  std::size_t base_end = 0;
  std::size_t head_begin = 0;
  std::size_t head_end = 0;
  LayerGroups groups = {};  ///< Of the base.
  int stride = 0;           ///< Pixels per sample of the features.
  int channels = 0;         ///< Of the features.
  int head_channels = 0;    ///< What the head gives per region.
};

/// Throws Error for a network without groups, and for one whose features have not a stride of 8 or 16 pixels.
DetectionParts detection_parts(const NetworkOptions& options);

/// Whether detection_parts() has any.
bool has_detection_parts(const NetworkOptions& options);

Shape output_shape(const Conv& conv, Shape in);
Shape output_shape(const MaxPool& pool, Shape in);

}  // namespace scatlight::nets
