#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "data/drawn_folder.h"
#include "io/file.h"
#include "io/safetensors.h"
#include "nets/catalogue.h"
#include "support/temporary_folder.h"
#include "train/trainer.h"

namespace scatlight::train {

/// A drawn data set of 3 classes and a network that learns it in seconds.
class Training : public testing::Test {
 protected:
  using Json = nlohmann::json;

  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::TemporaryFolder>();
    data::draw_folder(
        {.folder = *folder_ / "data", .classes = 3, .train = 40, .val = 20, .size = 64, .threads = 2}, [] {});
  }
  static void TearDownTestSuite() { folder_.reset(); }

  TrainOptions options(const std::string& run) const {
    auto network = nets::network_options("scatresnet10");
    network.scales = 2;
    network.stem = 16;
    network.widths = {16, 32};
    network.depths = {1, 1};
    network.input_norm = true;
    return {.train_data = list_train_data(*folder_ / "data/train"),
            .val_data = data::list_image_folder(*folder_ / "data/val"),
            .loop = {.run = runs_ / run,
                     .epochs = 3,
                     .schedule = {.kind = ScheduleKind::Cosine, .learning_rate = 0.05}},
            .network = network,
            .weights = {},
            .recipe = {.size = 48, .resize = 64, .smallest_area = 0.4},
            .batch = 16,
            .threads = 2,
            .cache_bytes = 1 << 20};
  }

  /// Of a linear network on the same picture in all files, in `all` of them, of which each `every`-th is of
  /// the class a and the others of b. The statistics of its norm are the same in any part of a batch.
  TrainOptions options_of_one_picture(const std::string& run, int all, int every) const {
    const auto image = io::read_text(*folder_ / "data/val/discs/00000.jpg", 1 << 20);
    for (int i = 0; i < all; ++i)
      runs_.add(run + "-data/" + (i % every == 0 ? "a/" : "b/") + std::to_string(i) + ".jpg", image);
    auto linear = options(run);
    linear.train_data = list_train_data(runs_ / (run + "-data"));
    linear.val_data.reset();
    linear.augment = false;
    linear.network = nets::network_options("linear");
    linear.network.scales = 2;
    linear.loop.schedule.learning_rate = 1e-3;
    return linear;
  }

  static TrainResult train_all(const TrainOptions& options) {
    return train(options, [] { return false; });
  }

  /// Asks for a stop when stop() was asked so many times.
  static TrainResult train_until(const TrainOptions& options, int questions) {
    return train(options, [&questions] { return --questions < 0; });
  }

  /// Trainings that are stopped when stop() was asked so many times, and resumed, end as the run "whole".
  void expect_equal_resumes(const std::function<TrainOptions(const std::string& run)>& options_of,
                            std::initializer_list<int> all_questions) const {
    for (const int questions : all_questions) {
      const auto name = "stopped" + std::to_string(questions);
      auto stopped = options_of(name);
      ASSERT_FALSE(train_until(stopped, questions).loop.finished) << questions;
      stopped.loop.mode = RunMode::Resume;
      ASSERT_TRUE(train_all(stopped).loop.finished) << questions;
      for (const auto* model : {"/model.safetensors", "/best.safetensors"})
        EXPECT_EQ(bytes_of(name + model), bytes_of(std::string("whole") + model)) << questions;
      EXPECT_EQ(log_of(name), log_of("whole")) << questions;
    }
  }

  std::vector<std::uint8_t> bytes_of(const std::string& file) const {
    return io::read_bytes(runs_ / file, 1 << 30);
  }

  /// A tensor of a run's model.
  std::vector<float> numbers_of(const std::string& run, const char* name) const {
    const io::SafetensorsReader file(runs_ / (run + "/model.safetensors"));
    std::vector<float> values(file.find(name)->bytes / sizeof(float));
    file.read(*file.find(name), std::as_writable_bytes(std::span(values)));
    return values;
  }

  /// The lines of a log without what a clock measured.
  std::vector<Json> log_of(const std::string& run) const {
    std::istringstream text(io::read_text(runs_ / (run + "/log.jsonl"), 1 << 24));
    std::vector<Json> lines;
    for (std::string line; std::getline(text, line);) {
      lines.push_back(Json::parse(line));
      for (const auto* key : {"seconds", "images_per_second", "peak_memory_bytes"}) lines.back().erase(key);
    }
    return lines;
  }

  inline static std::unique_ptr<test::TemporaryFolder> folder_;
  test::TemporaryFolder runs_;
};

}  // namespace scatlight::train
