// The metrics on sets that are small enough to be judged by hand.

#include <gtest/gtest.h>

#include <cmath>

#include "data/random.h"
#include "detect/coco_metric.h"
#include "detect/confusion.h"
#include "detect/voc_metric.h"

namespace scatlight::detect {
namespace {

using Objects = std::vector<TrueBox>;
using Found = std::vector<FoundBox>;
using Counts = std::vector<std::int64_t>;

TrueBox object(std::int64_t image, int label, data::Box box) {
  return {.image = image, .label = label, .box = box, .area = area(box)};
}

/// A column of boxes of 20 x 20 that do not touch.
data::Box place(int i) { return {.left = 0, .top = 40.0 * i, .width = 20, .height = 20}; }

/// A box of the same size that has this share of intersection over union with it.
data::Box shifted(data::Box box, double share) {
  box.left += box.width * (1 - share) / (1 + share);
  return box;
}

TEST(Overlap, OfKnownPairs) {
  const data::Box box{.left = 10, .top = 20, .width = 4, .height = 6};
  EXPECT_EQ(overlap(box, box), 1);
  EXPECT_DOUBLE_EQ(overlap(box, {.left = 12, .top = 20, .width = 4, .height = 6}), 1.0 / 3);
  EXPECT_DOUBLE_EQ(overlap(box, {.left = 11, .top = 21, .width = 1, .height = 2}), 2.0 / 24);
  EXPECT_EQ(overlap(box, {.left = 14, .top = 20, .width = 4, .height = 6}), 0) << "they only touch";
  EXPECT_EQ(overlap(box, {.left = 12, .top = 22}), 0) << "a point";
  EXPECT_NEAR(overlap(box, shifted(box, 0.6)), 0.6, 1e-12);
}

TEST(PrecisionRecall, CurveAndItsThreeAreas) {
  // True, false, true, of 4 objects: (1/4, 1), (1/4, 1/2), (2/4, 2/3).
  const std::vector<Judged> judged = {{0.9, true}, {0.8, false}, {0.7, true}};
  const auto curve = precision_recall(judged, 4);
  ASSERT_EQ(curve.size(), 3U);
  EXPECT_DOUBLE_EQ(curve[1].precision, 1.0 / 2);
  EXPECT_DOUBLE_EQ(curve[2].recall, 2.0 / 4);
  EXPECT_DOUBLE_EQ(curve[2].precision, 2.0 / 3);
  EXPECT_EQ(curve[2].score, 0.7);
  EXPECT_DOUBLE_EQ(eleven_point_precision(curve), (3 * 1 + 3 * 2.0 / 3) / 11);  // to 0.2, and to 0.5
  EXPECT_DOUBLE_EQ(area_under_envelope(curve), 0.25 * 1 + 0.25 * 2.0 / 3);
  const auto read = coco_curve(curve);
  EXPECT_EQ(read.size(), 51U) << "recalls above 0.5 are not reached";
  EXPECT_EQ(read[25].precision, 1);
  EXPECT_DOUBLE_EQ(read[26].precision, 2.0 / 3);
  EXPECT_EQ(read[26].score, 0.7);
  EXPECT_NEAR(coco_precision(read), (26 * 1 + 25 * 2.0 / 3) / 101, 1e-12);
}

TEST(PrecisionRecall, RecallsOfElevenPointsAreThoseOfTheDevelopmentKit) {
  // 6 of 10 found: 0.6 is below 6 * 0.1 in double, so the seventh recall is not reached.
  std::vector<Judged> judged(6, {1, true});
  EXPECT_DOUBLE_EQ(eleven_point_precision(precision_recall(judged, 10)), 6.0 / 11);
}

TEST(PrecisionRecall, OfNoDetection) {
  EXPECT_EQ(eleven_point_precision({}), 0);
  EXPECT_EQ(area_under_envelope({}), 0);
  EXPECT_TRUE(coco_curve({}).empty());
}

struct DetectionSet {
  Objects objects;
  Found found;
};

/// Three classes in four images; the detections are the objects.
DetectionSet perfect_set() {
  DetectionSet set;
  for (int i = 0; i < 12; ++i) {
    const double side = 10 + 15 * i;  // of all three sizes
    set.objects.push_back(object(i % 4, i % 3, {.left = 3.0 * i, .top = 100, .width = side, .height = side}));
    set.found.push_back({i % 4, i % 3, set.objects.back().box, 0.5 + 0.01 * i});
  }
  return set;
}

TEST(Metrics, APerfectDetectorHasOneAndAShuffledOneLess) {
  auto [objects, found] = perfect_set();
  auto coco = coco_metric(objects, found, 3);
  EXPECT_NEAR(coco.numbers[0], 1, 1e-12);
  EXPECT_NEAR(coco.numbers[8], 1, 1e-12);
  EXPECT_NEAR(coco.numbers[3], 1, 1e-12);
  auto voc = voc_metric(objects, found, 3);
  EXPECT_NEAR(voc.map07, 1, 1e-12);
  EXPECT_NEAR(voc.map10, 1, 1e-12);
  EXPECT_EQ(confusion(objects, found, 3), (Counts{4, 0, 0, 0, 0, 4, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0}));

  std::swap(found[0].label, found[1].label);
  coco = coco_metric(objects, found, 3);
  EXPECT_LT(coco.numbers[0], 0.95);
  EXPECT_LT(voc_metric(objects, found, 3).map10, 0.95);
  EXPECT_EQ(confusion(objects, found, 3)[1], 1) << "an object of class 0 is taken for class 1";
}

TEST(Metrics, OnlyTheOrderOfScoresMatters) {
  data::CounterRandom random(1, 2, 3);
  auto [objects, found] = perfect_set();
  for (int i = 0; i < 40; ++i) {
    const auto& like = objects[random.below(objects.size())];
    found.push_back({like.image, like.label, shifted(like.box, random.uniform()), random.uniform()});
  }
  auto other = found;
  for (auto& box : other) box.score = std::log(box.score) - 7;
  EXPECT_EQ(coco_metric(objects, found, 3).numbers, coco_metric(objects, other, 3).numbers);
  EXPECT_EQ(voc_metric(objects, found, 3).map07, voc_metric(objects, other, 3).map07);
  EXPECT_LT(coco_metric(objects, found, 3).numbers[0], 1);
}

TEST(Metrics, NothingFoundIsZeroAndNothingToFindIsMinusOne) {
  const Objects objects = {object(0, 0, place(0))};
  const Found found = {{0, 1, place(0), 0.5}};
  const auto coco = coco_metric(objects, found, 2);
  EXPECT_EQ(coco.classes[0].numbers[0], 0);
  EXPECT_EQ(coco.classes[1].numbers[0], -1);
  EXPECT_EQ(coco.numbers[0], 0) << "a class without objects is left out";
  EXPECT_EQ(coco.numbers[5], -1) << "no large object";
  const auto voc = voc_metric(objects, {}, 2);
  EXPECT_EQ(voc.map10, 0);
  EXPECT_EQ(voc.classes[1].ap10, -1);
  EXPECT_EQ(coco_metric({}, {}, 1).numbers[0], -1);
  EXPECT_EQ(voc_metric({}, found, 2).map07, -1);
}

TEST(VocMetric, TheLimitBelongsToWhatIsFound) {
  const Objects objects = {object(0, 0, {.left = 0, .top = 0, .width = 10, .height = 10})};
  const Found found = {{0, 0, {.left = 0, .top = 0, .width = 10, .height = 5}, 1}};  // overlap 0.5
  EXPECT_EQ(voc_metric(objects, found, 1, 0.5).map10, 1);
  EXPECT_EQ(voc_metric(objects, found, 1, 0.51).map10, 0);
}

TEST(VocMetric, ASecondDetectionIsFalseUnlessTheObjectIsDifficult) {
  Objects objects = {object(0, 0, place(0)), object(0, 0, place(1))};
  const Found found = {{0, 0, place(0), 0.9}, {0, 0, place(0), 0.8}, {0, 0, place(1), 0.7}};
  EXPECT_DOUBLE_EQ(voc_metric(objects, found, 1).map10, 0.5 * 1 + 0.5 * 2 / 3);
  objects[0].difficult = true;
  EXPECT_EQ(voc_metric(objects, found, 1).map10, 1);
  EXPECT_EQ(voc_metric(objects, found, 1).classes[0].objects, 1);
}

TEST(VocMetric, OnlyTheLargestOverlapIsLookedAt) {
  // The second detection also lies on the second object, but more on the first, which is taken.
  const Objects objects = {object(0, 0, place(0)), object(0, 0, shifted(place(0), 0.7))};
  const Found found = {{0, 0, place(0), 0.9}, {0, 0, shifted(place(0), 0.99), 0.8}};
  EXPECT_EQ(voc_metric(objects, found, 1).map10, 0.5);
}

TEST(VocMetric, OfEqualOverlapsTheFirstObjectCounts) {
  Objects objects = {object(0, 0, place(0)), object(0, 0, place(0))};
  const Found found = {{0, 0, place(0), 0.9}};
  objects[0].difficult = true;
  EXPECT_EQ(voc_metric(objects, found, 1).map10, 0);
  std::swap(objects[0], objects[1]);
  EXPECT_EQ(voc_metric(objects, found, 1).map10, 1);
}

TEST(CocoMetric, ADetectionTakesTheBestObjectThatIsLeft) {
  const Objects objects = {object(0, 0, place(0)), object(0, 0, shifted(place(0), 0.7))};
  const Found found = {{0, 0, place(0), 0.9}, {0, 0, shifted(place(0), 0.99), 0.8}};
  EXPECT_NEAR(coco_metric(objects, found, 1).numbers[1], 1, 1e-12);
}

TEST(CocoMetric, CrowdsAndDifficultObjectsDoNotCount) {
  Objects objects = {object(0, 0, place(0)), object(0, 0, place(1))};
  objects[1].crowd = true;
  Found found = {{0, 0, place(0), 0.5}};
  for (int i = 0; i < 5; ++i) {  // a quarter of the crowd's box, whole in it
    found.push_back({0, 0, {.left = 2.0 * i, .top = 40, .width = 10, .height = 10}, 0.9});
  }
  EXPECT_NEAR(coco_metric(objects, found, 1).numbers[0], 1, 1e-12) << "a crowd is found many times";
  objects[1].crowd = false;
  EXPECT_NEAR(coco_metric(objects, found, 1).numbers[1], 1.0 / 6 * 51 / 101, 1e-12);
  objects[1].difficult = true;
  EXPECT_NEAR(coco_metric(objects, found, 1).numbers[1], 1.0 / 6, 1e-12) << "too small for the object";
  found = {{0, 0, place(0), 0.5}, {0, 0, place(1), 0.9}};
  EXPECT_NEAR(coco_metric(objects, found, 1).numbers[1], 1, 1e-12);
  found.push_back({0, 0, place(1), 0.8});
  EXPECT_NEAR(coco_metric(objects, found, 1).numbers[1], 0.5, 1e-12) << "found twice, and it is no crowd";
}

TEST(CocoMetric, BoundsOfAreasBelongToBothSizes) {
  Objects objects = {object(0, 0, {.left = 0, .top = 0, .width = 32, .height = 32})};
  const auto numbers = coco_metric(objects, {}, 1).numbers;
  EXPECT_EQ(numbers[3], 0);
  EXPECT_EQ(numbers[4], 0);
  EXPECT_EQ(numbers[5], -1);
  objects[0].area = 32 * 32 + 1;  // the area is the annotation's, not the box's
  EXPECT_EQ(coco_metric(objects, {}, 1).numbers[3], -1);
}

TEST(CocoMetric, ADetectionOfAnotherSizeThatFindsNothingDoesNotCount) {
  const Objects objects = {object(0, 0, place(0))};
  const Found found = {{0, 0, {.left = 0, .top = 300, .width = 200, .height = 200}, 0.9},
                       {0, 0, place(0), 0.5}};
  const auto numbers = coco_metric(objects, found, 1).numbers;
  EXPECT_NEAR(numbers[0], 0.5, 1e-12);
  EXPECT_NEAR(numbers[3], 1, 1e-12) << "of small objects";
}

TEST(CocoMetric, The101stDetectionOfAnImageIsNotLookedAt) {
  const Objects objects = {object(0, 0, place(0)), object(1, 0, place(0))};
  Found found = {{1, 0, place(0), 0.1}, {0, 0, place(0), 0.1}};
  for (int i = 0; i < 99; ++i) found.push_back({0, 0, place(2), 0.5});
  EXPECT_EQ(coco_metric(objects, found, 1).numbers[8], 1) << "the hundredth counts";
  found.push_back({0, 0, place(2), 0.5});
  EXPECT_EQ(coco_metric(objects, found, 1).numbers[8], 0.5);
  EXPECT_EQ(coco_metric(objects, found, 1).numbers[7], 0.5) << "at most 10";
}

TEST(CocoMetric, EqualScoresFollowTheImages) {
  const Objects objects = {object(7, 0, place(0))};
  Found found = {{7, 0, place(0), 0.5}, {3, 0, place(0), 0.5}};
  EXPECT_NEAR(coco_metric(objects, found, 1).numbers[0], 0.5, 1e-12) << "image 3, a false one, is first";
  EXPECT_NEAR(voc_metric(objects, found, 1).map10, 0.5, 1e-12);
}

TEST(Confusion, PairsTheLargestOverlapFirst) {
  // The better score has the smaller overlap; each object has one detection.
  const Objects objects = {object(0, 0, place(0)), object(0, 1, place(1))};
  const Found found = {{0, 1, shifted(place(0), 0.6), 0.9}, {0, 0, place(0), 0.3}, {0, 1, place(1), 0.2}};
  EXPECT_EQ(confusion(objects, found, 2), (Counts{1, 0, 0, 0, 0, 1, 0, 1, 0}))
      << "the third is below the score: its object is missed";
  EXPECT_EQ(confusion(objects, found, 2, {.score = 0.2}), (Counts{1, 0, 0, 0, 1, 0, 0, 1, 0}));
}

TEST(Confusion, LeavesOutWhatDoesNotCount) {
  Objects objects = {object(0, 0, place(0)), object(0, 0, place(1))};
  objects[0].difficult = true;
  objects[1].crowd = true;
  const Found found = {{0, 1, place(0), 0.9},
                       {0, 1, {.left = 0, .top = 40, .width = 9, .height = 9}, 0.9},
                       {0, 1, place(5), 0.9}};
  EXPECT_EQ(confusion(objects, found, 2), (Counts{0, 0, 0, 0, 0, 0, 0, 1, 0}));
}

}  // namespace
}  // namespace scatlight::detect
