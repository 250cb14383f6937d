#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

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

  int padding() const { return kernel / 2; }
};

/// The convolutions in a row, plus the input (or a convolution of it), then ReLU.
struct Residual {
  std::vector<Conv> convs;
  std::optional<Conv> shortcut;
};

/// Batch norm without affine part.
struct InputNorm {
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

using Layer = std::variant<Conv, Residual, InputNorm, MaxPool, AveragePool, Linear>;

struct Shape {
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t count() const { return channels * height * width; }
};

struct Architecture {
  bool scattering = false;
  Shape maps;  ///< What the first layer reads.
  std::vector<Layer> layers;
};

/// Throws Error for options out of range.
Architecture make_architecture(const NetworkOptions& options);

Shape output_shape(const Conv& conv, Shape in);
Shape output_shape(const MaxPool& pool, Shape in);

}  // namespace scatlight::nets
