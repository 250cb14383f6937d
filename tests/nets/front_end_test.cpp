// What networks read: each front end against its definition, and the networks behind them.

#include "nets/front_end.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "io/safetensors.h"
#include "nets/catalogue.h"
#include "nets/cost.h"
#include "nets/dct.h"
#include "nets/weights.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::nets {
namespace {

constexpr Input all_inputs[] = {Input::Scattering,   Input::Pixels,   Input::Dct,
                                Input::SpaceToDepth, Input::Patchify, Input::Pooled};

NetworkOptions small(Input input, const char* name = "scatresnet-small") {
  auto options = with_input(network_options(name), input);
  options.classes = 5;
  options.height = 32;
  options.width = 43;
  return options;
}

at::Tensor maps_of(const NetworkOptions& options, const at::Tensor& images) {
  return make_front_end(options)->maps(images, {});
}

/// The largest difference.
double difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

TEST(FrontEnds, OfEveryInputGiveWhatTheySay) {
  at::manual_seed(0);
  const auto images = at::rand({2, 3, 32, 43});
  for (const auto input : all_inputs) {
    const auto options = small(input);
    const auto front_end = make_front_end(options);
    const auto maps =
        front_end->maps(images, {.type = at::kBFloat16, .memory = at::MemoryFormat::ChannelsLast});
    const auto stride = front_end->stride();
    EXPECT_EQ(maps.sizes(), at::IntArrayRef({2, front_end->channels(), 32 / stride, 43 / stride}))
        << front_end->name();
    EXPECT_EQ(maps.scalar_type(), at::kBFloat16) << front_end->name();
    EXPECT_TRUE(maps.is_contiguous(at::MemoryFormat::ChannelsLast)) << front_end->name();
    EXPECT_EQ(from_name<Input>(name_of(input)), input);
  }
  test::expect_error([] { from_name<Input>("wavelets"); }, "space-to-depth");
}

/// What JPEG codes of a block before it rounds, in doubles: CCITT T.81 A.3.3 on levels of JFIF 1.02.
double jpeg_coefficient(const at::Tensor& levels, int component, int row, int column) {
  const auto level = levels.accessor<double, 3>();
  double sum = 0;
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      const double r = level[0][y][x];
      const double g = level[1][y][x];
      const double b = level[2][y][x];
      const double values[] = {0.299 * r + 0.587 * g + 0.114 * b - 127.5,
                               -0.168736 * r - 0.331264 * g + 0.5 * b, 0.5 * r - 0.418688 * g - 0.081312 * b};
      sum += values[component] * std::cos((2 * y + 1) * row * std::numbers::pi / 16) *
             std::cos((2 * x + 1) * column * std::numbers::pi / 16);
    }
  }
  const auto c = [](int k) { return k == 0 ? std::numbers::sqrt2 / 2 : 1; };
  return sum * c(row) * c(column) / 4;
}

TEST(Dct, IsThatOfJpeg) {
  at::manual_seed(1);
  auto options = small(Input::Dct);
  options.image_mean = {0.485F, 0.456F, 0.406F};
  options.image_deviation = {0.229F, 0.224F, 0.225F};
  const auto levels = at::rand({1, 3, 16, 24}, at::kDouble) * 255;
  const auto colours = [](const std::array<float, 3>& numbers) {
    return at::tensor(std::vector<double>(numbers.begin(), numbers.end())).view({1, 3, 1, 1});
  };
  const auto images =
      ((levels / 255 - colours(options.image_mean)) / colours(options.image_deviation)).to(at::kFloat);
  const auto maps = maps_of(options, images);
  ASSERT_EQ(maps.sizes(), at::IntArrayRef({1, 192, 2, 3}));
  const auto block = levels[0].slice(1, 8, 16).slice(2, 16, 24).contiguous();
  // The first of T.81's zigzag: (0, 0), (0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3); the last is (7, 7).
  const std::array<int, 3> places[] = {{0, 0, 0}, {1, 0, 1}, {2, 1, 0}, {3, 2, 0},
                                       {4, 1, 1}, {5, 0, 2}, {6, 0, 3}, {63, 7, 7}};
  for (int component = 0; component < 3; ++component) {
    for (const auto& [channel, row, column] : places) {
      const auto actual = maps[0][64 * component + channel][1][2].item<double>();
      EXPECT_NEAR(255 * actual, jpeg_coefficient(block, component, row, column), 2e-3)
          << component << ' ' << row << ' ' << column;
    }
  }
}

TEST(Dct, KeepsTheLowestChannels) {
  using Shares = std::array<int, 3>;
  EXPECT_EQ(dct_shares(8, 24), (Shares{14, 5, 5})) << "Xu et al.";
  EXPECT_EQ(dct_shares(8, 192), (Shares{64, 64, 64}));
  EXPECT_EQ(dct_shares(8, 191), (Shares{64, 64, 63}));
  EXPECT_EQ(dct_shares(8, 1), (Shares{1, 0, 0}));
  for (int channels = 1; channels <= 192; ++channels) {
    const auto [y, cb, cr] = dct_shares(8, channels);
    EXPECT_EQ(y + cb + cr, channels);
    EXPECT_TRUE(y >= cb && cb >= cr && y <= 64 && cr >= 0) << channels;
  }
  auto options = small(Input::Dct);
  const auto images = at::rand({2, 3, 32, 43});
  const auto all = maps_of(options, images);
  options.dct_channels = 24;
  const auto kept = maps_of(options, images);
  const auto expected = at::cat({all.narrow(1, 0, 14), all.narrow(1, 64, 5), all.narrow(1, 128, 5)}, 1);
  EXPECT_LT(difference(kept, expected), 1e-6);
}

TEST(SpaceToDepth, PutsEachPixelIntoAChannel) {
  const auto images = at::rand({1, 3, 32, 43});
  const auto maps = maps_of(small(Input::SpaceToDepth), images);
  for (const auto& [c, y, x] : {std::array{0, 0, 0}, {1, 9, 17}, {2, 31, 39}}) {
    const auto channel = 64 * c + 8 * (y % 8) + x % 8;
    EXPECT_EQ(maps[0][channel][y / 8][x / 8].item<float>(), images[0][c][y][x].item<float>());
  }
}

TEST(Pooled, IsTheMeanOfEachBlock) {
  const auto images = at::rand({1, 3, 32, 43});
  const auto maps = maps_of(small(Input::Pooled), images);
  const auto block = images.slice(2, 8, 16).slice(3, 24, 32);
  EXPECT_LT(difference(maps.select(2, 1).select(2, 3), block.mean(at::IntArrayRef({2, 3}))), 1e-6);
}

TEST(Paths, AreThoseOfEveryColour) {
  auto options = small(Input::Scattering);
  const auto images = at::rand({2, 3, 32, 43});
  const auto all = maps_of(options, images);
  options.paths = {0, 7, 24};
  const auto kept = maps_of(options, images);
  const auto expected =
      all.index_select(1, at::tensor(std::vector<std::int64_t>{0, 7, 24, 25, 32, 49, 50, 57, 74}));
  EXPECT_TRUE(at::equal(kept, expected));
  EXPECT_EQ(make_front_end(options)->channels(), 9);
  for (const auto& wrong : {std::vector{25}, {-1}, {3, 3}, {4, 2}}) {
    options.paths = wrong;
    test::expect_error([&] { make_front_end(options); }, "growing numbers from 0 to 24");
  }
}

TEST(Inputs, HaveTheSameGroupsAtTheSameResolution) {
  at::manual_seed(2);
  const at::NoGradGuard no_grad;
  const auto images = at::rand({2, 3, 32, 43});
  for (const auto* name : {"scatresnet-small", "resnet-small", "linear", "wrn-16-2"}) {
    for (const auto input : all_inputs) {
      const auto options = small(input, name);
      Network network(options);
      EXPECT_EQ(network.parameter_count(), cost(options).parameters) << name << ' ' << name_of(input);
      network.train(false);
      const auto logits = network.forward(images);
      ASSERT_EQ(logits.sizes(), at::IntArrayRef({2, 5})) << name << ' ' << name_of(input);
      EXPECT_TRUE(logits.isfinite().all().item<bool>());
      const auto groups = layer_groups(options);
      if (groups.ends.empty() || options.family == Family::WideResNet) continue;
      const auto first = network.run(network.maps(images), 0, groups.ends.front());
      EXPECT_EQ(first.size(2), 4) << name << ' ' << name_of(input);
    }
  }
}

TEST(Inputs, OfPixelsAreTheTwinsOfTheCatalogue) {
  const auto twin = with_input(network_options("scatresnet-small"), Input::Pixels);
  const auto expected = network_options("resnet-small");
  EXPECT_EQ(cost(twin).parameters, cost(expected).parameters);
  EXPECT_EQ(cost(twin).multiply_adds, cost(expected).multiply_adds);
  test::expect_error([] { with_input(network_options("vgg16"), Input::Dct); }, "vgg16 works on pixels");
  auto odd = network_options("resnet-small");
  odd.input = Input::Pooled;
  test::expect_error([&] { make_architecture(odd); }, "reads pixels, not pooled");
}

TEST(Patchify, LearnsAsManyMapsAsScatteringGives) {
  const Network network(small(Input::Patchify));
  const auto parameters = network.parameters();
  EXPECT_EQ(parameters.front().first, "conv0.weight");
  EXPECT_EQ(parameters.front().second.sizes(), at::IntArrayRef({75, 3, 8, 8}));
}

TEST(Inputs, RefuseWhatMakesNoSense) {
  const auto expect = [](Input input, auto change, const char* what) {
    auto options = small(input);
    change(options);
    test::expect_error([&] { cost(options); }, what);
  };
  expect(Input::Dct, [](auto& o) { o.dct_channels = 193; }, "dct_channels is 193");
  expect(Input::Dct, [](auto& o) { o.scales = 7; }, "scales is 7");
  expect(Input::Pooled, [](auto& o) { o.height = 7; }, "smaller than 2^J = 8");
  expect(Input::Patchify, [](auto& o) { o.max_order = 3; }, "max_order is 3");
  expect(Input::Pooled, [](auto& o) { o.standardize = true; }, "both are not accepted");
}

TEST(Standardize, SubtractsAndDividesAndIsKeptInTheWeights) {
  const test::TemporaryFolder folder;
  at::manual_seed(3);
  const at::NoGradGuard no_grad;
  auto options = small(Input::Pooled);
  options.input_norm = false;
  options.standardize = true;
  Network network(options);
  const auto mean = at::tensor({0.1F, 0.2F, 0.3F});
  const auto deviation = at::tensor({1.0F, 2.0F, 4.0F});
  network.set_map_statistics(mean, deviation);
  const auto maps = network.maps(at::rand({2, 3, 32, 43}));
  const auto expected = (maps - mean.view({1, 3, 1, 1})) / deviation.view({1, 3, 1, 1});
  EXPECT_LT(difference(network.run(maps, 0, 1), expected), 1e-6);

  const auto path = folder.path() / "model.safetensors";
  save_weights(network, path);
  Network copy(read_weights_header(path).options);
  load_weights(copy, path);
  EXPECT_TRUE(at::equal(copy.run(maps, 0, 1), network.run(maps, 0, 1)));
}

TEST(Weights, OfAnotherFrontEndAreRefusedAlsoWhereAllShapesAgree) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  save_weights(Network(small(Input::SpaceToDepth)), path);
  Network network(small(Input::Dct));
  test::expect_error(
      [&] { load_body(network, path); },
      "its network reads pixels of 8 x 8 blocks as channels; this one reads 192 channels of the DCT");
  auto fewer = small(Input::Dct);
  fewer.dct_channels = 24;
  save_weights(Network(fewer), path);
  EXPECT_EQ(read_weights_header(path).options.dct_channels, 24);
  Network same(fewer);
  EXPECT_TRUE(load_body(same, path));
}

TEST(Weights, OfEarlierVersionsHaveTheInputOfTheirFamily) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  for (const auto& [family, input] :
       {std::pair{"scatresnet", Input::Scattering}, {"resnet", Input::Pixels}}) {
    const auto network =
        std::string(R"({"family":")") + family +
        R"(","block":"basic","name":"n","classes":2,"height":32,"width":32,"scales":3,"angles":8,"max_order":1,)" +
        R"("input_norm":false,"stem":4,"depths":[1],"widths":[4],"expansion":1,"first_stride":1})";
    io::write_safetensors(path, {}, {{"network", network}});
    EXPECT_EQ(read_weights_header(path).options.input, input);
    EXPECT_FALSE(read_weights_header(path).options.standardize);
  }
}

}  // namespace
}  // namespace scatlight::nets
