// Trainings that learn the wavelets of the scattering.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "nets/weights.h"
#include "support/expect_error.h"
#include "torch/wavelets.h"
#include "train/model.h"
#include "training.h"

namespace scatlight::train {
namespace {

class LearnedFilters : public Training {
 protected:
  TrainOptions learning(const std::string& run, nets::LearnedFilters learned) const {
    auto training = options(run);
    training.network.learned_filters = learned;
    training.loop.epochs = 1;
    return training;
  }

  at::Tensor wavelets_of(const std::string& run) const {
    nets::Network network(nets::read_weights_header(runs_ / run / "model.safetensors").options);
    nets::load_weights(network, runs_ / run / "model.safetensors");
    return network.parameters().front().second.detach();
  }

  at::Tensor first(const TrainOptions& training) const {
    return nets::Network(network_options(training)).parameters().front().second.detach();
  }
};

TEST_F(LearnedFilters, AreChangedAndEvaluateTheSameFromTheFile) {
  for (const auto learned : {nets::LearnedFilters::Shared, nets::LearnedFilters::PerChannel}) {
    const std::string run(name_of(learned));
    const auto training = learning(run, learned);
    const auto result = train_all(training);
    const auto wavelets = wavelets_of(run);
    EXPECT_GT((wavelets - first(training)).abs().max().item<double>(), 1e-5);
    auto model = load_model(runs_ / run / "model.safetensors");
    const data::Recipe recipe(model.recipe);
    const auto evaluation =
        Evaluator(*training.val_data, recipe, {.batch = 7}).evaluate(model.network, [](std::int64_t) {});
    EXPECT_NEAR(evaluation.metrics.loss(), result.evaluation->metrics.loss(), 1e-4);
  }
  auto still = learning("still", nets::LearnedFilters::Shared);
  still.loop.optimizer.filter_rate = 0;
  still.loop.optimizer.weight_decay = 0.1;  // not on them
  train_all(still);
  EXPECT_TRUE(at::equal(wavelets_of("still"), first(still)));
}

TEST_F(LearnedFilters, ResumeIsBitEqual) {
  const auto averaged = [this](const std::string& run) {
    auto training = learning(run, nets::LearnedFilters::PerChannel);
    training.loop.epochs = 2;
    training.loop.schedule.learning_rate = 0.003;
    training.loop.optimizer = {.kind = OptimizerKind::AdamW, .weight_decay = 0.01, .filter_rate = 0.5};
    training.loop.weight_average = 0.9;
    training.mix.mixup = 0.3;
    return training;
  };
  train_all(averaged("whole"));
  expect_equal_resumes(averaged, {2, 9});
}

TEST_F(LearnedFilters, TakeTheSameStepInParts) {
  const auto with_parts = [this](const std::string& run, std::int64_t micro_batch) {
    auto training = learning(run, nets::LearnedFilters::Shared);
    training.network = nets::network_options("linear");
    training.network.scales = 2;
    training.network.standardize = true;
    training.network.learned_filters = nets::LearnedFilters::Shared;
    training.val_data.reset();
    training.augment = false;
    training.loop.schedule.learning_rate = 1e-3;
    training.micro_batch = micro_batch;
    train_all(training);
    return wavelets_of(run);
  };
  const auto whole = with_parts("whole", 0);
  const auto in_parts = with_parts("parts", 5);
  const auto before = first(learning("none", nets::LearnedFilters::Shared));
  EXPECT_LT((in_parts - whole).abs().max().item<double>(),
            1e-3 * (whole - before).abs().max().item<double>());
}

TEST_F(LearnedFilters, StayInRangeAtAnyRate) {
  auto training = learning("fast", nets::LearnedFilters::Shared);
  training.loop.optimizer.filter_rate = 1000;
  train_all(training);
  const auto wavelets = wavelets_of("fast");
  EXPECT_GT((wavelets - first(training)).abs().max().item<double>(), 0.5);
  EXPECT_NO_THROW(torch_ops::check_range(wavelets));
}

TEST_F(LearnedFilters, BeginWithAFixedNetworkAndMayBeFrozen) {
  auto fixed = options("fixed");
  fixed.loop.epochs = 1;
  train_all(fixed);
  auto learned = learning("learned", nets::LearnedFilters::Shared);
  learned.weights = runs_ / "fixed/model.safetensors";
  train_all(learned);
  auto frozen = learning("frozen", nets::LearnedFilters::Shared);
  frozen.weights = runs_ / "learned/model.safetensors";
  frozen.frozen = 0;
  train_all(frozen);
  EXPECT_TRUE(at::equal(wavelets_of("frozen"), wavelets_of("learned")));
  EXPECT_EQ(numbers_of("frozen", "conv1.weight"), numbers_of("learned", "conv1.weight"));
  EXPECT_NE(numbers_of("frozen", "fc.weight"), numbers_of("learned", "fc.weight"));
}

TEST_F(LearnedFilters, AreRefusedWhereNothingLearnsThem) {
  auto solved = learning("solved", nets::LearnedFilters::Shared);
  solved.network = nets::network_options("linear");
  solved.network.learned_filters = nets::LearnedFilters::Shared;
  solved.ridge = 1;
  test::expect_error([&] { train_all(solved); }, "ridge regression solves the linear layer alone");
  auto elsewhere = learning("elsewhere", nets::LearnedFilters::Shared);
  elsewhere.placement.device = at::kCUDA;
  test::expect_error([&] { train_all(elsewhere); }, "learned filters run on the CPU");
  auto pixels = learning("pixels", nets::LearnedFilters::Shared);
  pixels.network = nets::network_options("resnet-small");
  pixels.network.learned_filters = nets::LearnedFilters::Shared;
  test::expect_error([&] { train_all(pixels); }, "learned filters are those of the scattering");
  auto bad = learning("bad", nets::LearnedFilters::Shared);
  bad.loop.optimizer.filter_rate = -1;
  test::expect_error([&] { train_all(bad); }, "filter rate -1: at least 0 is accepted");
}

}  // namespace
}  // namespace scatlight::train
