// Whole trainings of a detector on drawn pictures.

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/drawn_boxes.h"
#include "data/voc.h"
#include "detect/detector_task.h"
#include "detect/model.h"
#include "detect/results.h"
#include "io/file.h"
#include "io/safetensors.h"
#include "small_detector.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace scatlight::detect {
namespace {

using Json = nlohmann::json;

DetectorTrainResult train_all(const DetectorTrainOptions& options) {
  return train_detector(options, [] { return false; });
}

/// Asks for a stop when it was asked so many times.
DetectorTrainResult train_until(const DetectorTrainOptions& options, int questions) {
  return train_detector(options, [&questions] { return --questions < 0; });
}

/// The lines of a log without what a clock measured.
std::vector<Json> log_of(const std::filesystem::path& run) {
  std::istringstream text(io::read_text(run / "log.jsonl", 1 << 24));
  std::vector<Json> lines;
  for (std::string line; std::getline(text, line);) {
    lines.push_back(Json::parse(line));
    for (const auto* key : {"seconds", "images_per_second", "peak_memory_bytes"}) lines.back().erase(key);
  }
  return lines;
}

std::vector<std::uint8_t> model_of(const std::filesystem::path& run) {
  return io::read_bytes(run / "model.safetensors", 1 << 30);
}

std::vector<std::uint8_t> best_of(const std::filesystem::path& run) {
  return io::read_bytes(run / "best.safetensors", 1 << 30);
}

/// 24 pictures, whose smallest objects are too small for a network of this size to count.
data::BoxFolder draw_pictures(const std::filesystem::path& folder) {
  constexpr float least_side = 10;
  data::draw_box_folder({.folder = folder, .classes = 2, .train = 24, .val = 1, .size = 128, .threads = 2},
                        [] {});
  auto pictures = data::list_voc(folder, "train");
  for (auto& sample : pictures.samples) {
    for (auto& object : sample.objects)
      object.difficult = object.difficult || std::min(object.box.width(), object.box.height()) < least_side;
  }
  return pictures;
}

TEST(DetectorTraining, NamesItsCheckpointWhenItDiverges) {
  const test::TemporaryFolder folder;
  auto options = small_training(draw_pictures(folder / "data"), folder / "run");
  options.loop.schedule.learning_rate = 1e6;
  options.loop.epochs = 5;
  test::expect_error([&] { train_all(options); }, "(no checkpoint was written yet)");
}

// A short training finds the statistics of batch norm, then a longer one takes them as constants: they follow
// slowly, and those of few pictures differ from step to step.
TEST(DetectorTraining, LearnsItsTrainingPictures) {
  const test::TemporaryFolder folder;
  auto options = small_training(draw_pictures(folder / "data"), folder / "first");
  auto& network = options.network.network;
  network = nets::network_options("scatdet-small");
  network.scales = 2;
  network.widths = {32, 64, 64};
  options.network.rpn_channels = 64;
  options.detector = {.anchor_sizes = {16, 32, 64},
                      .anchor_ratios = {1},
                      .proposals = 150,
                      .roi_samples = 32,
                      .nms_iou = 0.5F};
  options.recipe = {.short_side = 128, .long_side = 128, .flip = 0};
  options.batch = options.micro_batch = 4;
  options.frozen.norms = false;
  options.loop.epochs = 4;
  options.loop.eval_every = 1000;
  options.loop.schedule = {.kind = train::ScheduleKind::Cosine, .learning_rate = 0.02, .warmup = 0.05};
  options.loop.optimizer = {.decay_biases = false, .clip_norm = 10};
  train_all(options);

  options.loop.run = folder / "run";
  options.weights = folder / "first/model.safetensors";
  options.val_data = options.train_data;
  options.batch = options.micro_batch = 1;
  options.frozen.norms = true;
  options.loop.epochs = 60;
  const auto result = train_all(options);
  EXPECT_TRUE(result.loop.finished);
  EXPECT_EQ(result.loop.steps, 60 * 24);
  ASSERT_TRUE(result.evaluation);
  EXPECT_GE(result.evaluation->coco.numbers[1], 0.9) << "AP50";

  const auto log = log_of(folder / "run");
  EXPECT_LT(log[log.size() - 3]["loss"], 0.5 * log.front()["loss"].get<double>());
  for (const auto* name : {"objectness", "rpn_box", "class", "box", "positive_anchors", "positive_rois"})
    EXPECT_GT(log.front()[name], 0) << name;
  EXPECT_EQ(log[log.size() - 2]["kind"], "eval");
  EXPECT_EQ(log[log.size() - 2]["ap50"], result.evaluation->coco.numbers[1]);
  EXPECT_EQ(log.back()["kind"], "end");

  const auto evaluation = Json::parse(io::read_text(folder / "run/eval.json", 1 << 24));
  EXPECT_EQ(evaluation["task"], "detect");
  EXPECT_EQ(evaluation["images"], 24);
  EXPECT_EQ(evaluation["ap50"], result.evaluation->coco.numbers[1]);
  const auto facts = Json::parse(io::read_text(folder / "run/run.json", 1 << 24));
  EXPECT_EQ(facts["task"], "detect");
  EXPECT_EQ(facts["data"]["train"]["images"], 24);

  // The file alone finds the same.
  auto model = load_detector(folder / "run/model.safetensors");
  const auto again = evaluate(model.detector, model.facts, options.train_data, {.batch = 5, .threads = 2},
                              [](std::int64_t) {});
  EXPECT_NEAR(again.coco.numbers[1], result.evaluation->coco.numbers[1], 0.01);
  EXPECT_NEAR(again.coco.numbers[0], result.evaluation->coco.numbers[0], 0.01);
  EXPECT_NEAR(again.voc.map07, result.evaluation->voc.map07, 0.01);
}

/// Short trainings of a small detector.
class ShortTraining : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    data_ = std::make_unique<test::TemporaryFolder>();
    data::draw_box_folder(
        {.folder = *data_ / "data", .classes = 2, .train = 7, .val = 2, .size = 64, .threads = 2}, [] {});
  }
  static void TearDownTestSuite() { data_.reset(); }

  DetectorTrainOptions options(const std::string& run) const {
    auto options = small_training(data::list_voc(*data_ / "data", "train"), folder_ / run);
    options.val_data = data::list_voc(*data_ / "data", "val", {.known_classes = options.train_data.classes});
    options.frozen.norms = false;
    options.loop.epochs = 2;
    options.loop.schedule = {.learning_rate = 0.01};
    options.loop.optimizer = {.decay_biases = false, .clip_norm = 10};
    return options;
  }

  static std::unique_ptr<test::TemporaryFolder> data_;
  test::TemporaryFolder folder_;
};

std::unique_ptr<test::TemporaryFolder> ShortTraining::data_;

TEST_F(ShortTraining, ResumeIsBitEqualWhereverItWasStopped) {
  train_all(options("whole"));
  // An epoch has 4 batches; evaluations ask too.
  for (const int questions : {1, 3, 7, 9, 12}) {
    const auto name = "stopped" + std::to_string(questions);
    auto stopped = options(name);
    ASSERT_FALSE(train_until(stopped, questions).loop.finished) << questions;
    stopped.loop.mode = train::RunMode::Resume;
    ASSERT_TRUE(train_all(stopped).loop.finished) << questions;
    EXPECT_EQ(model_of(folder_ / name), model_of(folder_ / "whole")) << questions;
    EXPECT_EQ(log_of(folder_ / name), log_of(folder_ / "whole")) << questions;
    EXPECT_EQ(best_of(folder_ / name), best_of(folder_ / "whole")) << questions;
  }
  const auto log = log_of(folder_ / "whole");
  const auto first = std::ranges::find_if(log, [](const Json& line) { return line["kind"] == "eval"; });
  ASSERT_NE(first, log.end());
  EXPECT_EQ((*first)["best_epoch"], 1);
}

/// The tensors of a model file.
std::map<std::string, at::Tensor> tensors_in(const std::filesystem::path& file) {
  const io::SafetensorsReader reader(file);
  std::map<std::string, at::Tensor> tensors;
  for (const auto& info : reader.tensors()) {
    if (info.type != io::DType::F32) continue;
    const auto tensor = at::empty(info.shape);
    reader.read(info, {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()});
    tensors.emplace(info.name, tensor);
  }
  return tensors;
}

// Also after a resume, for which the file of the first weights may have become another one.
TEST_F(ShortTraining, KeepsWhatIsFrozen) {
  train_all(options("first"));
  const auto weights = folder_ / "weights.safetensors";
  std::filesystem::copy_file(folder_ / "first/model.safetensors", weights);
  const auto from_weights = [&](const std::string& run) {
    auto frozen = options(run);
    frozen.weights = weights;
    frozen.frozen = {.groups = 1, .norms = true};
    frozen.seed = 1;
    return frozen;
  };
  train_all(from_weights("frozen"));
  auto stopped = from_weights("stopped");
  ASSERT_FALSE(train_until(stopped, 5).loop.finished);
  std::filesystem::remove(weights);  // the checkpoint has all
  stopped.loop.mode = train::RunMode::Resume;
  train_all(stopped);
  EXPECT_EQ(model_of(folder_ / "stopped"), model_of(folder_ / "frozen"));

  const auto before = tensors_in(folder_ / "first/model.safetensors");
  for (const auto& [name, tensor] : tensors_in(folder_ / "frozen/model.safetensors")) {
    const bool is_frozen = name.starts_with("norm0") || name.starts_with("conv1") ||
                           name.starts_with("layer1") || name.find("bn") != std::string::npos ||
                           name.find("downsample.1") != std::string::npos;
    EXPECT_EQ(at::equal(tensor, before.at(name)), is_frozen) << name;
  }
}

TEST_F(ShortTraining, RefusesAResumeOfOtherData) {
  auto stopped = options("run");
  ASSERT_FALSE(train_until(stopped, 3).loop.finished);
  stopped.loop.mode = train::RunMode::Resume;
  const auto expect = [&](auto change, const char* what) {
    auto changed = stopped;
    change(changed);
    test::expect_error([&] { train_all(changed); }, what);
  };
  expect([](auto& o) { o.train_data.samples[0].objects[0].box.left += 1; },
         "--data-changed resumes with them");
  expect([](auto& o) { o.train_data.samples.pop_back(); }, "7 then, 6 now");
  expect([](auto& o) { o.train_data.classes[1] = "lion"; }, "a resume needs the same");
  expect([](auto& o) { o.detector.anchor_sizes = {16, 32, 64}; }, "rpn.head.cls_logits");
  expect([](auto& o) { o.network.network = small_network("det-small"); }, "'model.conv1.weight'");
}

TEST_F(ShortTraining, RefusesOptionsOutOfRangeBeforeTheRunFolderIsMade) {
  const auto expect = [&](auto change, const char* what) {
    auto changed = options("none");
    change(changed);
    test::expect_error([&] { train_all(changed); }, what);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "none")) << what;
  };
  expect([](auto& o) { o.batch = 0; }, "batch 0");
  expect([](auto& o) { o.micro_batch = 3; }, "micro-batch 3: 0 to the batch (2)");
  expect([](auto& o) { o.detector.anchor_sizes = {}; }, "at least one size");
  expect([](auto& o) { o.detector.rpn_negative = 0.9F; }, "negative overlap of anchors");
  expect([](auto& o) { o.frozen.groups = 3; }, "frozen groups 3");
  expect([](auto& o) { o.network.network = nets::network_options("linear"); }, "at least two groups");
  expect([](auto& o) { o.recipe.short_side = 8; }, "short side");
  expect([](auto& o) { o.weights = "/absent.safetensors"; }, "/absent.safetensors");
  expect([](auto& o) { o.val_data->samples[1].size.height = 1; }, "val_00001");
}

}  // namespace
}  // namespace scatlight::detect
