// The catalogue, the networks' shapes and training, weights files, folding.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "nets/catalogue.h"
#include "nets/cost.h"
#include "nets/fold.h"
#include "nets/weights.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::nets {
namespace {

NetworkOptions small(const char* name) {
  auto options = network_options(name);
  options.classes = 5;
  options.height = options.width = 32;
  return options;
}

// The paper's and torchvision's, with 1000 classes.
TEST(Catalogue, ParameterCounts) {
  const std::pair<const char*, std::int64_t> counts[] = {
      {"scatresnet10", 11'441'384}, {"scatresnet10-order2", 12'768'488},
      {"scatresnet50", 27'850'856}, {"wide-scatresnet50-2", 107'015'400},
      {"resnet50", 25'557'032},     {"resnet101", 44'549'160},
      {"resnet152", 60'192'808},    {"wide-resnet50-2", 68'883'240},
      {"vgg16", 138'357'544}};
  for (const auto& [name, count] : counts) EXPECT_EQ(cost(network_options(name)).parameters, count) << name;
}

// Zagoruyko and Komodakis' with 10 classes.
TEST(Catalogue, ParameterCountsOfWideResNets) {
  for (const auto& [name, count] :
       {std::pair{"wrn-16-8", 10'961'370}, {"wrn-16-4", 2'748'890}, {"wrn-16-2", 691'674}}) {
    auto options = network_options(name);
    options.classes = 10;
    EXPECT_EQ(cost(options).parameters, count) << name;
  }
}

TEST(Catalogue, CountsAreThoseOfTheNetworksThemselves) {
  for (const auto& name : network_names()) {
    if (name == "wide-scatresnet50-2" || name == "vgg16") continue;  // as others, and large
    const auto options = small(name.c_str());
    const Network network(options);
    EXPECT_EQ(network.parameter_count(), cost(options).parameters) << name;
    const auto shape = network.map_shape();
    EXPECT_EQ(shape[0] * shape[1] * shape[2], cost(options).input_values) << name;
  }
}

// Known for torchvision's ResNet-50 at 224: 4.09 G multiply-adds.
TEST(Catalogue, MultiplyAdds) { EXPECT_EQ(cost(network_options("resnet50")).multiply_adds, 4'089'184'256); }

TEST(Catalogue, UnknownNetworkNamesTheKnown) {
  test::expect_error([] { network_options("resnet51"); }, "resnet50");
}

TEST(Networks, ClassifyAnySizeAndNumberOfClasses) {
  const at::NoGradGuard no_grad;
  for (const auto& name : network_names()) {
    auto options = small(name.c_str());
    options.width = 41;
    if (name == "vgg16" || name.starts_with("wide")) continue;
    Network network(options);
    network.train(false);
    const auto images = at::rand({2, 3, 32, 41});
    const auto maps = network.maps(images);
    const auto shape = network.map_shape();
    ASSERT_EQ(maps.sizes(), at::IntArrayRef({2, shape[0], shape[1], shape[2]})) << name;
    const auto logits = network.forward(images);
    ASSERT_EQ(logits.sizes(), at::IntArrayRef({2, 5})) << name;
    EXPECT_TRUE(logits.isfinite().all().item<bool>()) << name;
    EXPECT_TRUE(at::equal(network.classify(maps), logits)) << name;
  }
}

TEST(Networks, TheSmallTwinsWorkAtTheSameResolution) {
  // Stride 8 to the first group in both: the scattering's 2^3; 2 (stem) x 2 (pool) x 2 (group).
  const auto twin = network_options("resnet-small");
  const auto scat = network_options("scatresnet-small");
  EXPECT_EQ(twin.first_stride, 2);
  EXPECT_EQ(scat.first_stride, 1);
  EXPECT_EQ(twin.widths, scat.widths);
  EXPECT_EQ(twin.depths, scat.depths);
}

// Every parameter gets a gradient, and a few steps lower the loss.
TEST(Networks, Learn) {
  at::manual_seed(0);
  // The last one begins with norms, and its gradients are smaller.
  for (const auto& [name, rate] :
       {std::pair{"scatresnet-small", 0.01}, {"resnet-small", 0.01}, {"linear", 0.01}, {"wrn-16-2", 0.05}}) {
    Network network(small(name));
    const auto maps = network.maps(at::rand({8, 3, 32, 32}));
    const auto labels = at::arange(8, at::kLong).remainder(5);
    double first = 0;
    double last = 0;
    for (int step = 0; step < 10; ++step) {
      const auto loss = at::cross_entropy_loss(network.classify(maps), labels);
      loss.backward();
      last = loss.item<double>();
      if (step == 0) first = last;
      const at::NoGradGuard no_grad;
      for (auto& [parameter, tensor] : network.parameters()) {
        ASSERT_TRUE(tensor.grad().defined()) << name << ' ' << parameter;
        tensor.sub_(tensor.grad(), rate);
        tensor.mutable_grad().zero_();
      }
    }
    EXPECT_LT(last, 0.7 * first) << name;
  }
}

// Tensors of meta have a device and a layout but no numbers; so this needs no GPU.
TEST(Networks, MoveWithAllTheirTensors) {
  const auto elsewhere = at::Device(at::kMeta);
  for (const char* name : {"scatresnet10", "resnet-small", "linear"}) {
    Network network(small(name));
    const auto parameters = network.parameters();
    const auto buffers = network.buffers();
    network.to({.device = elsewhere});
    EXPECT_EQ(network.device(), elsewhere);
    const auto moved = network.parameters();
    ASSERT_EQ(moved.size(), parameters.size());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const auto& [parameter, tensor] = moved[i];
      EXPECT_EQ(parameter, parameters[i].first);
      EXPECT_EQ(tensor.sizes(), parameters[i].second.sizes()) << name << ' ' << parameter;
      EXPECT_TRUE(tensor.is_meta() && tensor.is_leaf() && tensor.requires_grad()) << name << ' ' << parameter;
      EXPECT_TRUE(tensor.dim() != 4 || tensor.is_contiguous(at::MemoryFormat::ChannelsLast)) << parameter;
    }
    ASSERT_EQ(network.buffers().size(), buffers.size());
    for (const auto& [buffer, tensor] : network.buffers())
      EXPECT_TRUE(tensor.is_meta()) << name << ' ' << buffer;
    EXPECT_TRUE(network.maps(at::rand({2, 3, 32, 32})).is_meta()) << "images go where the network is";
  }
  Network first_convolves(small("scatresnet10"));
  first_convolves.to({.device = elsewhere});
  EXPECT_TRUE(first_convolves.maps(at::rand({2, 3, 32, 32})).is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST(Networks, MoveToTheCpuChangesNothing) {
  const at::NoGradGuard no_grad;
  Network network(small("scatresnet-small"));
  network.train(false);
  const auto images = at::rand({2, 3, 32, 32});
  const auto expected = network.forward(images);
  network.to({});
  EXPECT_TRUE(at::equal(network.forward(images), expected));
  network.parameters().back().second.add_(1);
  EXPECT_FALSE(at::equal(network.forward(images), expected)) << "the list has the tensors that are used";
}

// Drawn by the CPU's generator.
TEST(Networks, Dropout) {
  Network network(small("vgg16"));
  const at::NoGradGuard no_grad;
  const auto images = at::rand({2, 3, 32, 32});
  at::manual_seed(7);
  const auto once = network.forward(images);
  EXPECT_FALSE(at::equal(network.forward(images), once));
  at::manual_seed(7);
  EXPECT_TRUE(at::equal(network.forward(images), once));
  network.train(false);
  EXPECT_TRUE(at::equal(network.forward(images), network.forward(images)));
}

TEST(Networks, HeInitialisation) {
  at::manual_seed(0);
  const Network network(small("scatresnet10"));
  for (const auto& [name, tensor] : network.parameters()) {
    if (tensor.dim() != 4) continue;
    const double fan_out = static_cast<double>(tensor.size(0) * tensor.size(2) * tensor.size(3));
    EXPECT_NEAR(tensor.std().item<double>() / std::sqrt(2 / fan_out), 1, 0.02) << name;
  }
}

TEST(Networks, RefuseWhatMakesNoSense) {
  const auto expect = [](auto change, const char* what) {
    auto options = small("scatresnet-small");
    change(options);
    test::expect_error([&] { Network network(options); }, what);
    test::expect_error([&] { cost(options); }, what);
  };
  expect([](auto& o) { o.classes = 0; }, "classes is 0");
  expect([](auto& o) { o.height = 7; }, "images of 7 x 32 are smaller than 2^J = 8");
  expect([](auto& o) { o.depths = {}; }, "0 depths and 2 widths");
  expect([](auto& o) { o.depths = {2, 0}; }, "depth is 0");
  expect([](auto& o) { o.widths = {64, -1}; }, "width is -1");
  expect([](auto& o) { o.stem = 0; }, "stem is 0");
  expect([](auto& o) { o.scales = 0; }, "scales is 0");
  auto vgg = small("vgg16");
  vgg.height = 31;
  test::expect_error([&] { cost(vgg); }, "32 x 32");
}

TEST(Weights, RoundTripKeepsEveryBitAndTheOptions) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  auto options = small("scatresnet-small");
  options.widths = {8, 12};
  at::manual_seed(1);
  Network network(options);
  network.forward(at::rand({4, 3, 32, 32}));  // moves the running statistics
  save_weights(network, path, {{"classes", "[\"a\"]"}});

  const auto header = read_weights_header(path);
  EXPECT_EQ(header.metadata.at("classes"), "[\"a\"]");
  EXPECT_EQ(header.options.widths, options.widths);
  EXPECT_EQ(header.options.input_norm, options.input_norm);
  Network copy(header.options);
  load_weights(copy, path);
  const auto expect_equal = [](const auto& a, const auto& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].first, b[i].first);
      EXPECT_TRUE(at::equal(a[i].second, b[i].second)) << a[i].first;
    }
  };
  expect_equal(copy.parameters(), network.parameters());
  expect_equal(copy.buffers(), network.buffers());
}

TEST(Weights, AnotherNetworkIsRefusedAndChangesNothing) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  save_weights(Network(small("resnet-small")), path);
  Network network(small("scatresnet-small"));
  const auto before = network.parameters()[0].second.clone();
  test::expect_error([&] { load_weights(network, path); }, "scatresnet-small needs");
  EXPECT_TRUE(at::equal(network.parameters()[0].second, before));

  auto more_classes = small("scatresnet-small");
  more_classes.classes = 6;
  const auto other = folder.path() / "other.safetensors";
  save_weights(Network(more_classes), other);
  test::expect_error([&] { load_weights(network, other); }, "fc.");
}

TEST(Weights, DamagedMetadataIsRefused) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  for (const char* network :
       {"", "{", "{}", "[1]", R"({"family":"resnet","block":"odd"})", R"({"family":7})"}) {
    save_weights(Network(small("linear")), path, {});
    std::ifstream in(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    const auto at = bytes.find("\"network\":\"");
    ASSERT_NE(at, std::string::npos);
    // Overwrites the value with one of the same length.
    auto end = bytes.find("}\"", at) + 1;
    std::string value;
    for (const char* c = network; *c != '\0'; ++c)
      value += *c == '"' ? std::string("\\\"") : std::string(1, *c);
    const std::size_t start = at + 11;
    ASSERT_LT(value.size(), end - start);
    value.resize(end - start, ' ');
    bytes.replace(start, end - start, value);
    std::ofstream(path, std::ios::binary) << bytes;
    test::expect_error([&] { read_weights_header(path); }, "model.safetensors");
  }
}

TEST(Folding, ChangesNothingButSpeed) {
  const at::NoGradGuard no_grad;
  at::manual_seed(3);
  for (const char* name : {"scatresnet-small", "resnet-small", "scatresnet10", "linear", "wrn-16-2"}) {
    Network network(small(name));
    for (int i = 0; i < 3; ++i) network.forward(at::rand({8, 3, 32, 32}));
    network.train(false);
    const auto images = at::rand({4, 3, 32, 32});
    const auto expected = network.forward(images);
    fold_for_inference(network);
    const auto folded = network.forward(images);
    EXPECT_LT(((folded - expected).abs().max() / expected.abs().max()).item<double>(), 1e-5) << name;
    test::expect_error([&] { network.train(); }, "cannot be trained");
  }
}

/// Losses of steps on the same images.
std::vector<double> losses_of(const char* name, at::ScalarType precision) {
  at::manual_seed(5);
  Network network(small(name));
  network.to({.precision = precision});
  const auto maps = network.maps(at::rand({12, 3, 32, 32}));
  EXPECT_EQ(maps.scalar_type(), precision) << name;
  const auto labels = at::arange(12, at::kLong).remainder(network.options().classes);
  std::vector<double> losses;
  for (int step = 0; step < 30; ++step) {
    const auto scores = network.classify(maps);
    EXPECT_EQ(scores.scalar_type(), at::kFloat) << name;
    const auto loss = at::cross_entropy_loss(scores, labels);
    loss.backward();
    losses.push_back(loss.item<double>());
    const at::NoGradGuard no_grad;
    for (auto& [parameter, tensor] : network.parameters()) {
      EXPECT_EQ(tensor.grad().scalar_type(), at::kFloat) << name << ' ' << parameter;
      tensor.sub_(tensor.grad(), 0.005);
      tensor.mutable_grad().zero_();
    }
  }
  return losses;
}

TEST(Precision, OfBfloat16TrainsAsFloat32Does) {
  for (const char* name : {"scatresnet-small", "resnet-small"}) {
    const auto expected = losses_of(name, at::kFloat);
    const auto actual = losses_of(name, at::kBFloat16);
    EXPECT_LT(expected.back(), 0.9 * expected.front()) << name;
    EXPECT_NE(actual, expected) << name;
    for (std::size_t step = 0; step < expected.size(); ++step) {
      EXPECT_NEAR(actual[step], expected[step], 0.02 * expected[step]) << name << ", step " << step;
    }
  }
}

TEST(Precision, OfBfloat16FoldsToNearlyTheSameScores) {
  const at::NoGradGuard no_grad;
  for (const char* name : {"scatresnet-small", "scatresnet10"}) {
    Network network(small(name));
    for (int i = 0; i < 3; ++i) network.forward(at::rand({8, 3, 32, 32}));
    network.train(false);
    const auto images = at::rand({4, 3, 32, 32});
    const auto expected = network.forward(images);
    network.to({.precision = at::kBFloat16});
    fold_for_inference(network);
    const auto scores = network.forward(images);
    EXPECT_EQ(scores.scalar_type(), at::kFloat);
    EXPECT_LT(((scores - expected).abs().max() / expected.abs().max()).item<double>(), 0.03) << name;
  }
}

}  // namespace
}  // namespace scatlight::nets
