// What a training with few images has: averaged weights, mixed images, standardized maps.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "data/loader.h"
#include "nets/weights.h"
#include "support/expect_error.h"
#include "train/infer.h"
#include "train/model.h"
#include "training.h"

namespace scatlight::train {
namespace {

TEST_F(Training, ResumeIsBitEqualWithAllThatLittleDataNeeds) {
  const auto averaged = [this](const std::string& run) {
    auto training = options(run);
    training.loop.schedule = {.kind = ScheduleKind::OneCycle, .learning_rate = 0.003, .warmup = 0.3};
    training.loop.optimizer = {.kind = OptimizerKind::AdamW, .weight_decay = 0.01};
    training.loop.weight_average = 0.9;
    training.mix = {.mixup = 0.5, .cutmix = 0.5};
    training.recipe.policy = data::Policy::TrivialAugment;
    training.recipe.erase = 0.5;
    return training;
  };
  const auto result = train_all(averaged("whole"));
  expect_equal_resumes(averaged, {1, 5, 20});
  // What was evaluated is what was saved, and that is not what takes the steps.
  auto model = load_model(find_model(runs_ / "whole"));
  const data::Recipe recipe(model.recipe);
  const auto evaluation =
      Evaluator(*averaged("whole").val_data, recipe, {.batch = 7}).evaluate(model.network, [](std::int64_t) {
      });
  EXPECT_NEAR(evaluation.metrics.loss(), result.evaluation->metrics.loss(), 1e-4);
  auto plain = averaged("plain");
  plain.loop.weight_average = 0;
  train_all(plain);
  EXPECT_NE(bytes_of("plain/model.safetensors"), bytes_of("whole/model.safetensors"));
}

TEST_F(Training, StandardizesTheMapsOfEveryInput) {
  const auto standardized = [this](const std::string& run) {
    auto training = options(run);
    training.network = nets::with_input(training.network, nets::Input::Dct);
    training.network.dct_channels = 12;
    training.network.input_norm = false;
    training.network.standardize = true;
    return training;
  };
  const auto result = train_all(standardized("whole"));
  auto stopped = standardized("stopped");
  ASSERT_FALSE(train_until(stopped, 5).loop.finished);
  stopped.loop.mode = RunMode::Resume;
  ASSERT_TRUE(train_all(stopped).loop.finished);
  EXPECT_EQ(bytes_of("stopped/model.safetensors"), bytes_of("whole/model.safetensors"));

  // Over the images that it was trained on, prepared like test images, the maps have mean 0 and deviation 1.
  const auto training = standardized("whole");
  const data::Recipe recipe(training.recipe);
  data::Loader loader(training.train_data, recipe, {.batch_size = 120});
  auto batch = loader.next();
  nets::Network network(nets::read_weights_header(runs_ / "whole/model.safetensors").options);
  nets::load_weights(network, runs_ / "whole/model.safetensors");
  const auto maps = network.run(network.maps(images_of(*batch, recipe, at::kCPU)), 0, 1).detach();
  EXPECT_EQ(maps.size(0), 120);
  EXPECT_LT(maps.mean(at::IntArrayRef({0, 2, 3})).abs().max().item<double>(), 1e-4);
  EXPECT_LT((maps.square().mean(at::IntArrayRef({0, 2, 3})) - 1).abs().max().item<double>(), 1e-3);

  // They are those of the first weights where there are some.
  auto next = standardized("next");
  next.weights = runs_ / "whole/model.safetensors";
  next.loop.epochs = 1;
  train_all(next);
  EXPECT_EQ(numbers_of("next", "standardize.mean"), numbers_of("whole", "standardize.mean"));
  auto other = standardized("other");
  other.network.dct_channels = 24;
  other.weights = next.weights;
  test::expect_error([&] { train_all(other); }, "its network reads 12 channels of the DCT");
}

}  // namespace
}  // namespace scatlight::train
