// What detectors need of networks: where they are cut, a part of their layers, constant batch norms, layers
// that are not trained, weights of a classifier.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "nets/architecture.h"
#include "nets/catalogue.h"
#include "nets/weights.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::nets {
namespace {

/// A network of the catalogue with few channels, for images of 64 x 64.
NetworkOptions small(const char* name) {
  auto options = network_options(name);
  options.classes = 5;
  options.height = options.width = 64;
  options.stem = 8;
  for (auto& width : options.widths) width = 8;
  for (auto& depth : options.depths) depth = 2;
  return options;
}

/// Running statistics and affine parts that are not 0 and 1.
void use_statistics(Network& network) {
  const at::NoGradGuard no_grad;
  for (auto& [name, tensor] : network.buffers()) {
    if (name.ends_with("running_mean")) tensor.uniform_(-0.3, 0.3);
    if (name.ends_with("running_var")) tensor.uniform_(0.6, 1.5);
  }
  for (auto& [name, tensor] : network.parameters()) {
    if (tensor.dim() == 1) tensor.uniform_(0.2, 1.2);
  }
}

/// All tensors of one network into another one of the same architecture.
void copy(const Network& from, Network& to) {
  const at::NoGradGuard no_grad;
  const auto copy_each = [](const auto& sources, const auto& targets) {
    ASSERT_EQ(sources.size(), targets.size());
    for (std::size_t i = 0; i < sources.size(); ++i) targets[i].second.copy_(sources[i].second);
  };
  copy_each(from.parameters(), to.parameters());
  copy_each(from.buffers(), to.buffers());
}

double error(const at::Tensor& actual, const at::Tensor& expected) {
  return ((actual - expected).abs().max() / expected.abs().max()).item<double>();
}

struct Cut {
  std::size_t stem_end;
  std::vector<std::size_t> group_ends;
  std::size_t head_begin;
  std::size_t head_end;
  int stride;
  int channels;
  int head_channels;
};

TEST(DetectionParts, OfAllNetworks) {
  const std::map<std::string, Cut> cuts = {
      {"scatresnet10", {1, {3}, 3, 5, 8, 256, 512}},
      {"scatresnet10-order2", {1, {3}, 3, 5, 8, 256, 512}},
      {"scatresnet50", {1, {6, 14}, 14, 17, 16, 1024, 2048}},
      {"wide-scatresnet50-2", {1, {6, 14}, 14, 17, 16, 2048, 4096}},
      {"resnet50", {2, {5, 9, 15}, 15, 18, 16, 1024, 2048}},
      {"resnet101", {2, {5, 9, 32}, 32, 35, 16, 1024, 2048}},
      {"resnet152", {2, {5, 13, 49}, 49, 52, 16, 1024, 2048}},
      {"wide-resnet50-2", {2, {5, 9, 15}, 15, 18, 16, 1024, 2048}},
      // The stem ends with the first pooling, the base before the last one; two poolings lie before the head.
      {"vgg16", {3, {6, 10, 14, 17}, 19, 21, 16, 512, 4096}},
      {"scatresnet-small", {2, {4}, 4, 6, 8, 64, 128}},
      {"resnet-small", {2, {4}, 4, 6, 8, 64, 128}},
      {"scatdet-small", {2, {4, 6}, 6, 8, 16, 128, 128}},
      {"det-small", {2, {4, 6}, 6, 8, 16, 128, 128}},
  };
  for (const auto& name : network_names()) {
    const auto options = network_options(name);
    ASSERT_EQ(cuts.contains(name), has_detection_parts(options)) << name << ": say where it is cut";
    if (!cuts.contains(name)) continue;
    const auto& cut = cuts.at(name);
    const auto parts = detection_parts(options);
    EXPECT_EQ(parts.groups.stem_end, cut.stem_end) << name;
    EXPECT_EQ(parts.groups.ends, cut.group_ends) << name;
    EXPECT_EQ(parts.base_end, cut.group_ends.back()) << name;
    EXPECT_EQ(parts.head_begin, cut.head_begin) << name;
    EXPECT_EQ(parts.head_end, cut.head_end) << name;
    EXPECT_EQ(parts.stride, cut.stride) << name;
    EXPECT_EQ(parts.channels, cut.channels) << name;
    EXPECT_EQ(parts.head_channels, cut.head_channels) << name;
  }
}

TEST(DetectionParts, RefuseWhatCannotBeCut) {
  test::expect_error([] { detection_parts(network_options("linear")); }, "at least two groups");
  test::expect_error([] { detection_parts(network_options("wrn-16-2")); }, "Wide-ResNet");
  auto one_group = network_options("scatresnet10");
  one_group.depths = {2};
  one_group.widths = {64};
  test::expect_error([&] { detection_parts(one_group); }, "at least two groups");
  auto coarse = network_options("scatresnet50");
  coarse.scales = 4;
  test::expect_error([&] { detection_parts(coarse); }, "a stride of 32 pixels");
  auto fine = network_options("scatresnet10");
  fine.scales = 2;
  test::expect_error([&] { detection_parts(fine); }, "a stride of 4 pixels");
}

TEST(Parts, AreTheWholeNetworkTogether) {
  const at::NoGradGuard no_grad;
  at::manual_seed(0);
  for (const char* name : {"scatdet-small", "det-small", "resnet50", "scatresnet10"}) {
    const auto options = small(name);
    const auto parts = detection_parts(options);
    Network network(options);
    use_statistics(network);
    network.train(false);
    const auto maps = network.maps(at::rand({2, 3, 64, 64}));
    const auto features = network.run(maps, 0, parts.base_end);
    EXPECT_EQ(features.sizes(), at::IntArrayRef({2, parts.channels, 64 / parts.stride, 64 / parts.stride}))
        << name;
    const auto of_head = network.run(features, parts.head_begin, parts.head_end);
    EXPECT_EQ(of_head.size(1), parts.head_channels) << name;
    const auto layers = make_architecture(options).layers.size();
    EXPECT_TRUE(at::equal(network.run(of_head, parts.head_end, layers), network.classify(maps))) << name;

    // Cut before the layers of the classes, it is the same network.
    Network cut(options, parts.head_end);
    for (const auto& [parameter, tensor] : cut.parameters())
      EXPECT_FALSE(parameter.starts_with("fc")) << name;
    EXPECT_EQ(cut.parameters().size() + 2, network.parameters().size()) << name;
    const test::TemporaryFolder folder;
    save_weights(network, folder / "model.safetensors");
    load_body(cut, folder / "model.safetensors");
    cut.train(false);
    EXPECT_TRUE(at::equal(cut.classify(maps), of_head)) << name;
  }
}

// The features of a picture do not depend on the size that the network was made for.
TEST(Parts, TakeImagesOfAnySize) {
  const at::NoGradGuard no_grad;
  for (const char* name : {"scatdet-small", "det-small"}) {
    const auto parts = detection_parts(small(name));
    Network network(small(name), parts.head_end);
    network.train(false);
    const auto features = network.run(network.maps(at::rand({1, 3, 96, 160})), 0, parts.base_end);
    EXPECT_EQ(features.sizes(), at::IntArrayRef({1, parts.channels, 6, 10})) << name;
  }
}

// VGG's head is what torchvision calls classifier.0 and .3, with dropout in training alone.
TEST(Parts, OfVgg) {
  const at::NoGradGuard no_grad;
  auto options = network_options("vgg16");
  options.height = options.width = 32;
  const auto parts = detection_parts(options);
  Network network(options, parts.head_end);
  EXPECT_EQ(network.parameters().back().first, "classifier.3.bias");
  network.train(false);
  const auto features = network.run(at::rand({1, 3, 64, 96}), 0, parts.base_end);
  EXPECT_EQ(features.sizes(), at::IntArrayRef({1, 512, 4, 6}));
  const auto regions = at::rand({2, 512, 7, 7}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto of_head = network.run(regions, parts.head_begin, parts.head_end);
  EXPECT_EQ(of_head.sizes(), at::IntArrayRef({2, 4096}));
  EXPECT_TRUE(at::equal(of_head, network.run(regions.contiguous(), parts.head_begin, parts.head_end)))
      << "the layout in memory says nothing";
  network.train(true);
  EXPECT_FALSE(at::equal(of_head, network.run(regions, parts.head_begin, parts.head_end))) << "dropout";
}

struct Gradients {
  at::Tensor logits;
  std::map<std::string, at::Tensor> of;
};

Gradients gradients(Network& network, const at::Tensor& maps) {
  const auto logits = network.classify(maps);
  logits.mul(at::arange(logits.numel()).view_as(logits).sin()).sum().backward();
  Gradients result = {.logits = logits.detach(), .of = {}};
  for (const auto& [name, tensor] : network.parameters()) {
    if (tensor.grad().defined()) result.of.emplace(name, tensor.grad().clone());
    tensor.mutable_grad().reset();
  }
  return result;
}

TEST(FrozenNorms, AreBatchNormsInEvaluationModeWithTheirGradients) {
  at::manual_seed(0);
  for (const char* name : {"scatdet-small", "det-small", "resnet50", "scatresnet10"}) {
    Network reference(small(name));
    use_statistics(reference);
    reference.train(false);
    Network frozen(small(name));
    copy(reference, frozen);
    frozen.freeze_norms();
    frozen.train(true);

    const auto before = frozen.buffers();
    std::vector<at::Tensor> values;
    for (const auto& [buffer, tensor] : before) values.push_back(tensor.clone());
    const auto maps = reference.maps(at::rand({2, 3, 64, 64}));
    const auto expected = gradients(reference, maps);
    const auto actual = gradients(frozen, maps);
    EXPECT_LT(error(actual.logits, expected.logits), 2e-5) << name;
    for (const auto& [parameter, tensor] : frozen.parameters()) {
      const bool is_norm =
          parameter.find("bn") != std::string::npos || parameter.find("downsample.1") != std::string::npos;
      EXPECT_EQ(tensor.requires_grad(), !is_norm) << name << ' ' << parameter;
      EXPECT_EQ(actual.of.contains(parameter), !is_norm) << name << ' ' << parameter;
      if (is_norm) continue;
      EXPECT_LT(error(actual.of.at(parameter), expected.of.at(parameter)), 1e-4) << name << ' ' << parameter;
    }
    for (std::size_t i = 0; i < before.size(); ++i)
      EXPECT_TRUE(at::equal(before[i].second, values[i])) << name << ' ' << before[i].first << " moved";
  }
}

// A resume fills the tensors of a network that is frozen already.
TEST(FrozenNorms, FollowTheWeightsThatAreLoadedLater) {
  const at::NoGradGuard no_grad;
  Network reference(small("scatdet-small"));
  use_statistics(reference);
  Network frozen(small("scatdet-small"));
  frozen.freeze_norms();
  copy(reference, frozen);
  reference.train(false);
  const auto images = at::rand({2, 3, 64, 64});
  EXPECT_LT(error(frozen.forward(images), reference.forward(images)), 2e-5);
}

TEST(FrozenNorms, StayWithTheirNetworkWhereverItGoes) {
  const at::NoGradGuard no_grad;
  Network network(small("scatdet-small"));
  use_statistics(network);
  network.freeze_norms();
  const auto maps = network.maps(at::rand({2, 3, 64, 64}));
  const auto expected = network.classify(maps);
  network.to({});
  EXPECT_LT(error(network.classify(maps), expected), 1e-5);
  for (const auto& [name, tensor] : network.parameters()) {
    EXPECT_EQ(tensor.requires_grad(),
              name.find("bn") == std::string::npos && name.find("downsample.1") == std::string::npos)
        << name;
  }
}

TEST(Freeze, BeginsWithTheStemAndGoesByGroups) {
  const auto groups = layer_groups(network_options("scatresnet50"));
  EXPECT_EQ(groups.ends, (std::vector<std::size_t>{6, 14, 17}));
  EXPECT_EQ(first_trained(-1, groups), 0U);
  EXPECT_EQ(first_trained(0, groups), 1U);
  EXPECT_EQ(first_trained(3, groups), 17U) << "the layer of the classes alone";
  test::expect_error([&] { first_trained(4, groups); }, "frozen groups 4: -1 to 3 is accepted");
  const auto of_vgg = layer_groups(network_options("vgg16"));
  EXPECT_EQ(of_vgg.stem_end, 3U);
  EXPECT_EQ(of_vgg.ends, (std::vector<std::size_t>{6, 10, 14, 18}));
  const auto none = layer_groups(network_options("linear"));
  EXPECT_EQ(first_trained(-1, none), 0U);
  test::expect_error([&] { first_trained(0, none); }, "no groups of layers");
}

TEST(Freeze, KeepsLayersAsTheyAre) {
  at::manual_seed(0);
  const auto options = small("scatdet-small");
  const auto parts = detection_parts(options);
  Network network(options);
  network.freeze(0, first_trained(1, parts.groups));  // the input's norm, the stem, the first group
  network.to({});
  const auto is_frozen = [](const std::string& name) {
    return name.starts_with("norm0") || name.starts_with("conv1") || name.starts_with("bn1") ||
           name.starts_with("layer1");
  };
  std::vector<at::Tensor> before;
  for (const auto& [name, tensor] : network.buffers()) before.push_back(tensor.clone());
  const auto found = gradients(network, network.maps(at::rand({4, 3, 64, 64})));
  for (const auto& [name, tensor] : network.parameters()) {
    EXPECT_EQ(tensor.requires_grad(), !is_frozen(name)) << name;
    EXPECT_EQ(found.of.contains(name), !is_frozen(name)) << name;
  }
  const auto after = network.buffers();
  for (std::size_t i = 0; i < after.size(); ++i)
    EXPECT_EQ(at::equal(after[i].second, before[i]), is_frozen(after[i].first)) << after[i].first;
}

TEST(ChannelsLast, IsHowConvolutionsAreStored) {
  for (const char* name : {"scatdet-small", "det-small"}) {
    Network network(small(name));
    const auto parts = detection_parts(small(name));
    const auto features = network.run(network.maps(at::rand({2, 3, 64, 64})), 0, parts.base_end);
    EXPECT_TRUE(features.is_contiguous(at::MemoryFormat::ChannelsLast)) << name;
    for (const auto& [parameter, tensor] : network.parameters()) {
      EXPECT_TRUE(tensor.dim() != 4 || tensor.is_contiguous(at::MemoryFormat::ChannelsLast)) << parameter;
      EXPECT_TRUE(tensor.requires_grad() && tensor.is_leaf()) << parameter;
    }
  }
}

TEST(LoadBody, OfACutNetworkLeavesOutTheClasses) {
  const test::TemporaryFolder folder;
  const auto options = small("scatdet-small");
  const auto end = detection_parts(options).head_end;
  const Network classifier(options);
  const auto path = folder / "classifier.safetensors";
  save_weights(classifier, path);
  auto other_classes = options;
  other_classes.classes = 9;
  for (const auto& given : {options, other_classes}) {
    Network cut(given, end);
    EXPECT_FALSE(load_body(cut, path)) << "the layer of the classes was not filled";
    const auto expected = classifier.parameters();
    const auto actual = cut.parameters();
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_EQ(actual[i].first, expected[i].first);
      EXPECT_TRUE(at::equal(actual[i].second, expected[i].second)) << actual[i].first;
    }
  }

  save_weights(Network(options, end), folder / "cut.safetensors");
  Network cut(options, end);
  load_body(cut, folder / "cut.safetensors");
  Network whole(options);
  test::expect_error([&] { load_body(whole, folder / "cut.safetensors"); }, "it has no tensor 'fc.weight'");

  auto deeper = options;
  deeper.depths = {2, 2, 3};
  Network other(deeper, detection_parts(deeper).head_end);
  test::expect_error([&] { load_body(other, path); }, "it has no tensor 'layer3.2.conv1.weight'");
  auto shallower = options;
  shallower.depths = {2, 2, 1};
  Network another(shallower, detection_parts(shallower).head_end);
  test::expect_error([&] { load_body(another, path); }, "it has a tensor 'layer3.1.");

  Network bad(options);
  bad.parameters().front().second.detach()[0].fill_(std::numeric_limits<float>::quiet_NaN());
  save_weights(bad, folder / "bad.safetensors");
  test::expect_error([&] { load_body(cut, folder / "bad.safetensors"); }, "not finite");
}

}  // namespace
}  // namespace scatlight::nets
