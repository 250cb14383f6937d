#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scatlight/names.h"
#include "torch/device.h"

namespace scatlight::nets {

/// What the body of a network reads.
enum class Input {
  Scattering,    ///< The scattering of each colour channel.
  Pixels,        ///< The image.
  Dct,           ///< The lowest coefficients of the DCT of 2^J x 2^J blocks, in Y, Cb, Cr: see nets/dct.h.
  SpaceToDepth,  ///< The pixels of each 2^J x 2^J block as channels.
  Patchify,      ///< The image, by a learned convolution of 2^J x 2^J pixels in steps of 2^J.
  Pooled,        ///< The mean of each 2^J x 2^J block.
};

enum class Family {
  ScatResNet,  ///< Paper section 4 and table 1: one convolution on maps, groups of residual blocks.
  ResNet,      ///< torchvision's ResNet on pixels: the same groups behind a stem that halves them twice.
  Vgg,         ///< torchvision's VGG-16 on pixels, no batch norm.
  Linear,      ///< One affine layer on the maps: what the transform gives alone.
  /// Zagoruyko and Komodakis, "Wide residual networks" (BMVC 2016): one convolution on any input, groups of
  /// basic blocks whose batch norms come before their convolutions.
  WideResNet,
};

enum class Block { Basic, Bottleneck };

/// Of the scattering: whose wavelets are parameters of the network.
enum class LearnedFilters {
  None,        ///< Those of the options stay.
  Shared,      ///< One set for all colours.
  PerChannel,  ///< One for each colour.
};

}  // namespace scatlight::nets

namespace scatlight {

template <>
struct Names<nets::Input> {
  static constexpr std::string_view what = "input";
  static constexpr std::array<std::string_view, 6> all = {"scattering",     "pixels",   "dct",
                                                          "space-to-depth", "patchify", "pooled"};
};

template <>
struct Names<nets::Family> {
  static constexpr std::string_view what = "family";
  static constexpr std::array<std::string_view, 5> all = {"scatresnet", "resnet", "vgg", "linear",
                                                          "wideresnet"};
};

template <>
struct Names<nets::LearnedFilters> {
  static constexpr std::string_view what = "learned filters";
  static constexpr std::array<std::string_view, 3> all = {"none", "shared", "per-channel"};
};

template <>
struct Names<nets::Block> {
  static constexpr std::string_view what = "block";
  static constexpr std::array<std::string_view, 2> all = {"basic", "bottleneck"};
};

}  // namespace scatlight

namespace scatlight::nets {

/// Everything that a network's structure follows from. The catalogue (nets/catalogue.h) fills it for the
/// paper's networks; every field may then be changed.
struct NetworkOptions {
  std::string name = {};  ///< In the catalogue; a label only.
  Family family = Family::ScatResNet;
  int classes = 1000;
  int height = 224;  ///< Of the images.
  int width = 224;

  // The front end: see nets/front_end.h.
  Input input = Input::Scattering;  ///< Of ResNet and Vgg always Pixels.
  int scales = 3;                   ///< J: all but pixels have a sample for 2^J x 2^J of them.
  int angles = 8;                   ///< L of the scattering.
  int max_order = 1;                ///< Of the scattering, 1 or 2.
  /// Of the scattering: the paths of each colour that are kept, as Scattering::paths() counts them, in
  /// growing order; empty: all.
  std::vector<int> paths = {};
  LearnedFilters learned_filters = LearnedFilters::None;  ///< Of the scattering.
  int dct_channels = 0;                                   ///< Of the DCT, the lowest ones; 0: all.
  /// What was subtracted from R, G, B in [0, 1], and by what they were divided: the DCT undoes it.
  std::array<float, 3> image_mean = {0, 0, 0};
  std::array<float, 3> image_deviation = {1, 1, 1};
  bool input_norm = false;  ///< Batch norm without affine part on the maps; not in the paper.
  /// Constant mean and deviation of each map: see Network::set_map_statistics().
  bool standardize = false;

  // The body of the residual networks.
  Block block = Block::Basic;
  int stem = 256;                ///< Channels of the first convolution.
  std::vector<int> depths = {};  ///< Blocks in each group.
  std::vector<int> widths = {};  ///< Channels of the blocks' 3x3 convolutions in each group.
  int expansion = 1;     ///< Channels out of a block, in units of its width: 1, for bottlenecks 4 or 2.
  int first_stride = 1;  ///< Of the first group; the others have 2.
};

/// One network, float32, on the CPU until it is moved. Modules and parameters have torchvision's names
/// (conv1, bn1, layer1.0.conv1 ... fc). Wavelets that are learned are float64: see torch/wavelets.h.
class Network {
 public:
  /// Builds the network with He fan-out initialisation from torch's global generator. Throws Error for
  /// options out of range (images smaller than 2^J, no classes, a group without blocks ...).
  explicit Network(const NetworkOptions& options);

  /// The network cut after its first layers (those of its architecture, nets/architecture.h); classify()
  /// gives what the last one gives.
  Network(const NetworkOptions& options, std::size_t layers);
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;

  const NetworkOptions& options() const;

  /// Moves the network to a device, a GPU from torch_ops::open_device(). parameters() and buffers() are other
  /// tensors afterwards, of the same types. With bfloat16, convolutions and what lies between them compute in
  /// it, from weights that are rounded each time; batch norms' numbers, the last layers and gradients stay
  /// float32. Throws Error for bfloat16 where there is no convolution.
  void to(const torch_ops::Placement& placement);
  const at::Device& device() const;

  /// The front end (nets/front_end.h): (N, 3, H, W) images to the maps that the body reads, (N, C, h, w). The
  /// images are on the CPU or on the network's device, the maps are on the latter, in the type that the
  /// convolutions compute in. No gradient flows through it, but while trains_front_end() to its parameters.
  at::Tensor maps(const at::Tensor& images) const;

  /// Whether the network is in training mode, and learns numbers of its front end, which are not frozen. Then
  /// maps of one step are not those of the next.
  bool trains_front_end() const;

  /// After a step of an optimizer: numbers of the front end that are out of range become the nearest ones in
  /// it. NaN stays; returns whether there is none.
  bool keep_in_range();

  /// Shape (C, h, w) of the maps.
  std::vector<std::int64_t> map_shape() const;

  /// The body: maps (N, C, h, w), on the CPU or on the network's device, to logits (N, classes) on the
  /// latter.
  at::Tensor classify(const at::Tensor& maps);

  /// Some layers of the body alone, those from `first` to before `end` of its architecture, on what the
  /// layers before them give.
  at::Tensor run(const at::Tensor& x, std::size_t first, std::size_t end);

  /// Of a network that standardizes its maps: what is subtracted from each of them, and by what it is divided
  /// (C). They are buffers, so weights files have them; until they are set they are 0 and 1.
  void set_map_statistics(const at::Tensor& mean, const at::Tensor& deviation);

  /// Makes constants of the batch norms, of their affine parts too: from now on they scale the weights of the
  /// convolutions before them while the network runs, so that training keeps no copy of what they read.
  /// Gradients flow to those weights.
  void freeze_norms();

  /// Convolutions in the layers from `first` to before `end` are no longer trained, and their batch norms are
  /// constants. Where the first layer of all is among them, nor is the front end.
  void freeze(std::size_t first, std::size_t end);

  /// classify(maps(images)).
  at::Tensor forward(const at::Tensor& images);

  /// Training mode (batch statistics) or evaluation mode (running statistics). New networks are in training
  /// mode.
  void train(bool on = true);

  /// In the order of torchvision's state_dict, those of the front end first; the tensors share the network's
  /// memory. Of frozen parameters, requires_grad() is false. Buffers are running means, variances and batch
  /// counts.
  std::vector<std::pair<std::string, at::Tensor>> parameters() const;
  std::vector<std::pair<std::string, at::Tensor>> buffers() const;

  std::int64_t parameter_count() const;

  struct Body;  ///< Private to nets (nets/body.h).

 private:
  friend void fold_for_inference(Network& network);
  std::unique_ptr<Body> body_;
};

}  // namespace scatlight::nets
