#include "train/mix.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/expect_error.h"

namespace scatlight::train {
namespace {

data::CounterRandom stream(std::uint64_t index) { return {1, 2, index}; }

// E = 1 / 2, Var = 1 / (4 (2 alpha + 1)).
TEST(Mix, SharesAreOfTheBetaDistribution) {
  for (const double alpha : {0.2, 1.0, 3.0}) {
    auto random = stream(0);
    constexpr int count = 20'000;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < count; ++i) {
      const double share = draw_beta(alpha, random);
      ASSERT_TRUE(share >= 0 && share <= 1);
      sum += share;
      squares += share * share;
    }
    const double mean = sum / count;
    const double variance = 1 / (4 * (2 * alpha + 1));
    EXPECT_NEAR(mean, 0.5, 4 * std::sqrt(variance / count)) << alpha;
    EXPECT_NEAR(squares / count - mean * mean, variance, 0.02 * variance + 0.001) << alpha;
  }
}

// torchvision.transforms.v2.MixUp: batch.roll(1, 0) * (1 - share) + batch * share
TEST(Mix, AddsTheImageBefore) {
  const auto images = at::rand({3, 3, 8, 8});
  const auto mix = draw_mix({.mixup = 1}, 8, stream(5));
  ASSERT_FALSE(mix.window);
  const auto result = mixed(images, mix);
  for (int i = 0; i < 3; ++i) {
    const auto expected = images[i] * mix.own + images[(i + 2) % 3] * (1 - mix.own);
    EXPECT_TRUE(at::allclose(result[i], expected)) << i;
  }
}

// torchvision.transforms.v2.CutMix: the label's share is that of the pixels.
TEST(Mix, CutsTheImageBefore) {
  const auto images = at::rand({3, 1, 16, 16});
  const auto before = images.clone();
  double shares = 0;
  for (std::uint64_t index = 0; index < 50; ++index) {
    const auto mix = draw_mix({.cutmix = 1}, 16, stream(index));
    ASSERT_TRUE(mix.window);
    const auto result = mixed(images, mix);
    for (int i = 0; i < 3; ++i) {
      const auto own = (result[i] == images[i]).to(at::kDouble).mean().item<double>();
      const auto other = (result[i] == images[(i + 2) % 3]).to(at::kDouble).mean().item<double>();
      EXPECT_NEAR(own, mix.own, 1e-12);
      EXPECT_NEAR(other, 1 - mix.own, 1e-12);
    }
    shares += mix.own;
  }
  EXPECT_TRUE(at::equal(images, before));
  EXPECT_NEAR(shares / 50, 0.65, 0.2) << "half of what is drawn, and more where it is cut at the edge";
}

TEST(Mix, IsOneOfBothAndTheSameForTheSameBatch) {
  const MixOptions both = {.mixup = 0.5, .cutmix = 0.5};
  int cuts = 0;
  for (std::uint64_t index = 0; index < 100; ++index) {
    const auto mix = draw_mix(both, 16, stream(index));
    EXPECT_EQ(draw_mix(both, 16, stream(index)).own, mix.own);
    cuts += mix.window ? 1 : 0;
  }
  EXPECT_NEAR(cuts, 50, 20);
  const auto images = at::rand({3, 1, 16, 16});
  EXPECT_TRUE(mixed(images, draw_mix({}, 16, stream(0))).is_same(images));
  test::expect_error([] { check(MixOptions{.mixup = -1}); }, "mixup -1");
}

}  // namespace
}  // namespace scatlight::train
