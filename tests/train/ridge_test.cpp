#include "train/ridge.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "training.h"

namespace scatlight::train {
namespace {

/// Where the gradient of squared errors + penalty |weight|^2 is 0, by weight and by bias.
void expect_solution(std::int64_t images, std::int64_t values) {
  at::manual_seed(0);
  const auto features = at::randn({images, values}) * at::linspace(0.5, 2, values) + 3;
  const auto labels = at::randint(3, {images}, at::kLong);
  const double penalty = 2.5;
  const auto layer = solve_ridge(features, labels, 3, penalty);
  const auto x = features.to(at::kDouble);
  const auto weight = layer.weight.to(at::kDouble);
  const auto targets = 2 * at::one_hot(labels, 3).to(at::kDouble) - 1;
  const auto errors = x.matmul(weight.t()) + layer.bias.to(at::kDouble) - targets;
  const auto by_weight = errors.t().matmul(x) + penalty * weight;
  EXPECT_LT(by_weight.abs().max().item<double>(),
            1e-3 * errors.t().abs().matmul(x.abs()).max().item<double>());
  EXPECT_LT(errors.sum(0).abs().max().item<double>(), 1e-4 * static_cast<double>(images));
}

TEST(Ridge, IsSolvedByTheGramMatrixOfTheImages) { expect_solution(20, 50); }

TEST(Ridge, IsSolvedByTheGramMatrixOfTheFeatures) { expect_solution(50, 20); }

TEST_F(Training, RidgeSolvesALinearNetwork) {
  auto ridge = options("run");
  ridge.network = nets::network_options("linear");
  ridge.network.standardize = true;
  ridge.augment = false;
  ridge.ridge = 300;
  ridge.val_data = ridge.train_data;  // of which a solution is better than of others
  const auto result = train_all(ridge);
  EXPECT_TRUE(result.loop.finished);
  EXPECT_EQ(result.loop.steps, 1);
  EXPECT_GT(result.evaluation->metrics.top1(), 90);
  EXPECT_LT(log_of("run").front()["loss"], 1);
  const auto model = bytes_of("run/model.safetensors");

  auto again = ridge;
  again.loop.mode = RunMode::Resume;
  EXPECT_TRUE(train_all(again).loop.finished);
  EXPECT_EQ(bytes_of("run/model.safetensors"), model);

  auto deep = options("deep");
  deep.ridge = 1;
  test::expect_error([&] { train_all(deep); }, "which scatresnet10 is not");
  auto learned = ridge;
  learned.loop.run = runs_ / "learned";
  learned.network = nets::with_input(learned.network, nets::Input::Patchify);
  test::expect_error([&] { train_all(learned); }, "learns more than that");
}

}  // namespace
}  // namespace scatlight::train
