// What the files of an evaluation say.

#include "detect/results.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "detect/run_facts.h"
#include "small_detector.h"

namespace scatlight::detect {
namespace {

using Json = nlohmann::json;

Rect at(float left, float side) {
  return {.left = left, .top = 10, .right = left + side, .bottom = 10 + side};
}

/// Pictures of one class, whose objects lie at 0, 100, 200 ...
data::BoxFolder pictures(const std::vector<std::vector<data::Object>>& objects) {
  data::BoxFolder folder = {.roots = {"data"}, .classes = {"owl"}, .category_ids = {17}};
  for (std::size_t i = 0; i < objects.size(); ++i) {
    folder.samples.push_back({.file = "folder/" + std::to_string(i) + ".jpg",
                              .id = 100 + 7 * static_cast<std::int64_t>(i),
                              .size = {.width = 640, .height = 480},
                              .objects = objects[i]});
  }
  return folder;
}

Evaluation evaluation_of(std::vector<ImageDetections> images) {
  Evaluation evaluation = {.images = std::move(images), .confusion = {0, 0, 0, 0}, .seconds = 1};
  evaluation.coco.classes.resize(1);
  evaluation.voc.classes.resize(1);
  return evaluation;
}

Json shown_of(const std::vector<data::Object>& objects, std::vector<Detection> found) {
  const auto text = evaluation_json(evaluation_of({{.sample = 0, .found = std::move(found)}}),
                                    pictures({objects}), {.weights = "w", .network = "n"});
  return Json::parse(text)["shown"][0];
}

std::vector<std::string> kinds_of(const Json& shown) {
  std::vector<std::string> kinds;
  for (const auto& box : shown["boxes"]) kinds.push_back(box["kind"]);
  return kinds;
}

using Kinds = std::vector<std::string>;

TEST(Shown, FoundFalseAndMissed) {
  const auto shown = shown_of({{.box = at(0, 50)}, {.box = at(100, 50)}, {.box = at(200, 50)}},
                              {{.box = at(0, 50), .score = 0.9F},
                               {.box = at(300, 50), .score = 0.5F},
                               {.box = at(100, 50), .score = 0.2F}});
  EXPECT_EQ(kinds_of(shown), (Kinds{"found", "false", "missed", "missed"}))
      << "0.2 is too little to be shown";
  EXPECT_NEAR(shown["f1"].get<double>(), 2 * 0.5 / 3 / (0.5 + 1.0 / 3), 1e-12);
  EXPECT_EQ(shown["objects"], 3);
}

TEST(Shown, ObjectsThatDoNotCountNeitherHelpNorHarm) {
  const data::Object difficult = {.box = at(0, 50), .difficult = true};
  const std::vector<Detection> found = {{.box = at(0, 50), .score = 0.9F}};
  const auto missed = shown_of({difficult, {.box = at(100, 50)}}, found);
  EXPECT_EQ(kinds_of(missed), Kinds{"missed"});
  EXPECT_EQ(missed["f1"], 0) << "what counts was missed";
  EXPECT_EQ(missed["objects"], 1);
  EXPECT_EQ(shown_of({difficult}, found)["f1"], 1) << "there is nothing to find";
  EXPECT_EQ(shown_of({difficult}, {})["f1"], 1);

  const data::Object crowd = {.box = at(200, 100), .crowd = true};
  const auto in_crowd = shown_of({crowd, {.box = at(0, 50)}}, {{.box = at(0, 50), .score = 0.9F},
                                                               {.box = at(210, 20), .score = 0.8F},
                                                               {.box = at(240, 20), .score = 0.7F}});
  EXPECT_EQ(kinds_of(in_crowd), Kinds{"found"}) << "many in a crowd are not false";
  EXPECT_EQ(in_crowd["f1"], 1);
}

TEST(Results, NameAllThatWasLeftOut) {
  auto folder = pictures({{}, {}});
  folder.skipped = {{.file = "bad.xml", .reason = "cut"}};
  auto evaluation = evaluation_of({{.sample = 0}});
  evaluation.skipped = {{.file = "bad.jpg", .reason = "empty"}};
  const auto json = Json::parse(evaluation_json(evaluation, folder, {}));
  EXPECT_EQ(json["data"], "data");
  const auto skipped = json["skipped"];
  ASSERT_EQ(skipped.size(), 2U);
  EXPECT_EQ(skipped[0]["file"], "bad.xml");
  EXPECT_EQ(skipped[1]["file"], "bad.jpg");
}

TEST(Results, HaveTheNumbersOfTheAnnotationFile) {
  const auto evaluation =
      evaluation_of({{.sample = 1, .found = {{.box = at(3.14159F, 50), .score = 0.1234567F}}}});
  const auto results = Json::parse(detections_json(evaluation, pictures({{}, {}})));
  const auto expected = Json::parse(R"([{"image_id": 107, "category_id": 17, "bbox": [3.14, 10.0, 50.0, 50.0],
                                         "score": 0.123457, "file_name": "1.jpg"}])");
  EXPECT_EQ(results, expected);
}

TEST(Results, HaveABestPointWhereThereIsACurve) {
  CocoClass of_class;
  EXPECT_FALSE(best_point(of_class));
  of_class.curve = {
      {.recall = 0.2, .precision = 1}, {.recall = 0.8, .precision = 0.8}, {.recall = 1, .precision = 0.1}};
  EXPECT_EQ(best_point(of_class)->recall, 0.8);
}

// Training takes a part of a picture that is too narrow for an evaluation.
TEST(RunFacts, TellSizesThatTheNetworkSees) {
  auto options = small_training(pictures({{{.box = at(0, 10)}}}));
  options.train_data.samples[0].size = {.width = 1000, .height = 20};
  const auto facts = run_facts(options, Detector(small_detector()));
  EXPECT_EQ(facts["objects"], Json::parse("[[0.005, 0.75, 32.0, 32.0]]"));
  options.recipe.short_side = 40;
  options.recipe.long_side = 50;
  options.train_data.samples[0].size = {.width = 200, .height = 100};
  EXPECT_TRUE(run_facts(options, Detector(small_detector()))["objects"].empty())
      << "too narrow to be trained on";
}

}  // namespace
}  // namespace scatlight::detect
