#include "nets/architecture.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "nets/limits.h"
#include "scatlight/error.h"

namespace scatlight::nets {
namespace {

Residual basic_block(const std::string& name, int in, int width, int out, int stride) {
  return {.convs = {{.name = name + ".conv1",
                     .in = in,
                     .out = width,
                     .kernel = 3,
                     .stride = stride,
                     .norm = name + ".bn1"},
                    {.name = name + ".conv2",
                     .in = width,
                     .out = out,
                     .kernel = 3,
                     .relu = false,
                     .norm = name + ".bn2"}},
          .shortcut = std::nullopt};
}

// The stride is on the 3x3 convolution, as in torchvision and the authors' code.
Residual bottleneck_block(const std::string& name, int in, int width, int out, int stride) {
  return {.convs = {{.name = name + ".conv1", .in = in, .out = width, .norm = name + ".bn1"},
                    {.name = name + ".conv2",
                     .in = width,
                     .out = width,
                     .kernel = 3,
                     .stride = stride,
                     .norm = name + ".bn2"},
                    {.name = name + ".conv3", .in = width, .out = out, .relu = false, .norm = name + ".bn3"}},
          .shortcut = std::nullopt};
}

PreActivated wide_block(const std::string& name, int in, int out, int stride) {
  return {.norm = {.name = name + ".bn1", .channels = in},
          .convs = {{.name = name + ".conv1",
                     .in = in,
                     .out = out,
                     .kernel = 3,
                     .stride = stride,
                     .norm = name + ".bn2"},
                    {.name = name + ".conv2", .in = out, .out = out, .kernel = 3, .relu = false}},
          .shortcut = std::nullopt};
}

/// `add(name, in, width, stride)` for each block of the groups, which begin with some channels; it gives the
/// channels that follow.
template <class Add>
int for_each_block(const NetworkOptions& options, const Add& add) {
  int channels = options.stem;
  for (std::size_t group = 0; group < options.depths.size(); ++group) {
    for (int index = 0; index < options.depths[group]; ++index) {
      const int stride = index > 0 ? 1 : group == 0 ? options.first_stride : 2;
      channels = add(fmt::format("layer{}.{}", group + 1, index), channels, options.widths[group], stride);
    }
  }
  return channels;
}

void check_groups(const NetworkOptions& options) {
  require_range("stem", options.stem, 1, most_channels);
  require_range("expansion", options.expansion, 1, 16);
  require_range("first_stride", options.first_stride, 1, 2);
  if (options.depths.empty() || options.depths.size() != options.widths.size()) {
    throw Error(fmt::format("{} depths and {} widths are given; each group of blocks needs one of both",
                            options.depths.size(), options.widths.size()));
  }
  for (const int depth : options.depths) require_range("a group's depth", depth, 1, most_blocks);
  for (const int width : options.widths)
    require_range("a group's width", width, 1, most_channels / options.expansion);
}

void add_groups(const NetworkOptions& options, std::vector<Layer>& layers) {
  check_groups(options);
  const auto add = [&](const std::string& name, int channels, int width, int stride) {
    const int out = width * options.expansion;
    auto block = options.block == Block::Basic ? basic_block(name, channels, width, out, stride)
                                               : bottleneck_block(name, channels, width, out, stride);
    if (stride != 1 || channels != out) {
      block.shortcut = Conv{.name = name + ".downsample.0",
                            .in = channels,
                            .out = out,
                            .stride = stride,
                            .relu = false,
                            .norm = name + ".downsample.1"};
    }
    layers.emplace_back(std::move(block));
    return out;
  };
  const int channels = for_each_block(options, add);
  layers.emplace_back(AveragePool{});
  layers.emplace_back(Linear{.name = "fc", .in = channels, .out = options.classes});
}

/// What acts on each map by itself.
void add_norm(const NetworkOptions& options, const Shape& maps, std::vector<Layer>& layers) {
  const int channels = static_cast<int>(maps.channels);
  if (options.standardize && options.input_norm)
    throw Error("maps are standardized, or normalized by their batch: both are not accepted");
  if (options.standardize) {
    layers.emplace_back(Standardize{"standardize", channels});
  } else if (options.input_norm || options.family == Family::Linear) {
    layers.emplace_back(InputNorm{"norm0", channels});
  }
}

/// The learned maps are as many as those of the scattering with the same J, L and order.
Shape add_patches(const NetworkOptions& options, const Shape& image, std::vector<Layer>& layers) {
  auto rival = options;
  rival.input = Input::Scattering;
  rival.paths.clear();
  const Conv patches{.name = "conv0",
                     .in = static_cast<int>(image.channels),
                     .out = make_front_end(rival)->channels(),
                     .kernel = 1 << options.scales,
                     .stride = 1 << options.scales,
                     .norm = "bn0"};
  layers.emplace_back(patches);
  return output_shape(patches, image);
}

void add_wide_groups(const NetworkOptions& options, std::vector<Layer>& layers) {
  check_groups(options);
  if (options.block != Block::Basic || options.expansion != 1)
    throw Error("a Wide-ResNet has basic blocks, of expansion 1");
  const auto add = [&](const std::string& name, int channels, int width, int stride) {
    auto block = wide_block(name, channels, width, stride);
    if (stride != 1 || channels != width) {
      block.shortcut =
          Conv{.name = name + ".downsample", .in = channels, .out = width, .stride = stride, .relu = false};
    }
    layers.emplace_back(std::move(block));
    return width;
  };
  const int channels = for_each_block(options, add);
  layers.emplace_back(NormRelu{.name = "norm", .channels = channels});
  layers.emplace_back(AveragePool{});
  layers.emplace_back(Linear{.name = "fc", .in = channels, .out = options.classes});
}

void add_vgg16(const NetworkOptions& options, std::vector<Layer>& layers) {
  if (options.height < 32 || options.width < 32) {
    throw Error(fmt::format(
        "images of {} x {} are too small for VGG-16, which halves them five times: it needs 32 x 32",
        options.height, options.width));
  }
  int index = 0;  // of torchvision's Sequential, where ReLU and pooling count too
  int channels = 3;
  for (const auto& [width, depth] : {std::pair{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}}) {
    for (int i = 0; i < depth; ++i, index += 2, channels = width) {
      layers.emplace_back(Conv{.name = fmt::format("features.{}", index),
                               .in = channels,
                               .out = width,
                               .kernel = 3,
                               .bias = true});
    }
    layers.emplace_back(MaxPool{});
    ++index;
  }
  layers.emplace_back(AveragePool{7});
  layers.emplace_back(
      Linear{.name = "classifier.0", .in = 512 * 7 * 7, .out = 4096, .relu = true, .dropout = 0.5});
  layers.emplace_back(Linear{.name = "classifier.3", .in = 4096, .out = 4096, .relu = true, .dropout = 0.5});
  layers.emplace_back(Linear{.name = "classifier.6", .in = 4096, .out = options.classes});
}

}  // namespace

Architecture make_architecture(const NetworkOptions& options) {
  require_range("classes", options.classes, 1, 1'000'000);
  require_range("height", options.height, 1, most_pixels);
  require_range("width", options.width, 1, most_pixels);
  if (options.input != Input::Pixels && (options.family == Family::ResNet || options.family == Family::Vgg))
    throw Error(fmt::format("the stem of {} reads pixels, not {}", options.name, name_of(options.input)));
  Architecture architecture;
  auto& layers = architecture.layers;
  architecture.front_end = make_front_end(options);
  const int stride = architecture.front_end->stride();
  architecture.maps = {architecture.front_end->channels(), options.height / stride, options.width / stride};
  auto maps = architecture.maps;
  add_norm(options, maps, layers);
  if (options.input == Input::Patchify) maps = add_patches(options, maps, layers);
  const int channels = static_cast<int>(maps.channels);
  switch (options.family) {
    case Family::ScatResNet:
      layers.emplace_back(
          Conv{.name = "conv1", .in = channels, .out = options.stem, .kernel = 3, .norm = "bn1"});
      add_groups(options, layers);
      break;
    case Family::ResNet:
      layers.emplace_back(Conv{
          .name = "conv1", .in = channels, .out = options.stem, .kernel = 7, .stride = 2, .norm = "bn1"});
      layers.emplace_back(MaxPool{.kernel = 3, .stride = 2, .padding = 1});
      add_groups(options, layers);
      break;
    case Family::WideResNet:
      layers.emplace_back(
          Conv{.name = "conv1", .in = channels, .out = options.stem, .kernel = 3, .relu = false});
      add_wide_groups(options, layers);
      break;
    case Family::Vgg:
      add_vgg16(options, layers);
      break;
    case Family::Linear: {
      const std::int64_t count = maps.count();
      if (count > (std::int64_t{1} << 24))
        throw Error(fmt::format("{} features are too many for a linear layer", count));
      layers.emplace_back(Linear{.name = "fc", .in = static_cast<int>(count), .out = options.classes});
      break;
    }
  }
  return architecture;
}

namespace {

/// The convolutions of a residual block; none of another layer.
std::span<const Conv> convs_of_block(const Layer& layer) {
  if (const auto* block = std::get_if<Residual>(&layer)) return block->convs;
  if (const auto* block = std::get_if<PreActivated>(&layer)) return block->convs;
  return {};
}

// The group that a layer belongs to: "layer1" for layer1.0.conv1, nothing for what is no block. VGG has no
// groups except between its poolings.
std::string_view group_of(const Layer& layer) {
  const auto convs = convs_of_block(layer);
  if (convs.empty()) return {};
  const std::string_view name = convs.front().name;
  return name.substr(0, name.find('.'));
}

int stride_of(const Layer& layer) {
  if (const auto* conv = std::get_if<Conv>(&layer)) return conv->stride;
  if (const auto* pool = std::get_if<MaxPool>(&layer)) return pool->stride;
  int stride = 1;
  for (const auto& conv : convs_of_block(layer)) stride *= conv.stride;
  return stride;
}

int channels_after(const Layer& layer, int before) {
  if (const auto* conv = std::get_if<Conv>(&layer)) return conv->out;
  if (const auto convs = convs_of_block(layer); !convs.empty()) return convs.back().out;
  if (const auto* linear = std::get_if<Linear>(&layer)) return linear->out;
  return before;
}

LayerGroups residual_groups(const std::vector<Layer>& layers) {
  LayerGroups groups;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto group = group_of(layers[i]);
    if (group.empty()) continue;
    if (groups.ends.empty()) groups.stem_end = i;
    if (i > groups.stem_end && group_of(layers[i - 1]) == group) groups.ends.pop_back();
    groups.ends.push_back(i + 1);
  }
  return groups;
}

LayerGroups groups_between_poolings(const std::vector<Layer>& layers) {
  LayerGroups groups;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (std::holds_alternative<MaxPool>(layers[i])) groups.ends.push_back(i + 1);
  }
  groups.stem_end = groups.ends.front();
  groups.ends.erase(groups.ends.begin());
  return groups;
}

LayerGroups groups_of(Family family, const std::vector<Layer>& layers) {
  return family == Family::Vgg ? groups_between_poolings(layers) : residual_groups(layers);
}

// The last of the residual groups is the head.
void cut_groups(DetectionParts& parts) {
  auto& ends = parts.groups.ends;
  if (ends.size() < 2) return;
  parts.head_end = ends.back();
  ends.pop_back();
  parts.base_end = parts.head_begin = ends.back();
}

// The layers of an image's classes are VGG's head, but the last; the pooling before them is the regions'.
void cut_vgg(const std::vector<Layer>& layers, DetectionParts& parts) {
  const auto pool = std::ranges::find_if(
      layers, [](const Layer& layer) { return std::holds_alternative<AveragePool>(layer); });
  parts.head_begin = static_cast<std::size_t>(pool - layers.begin()) + 1;
  parts.head_end = layers.size() - 1;
  parts.base_end = --parts.groups.ends.back();
}

// With base_end 0 if there is nothing to cut.
DetectionParts cut(const NetworkOptions& options) {
  const auto architecture = make_architecture(options);
  const auto& layers = architecture.layers;
  DetectionParts parts{.groups = groups_of(options.family, layers)};
  if (options.family == Family::Vgg) {
    cut_vgg(layers, parts);
  } else if (options.family != Family::WideResNet) {  // whose last norm comes after the last group
    cut_groups(parts);
  }
  parts.stride = architecture.front_end->stride();
  parts.channels = static_cast<int>(architecture.maps.channels);
  for (std::size_t i = 0; i < parts.base_end; ++i) {
    parts.stride *= stride_of(layers[i]);
    parts.channels = channels_after(layers[i], parts.channels);
  }
  parts.head_channels = parts.channels;
  for (std::size_t i = parts.head_begin; i < parts.head_end; ++i)
    parts.head_channels = channels_after(layers[i], parts.head_channels);
  return parts;
}

}  // namespace

LayerGroups layer_groups(const NetworkOptions& options) {
  return groups_of(options.family, make_architecture(options).layers);
}

std::size_t first_trained(int frozen, const LayerGroups& groups) {
  const auto count = std::ssize(groups.ends);
  if (count == 0 && frozen >= 0)
    throw Error(fmt::format("frozen groups {}: this network has no groups of layers", frozen));
  if (frozen < -1 || frozen > count)
    throw Error(fmt::format("frozen groups {}: -1 to {} is accepted for this network", frozen, count));
  if (frozen < 0) return 0;
  return frozen == 0 ? groups.stem_end : groups.ends[static_cast<std::size_t>(frozen) - 1];
}

bool has_detection_parts(const NetworkOptions& options) {
  const auto parts = cut(options);
  return parts.base_end > 0 && (parts.stride == 8 || parts.stride == 16);
}

DetectionParts detection_parts(const NetworkOptions& options) {
  const auto parts = cut(options);
  if (options.family == Family::WideResNet) throw Error("no detector is made of a Wide-ResNet");
  if (parts.base_end == 0) {
    throw Error(
        "a detector needs a network of at least two groups of layers: the last one works on the regions");
  }
  if (!has_detection_parts(options)) {
    throw Error(fmt::format(
        "the features before the last group have a stride of {} pixels; a detector works with 8 or 16",
        parts.stride));
  }
  return parts;
}

Shape output_shape(const Conv& conv, Shape in) {
  const auto side = [&](std::int64_t length) {
    return (length + 2 * conv.padding() - conv.kernel) / conv.stride + 1;
  };
  return {conv.out, side(in.height), side(in.width)};
}

Shape output_shape(const MaxPool& pool, Shape in) {
  const auto side = [&](std::int64_t length) {
    return (length + 2 * pool.padding - pool.kernel) / pool.stride + 1;
  };
  return {in.channels, side(in.height), side(in.width)};
}

}  // namespace scatlight::nets
