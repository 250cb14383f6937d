// Networks whose front end learns its wavelets.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "nets/catalogue.h"
#include "nets/cost.h"
#include "nets/fold.h"
#include "nets/front_end.h"
#include "nets/wavelets.h"
#include "nets/weights.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::nets {
namespace {

NetworkOptions small(LearnedFilters learned, const char* name = "scatresnet10") {
  auto options = network_options(name);
  options.classes = 5;
  options.height = options.width = 32;
  options.scales = 2;
  options.angles = 4;
  options.stem = 8;
  if (!options.widths.empty()) {
    options.widths = {8, 8};
    options.depths = {1, 1};
  }
  options.learned_filters = learned;
  return options;
}

Network make_network(const NetworkOptions& options) {
  at::manual_seed(0);
  return Network(options);
}

at::Tensor images() {
  at::manual_seed(1);
  return at::rand({2, 3, 32, 32});
}

at::Tensor wavelets_of(const Network& network) {
  const auto parameters = network.parameters();
  EXPECT_EQ(parameters.front().first, wavelets_name);
  return parameters.front().second;
}

TEST(LearnedFilters, BeginAsTheFixedNetwork) {
  const auto x = images();
  for (const auto learned : {LearnedFilters::Shared, LearnedFilters::PerChannel}) {
    for (const auto* const name : {"scatresnet10", "linear"}) {
      auto fixed = make_network(small(LearnedFilters::None, name));
      auto network = make_network(small(learned, name));
      if (learned == LearnedFilters::Shared) {
        EXPECT_TRUE(at::equal(network.maps(x), fixed.maps(x)));
        EXPECT_TRUE(at::equal(network.forward(x), fixed.forward(x)));
      } else {  // planes are transformed in other pairs
        EXPECT_TRUE(at::allclose(network.maps(x), fixed.maps(x), 1e-5, 1e-6));
        EXPECT_TRUE(at::allclose(network.forward(x), fixed.forward(x), 1e-4, 1e-4));
      }
      const auto wavelets = wavelets_of(network);
      EXPECT_EQ(wavelets.scalar_type(), at::kDouble);
      EXPECT_EQ(wavelets.dim(), learned == LearnedFilters::Shared ? 3 : 4);
      EXPECT_EQ(network.parameter_count(), fixed.parameter_count() + wavelets.numel());
      EXPECT_EQ(cost(network.options()).parameters, network.parameter_count());
      EXPECT_NE(make_front_end(network.options())->name(), make_front_end(fixed.options())->name());
    }
  }
}

TEST(LearnedFilters, GradientOfTheLossEqualsFiniteDifferences) {
  const auto x = images();
  for (const auto learned : {LearnedFilters::Shared, LearnedFilters::PerChannel}) {
    auto options = small(learned, "linear");
    options.paths = {0, 1, 2, 5, 7};
    auto network = make_network(options);
    auto wavelets = wavelets_of(network);
    // Off the start, where some wavelets are mirror images of others.
    const auto noise = 0.05 * (at::rand_like(wavelets).detach() - 0.5);
    wavelets.detach().add_(noise);
    const auto weights = at::rand({2, 5}) - 0.5;
    const auto loss = [&] { return (network.forward(x).to(at::kDouble) * weights).sum(); };
    loss().backward();
    ASSERT_TRUE(wavelets.grad().defined());
    const auto gradient = wavelets.grad().clone();
    const auto direction = at::rand_like(gradient) - 0.5;
    const at::NoGradGuard no_grad;
    constexpr double step = 1e-3;  // of float32 maps
    wavelets.add_(direction, step);
    const auto above = loss().item<double>();
    wavelets.add_(direction, -2 * step);
    const auto below = loss().item<double>();
    const auto products = gradient * direction;
    EXPECT_NEAR(products.sum().item<double>(), (above - below) / (2 * step),
                0.01 * products.norm().item<double>());
  }
}

TEST(LearnedFilters, HaveAGradientOnlyInTraining) {
  auto network = make_network(small(LearnedFilters::Shared));
  EXPECT_TRUE(network.trains_front_end());
  EXPECT_TRUE(network.maps(images()).requires_grad());
  network.train(false);
  EXPECT_FALSE(network.trains_front_end());
  EXPECT_FALSE(network.maps(images()).requires_grad());
  network.train(true);
  network.freeze(0, 0);
  EXPECT_TRUE(network.trains_front_end()) << "nothing is frozen";
  network.freeze(0, 1);
  EXPECT_FALSE(network.trains_front_end());
  EXPECT_FALSE(network.maps(images()).requires_grad());
  EXPECT_FALSE(make_network(small(LearnedFilters::None)).trains_front_end());
}

TEST(LearnedFilters, AreKeptInRange) {
  auto network = make_network(small(LearnedFilters::PerChannel));
  const at::NoGradGuard no_grad;
  auto wavelets = wavelets_of(network);
  const auto before = wavelets.clone();
  EXPECT_TRUE(network.keep_in_range());
  EXPECT_TRUE(at::equal(wavelets, before)) << "all of them are in it";
  const auto set = [&](int number, double value) { wavelets[2][1][3][number] = value; };
  const auto get = [&](int number) { return wavelets[2][1][3][number].item<double>(); };
  set(0, 100);
  set(1, -4);
  set(2, -1);
  set(3, 0);
  EXPECT_TRUE(network.keep_in_range());
  EXPECT_EQ(get(0), 100);
  EXPECT_EQ(get(1), -std::numbers::pi);
  EXPECT_EQ(get(2), 0.1);
  EXPECT_EQ(get(3), 0.01);
  EXPECT_EQ(network.maps(images()).size(0), 2);
  set(3, 11);
  EXPECT_TRUE(network.keep_in_range());
  EXPECT_EQ(get(3), 10);
  set(1, std::numeric_limits<double>::quiet_NaN());
  EXPECT_FALSE(network.keep_in_range());
  test::expect_error([&] { network.maps(images()); }, "xi of the wavelet of scale 1 and angle 3 is nan");
}

TEST(LearnedFilters, AreKeptInTheWeights) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  auto network = make_network(small(LearnedFilters::PerChannel));
  const at::NoGradGuard no_grad;
  wavelets_of(network).mul_(0.95);
  save_weights(network, path);
  Network copy(read_weights_header(path).options);
  load_weights(copy, path);
  EXPECT_TRUE(at::equal(wavelets_of(copy), wavelets_of(network)));
  const auto x = images();
  network.train(false);
  copy.train(false);
  const auto expected = network.forward(x);
  EXPECT_TRUE(at::equal(copy.forward(x), expected));
  fold_for_inference(copy);
  EXPECT_TRUE(at::allclose(copy.forward(x), expected, 1e-4, 1e-4));
  EXPECT_TRUE(at::equal(copy.maps(x), network.maps(x)));

  wavelets_of(network)[0][1][2][1] = 4;
  save_weights(network, path);
  Network another(network.options());
  test::expect_error([&] { load_weights(another, path); }, "xi of the wavelet of scale 1 and angle 2 is 4");
}

TEST(LearnedFilters, BeginWithTheWeightsOfAFixedNetwork) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  at::manual_seed(5);
  auto fixed = Network(small(LearnedFilters::None));
  save_weights(fixed, path);
  auto network = make_network(small(LearnedFilters::Shared));
  EXPECT_TRUE(load_body(network, path));
  EXPECT_TRUE(at::equal(network.forward(images()), fixed.forward(images())));
  save_weights(network, path);
  test::expect_error([&] { load_body(fixed, path); },
                     "order 1, by learned wavelets; this one reads scattering with J = 2, L = 4, order 1");
  auto other = make_network(small(LearnedFilters::PerChannel));
  test::expect_error([&] { load_body(other, path); },
                     "this one reads scattering with J = 2, L = 4, order 1, by "
                     "wavelets learned for each colour");
}

TEST(LearnedFilters, AreThoseOfTheScattering) {
  for (const auto input : {Input::Pixels, Input::Dct, Input::Patchify}) {
    auto options = with_input(network_options("scatresnet-small"), input);
    options.learned_filters = LearnedFilters::Shared;
    test::expect_error([&] { Network network(options); }, "learned filters are those of the scattering");
  }
}

}  // namespace
}  // namespace scatlight::nets
