// Boxes: their algebra, anchors, matching, sampling, suppression, targets, proposals and detections.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "detect/anchors.h"
#include "detect/nms.h"
#include "detect/postprocess.h"
#include "detect/proposals.h"
#include "detect/targets.h"
#include "support/compare.h"
#include "support/expect_error.h"

namespace scatlight::detect {
namespace {

using Indices = std::vector<std::size_t>;

Rect at(float left, float top, float side) {
  return {.left = left, .top = top, .right = left + side, .bottom = top + side};
}

void expect_box(const Rect& box, const Rect& expected, const char* what) {
  const std::array<float, 4> a = {box.left, box.top, box.right, box.bottom};
  const std::array<float, 4> e = {expected.left, expected.top, expected.right, expected.bottom};
  test::expect_close(std::span<const float>(a), std::span<const float>(e),
                     {.relative = 1e-5, .of_scale = 1e-6}, what);
}

TEST(BoxMath, IouOfKnownPairs) {
  EXPECT_EQ(iou(at(0, 0, 4), at(0, 0, 4)), 1);
  EXPECT_FLOAT_EQ(iou(at(0, 0, 4), at(2, 0, 4)), 1.0F / 3);
  EXPECT_EQ(iou(at(0, 0, 4), at(4, 0, 4)), 0) << "they only touch";
  EXPECT_EQ(iou(at(1, 1, 0), at(1, 1, 0)), 0) << "empty";
  EXPECT_EQ(iou({.left = 3, .top = 0, .right = 1, .bottom = 4}, at(0, 0, 4)), 0) << "turned inside out";
}

TEST(BoxMath, DeltasOfKnownPairs) {
  const Rect reference = {.left = 10, .top = 20, .right = 30, .bottom = 60};
  const auto deltas =
      encode(reference, {.left = 20, .top = 20, .right = 40, .bottom = 40}, {0.1F, 0.1F, 0.2F, 0.2F});
  const Deltas expected = {0.5F / 0.1F, -0.25F / 0.1F, 0, std::log(0.5F) / 0.2F};
  test::expect_close(std::span<const float>(deltas), std::span<const float>(expected), {}, "deltas");
}

TEST(BoxMath, DecodeUndoesEncode) {
  const DetectorOptions options;
  data::CounterRandom random(0, 0, 0);
  const auto draw = [&] {
    const auto left = static_cast<float>(random.uniform(-50, 800));
    const auto top = static_cast<float>(random.uniform(-50, 800));
    return Rect{.left = left,
                .top = top,
                .right = left + static_cast<float>(random.uniform(20, 400)),
                .bottom = top + static_cast<float>(random.uniform(20, 400))};
  };
  for (int i = 0; i < 10; ++i) {
    const auto reference = draw();
    const auto box = draw();
    expect_box(decode(reference, encode(reference, box)), box, "plain");
    expect_box(decode(reference, encode(reference, box, options.deviations), options.deviations), box,
               "with deviations");
  }
}

TEST(BoxMath, SidesGrowOnlySoFar) {
  const auto box = decode(at(0, 0, 16), {0, 0, 1000, std::numeric_limits<float>::infinity()});
  EXPECT_NEAR(box.width(), 1000, 1e-3);
  EXPECT_NEAR(box.height(), 1000, 1e-3);
  EXPECT_FALSE(has_sides(decode(at(0, 0, 16), {std::nanf(""), 0, 0, 0}), 0));
}

TEST(BoxMath, ClipsToThePicture) {
  EXPECT_EQ((Rect{.left = -3, .top = 5, .right = 200, .bottom = 70}.within(100, 60)),
            (Rect{.left = 0, .top = 5, .right = 100, .bottom = 60}));
  EXPECT_FALSE(has_sides(at(120, 5, 10).within(100, 60), 1e-3F)) << "nothing of it is within";
}

TEST(Anchors, AreThoseOfFasterRcnn) {
  // generate_anchors.py of py-faster-rcnn lists inclusive boxes: the right and lower edges are one less
  // there.
  const std::vector<Rect> expected = {{-84, -40, 100, 56}, {-176, -88, 192, 104},  {-360, -184, 376, 200},
                                      {-56, -56, 72, 72},  {-120, -120, 136, 136}, {-248, -248, 264, 264},
                                      {-36, -80, 52, 96},  {-80, -168, 96, 184},   {-168, -344, 184, 360}};
  EXPECT_EQ(make_anchors({}, 16, 1, 1), expected);
  const auto anchors = make_anchors({}, 16, 3, 5);
  ASSERT_EQ(anchors.size(), 3U * 5 * 9);
  EXPECT_EQ(anchors[(2 * 5 + 4) * 9 + 3], (Rect{-56 + 64, -56 + 32, 72 + 64, 72 + 32}))
      << "y, x, ratio, size";
  EXPECT_EQ(make_anchors({.anchor_sizes = {64}, .anchor_ratios = {1}}, 8, 1, 2)[1], (Rect{-20, -28, 44, 36}));
}

TEST(Anchors, HalvesAreRoundedToEven) {
  // 64 pixels of ratio 1.5 are 6.53 wide, so 7, and 10.5 high, so 10.
  EXPECT_EQ(make_anchors({.anchor_sizes = {80}, .anchor_ratios = {1.5F}}, 8, 1, 1)[0],
            (Rect{-31, -46, 39, 54}));
}

TEST(Matching, TakesTheBestObjectAndTheFirstOfEquals) {
  const std::vector<Rect> objects = {at(0, 0, 10), at(100, 0, 10), at(100, 0, 10)};
  const std::vector<Rect> boxes = {at(100, 0, 10), at(5, 0, 10), at(50, 50, 10), at(0, 0, 9)};
  const auto matches = match(boxes, objects, 0.7F, 0.3F);
  EXPECT_EQ(matches[0].object, 1);
  EXPECT_EQ(matches[0].kind, MatchKind::Positive);
  EXPECT_EQ(matches[1].kind, MatchKind::Ignored) << "IoU 1/3";
  EXPECT_EQ(matches[2].kind, MatchKind::Negative);
  EXPECT_EQ(matches[3].kind, MatchKind::Positive);
}

TEST(Matching, BoundsBelongToTheUpperKind) {
  const std::vector<Rect> objects = {{0, 0, 10, 10}};
  const std::vector<Rect> boxes = {{0, 0, 10, 5}};  // IoU 0.5
  EXPECT_EQ(match(boxes, objects, 0.5F, 0.3F)[0].kind, MatchKind::Positive);
  EXPECT_EQ(match(boxes, objects, 0.7F, 0.5F)[0].kind, MatchKind::Ignored);
  EXPECT_EQ(match(boxes, objects, 0.7F, 0.51F)[0].kind, MatchKind::Negative);
}

TEST(Matching, TheBestOfAnObjectArePositiveWithAllEquals) {
  const std::vector<Rect> objects = {at(0, 0, 10), at(500, 0, 10)};
  const std::vector<Rect> boxes = {at(8, 0, 10), at(-8, 0, 10), at(9, 0, 10), at(100, 100, 10)};
  const auto matches = match_with_best(boxes, objects, 0.7F, 0.3F);
  EXPECT_EQ(matches[0].kind, MatchKind::Positive);
  EXPECT_EQ(matches[1].kind, MatchKind::Positive) << "as good";
  EXPECT_EQ(matches[2].kind, MatchKind::Negative);
  EXPECT_EQ(matches[3].kind, MatchKind::Negative) << "nothing touches the second object";
}

TEST(Matching, TheBestOfAnObjectKeepsItsOwnBestObject) {
  const std::vector<Rect> objects = {at(0, 0, 10), at(6, 0, 10)};
  const std::vector<Rect> boxes = {at(1, 0, 10)};  // it is the best of both
  const auto matches = match_with_best(boxes, objects, 0.7F, 0.3F);
  EXPECT_EQ(matches[0].kind, MatchKind::Positive);
  EXPECT_EQ(matches[0].object, 0);
}

std::vector<Match> matches_of(std::size_t positive, std::size_t negative, std::size_t ignored) {
  std::vector<Match> matches(positive, {.kind = MatchKind::Positive});
  matches.resize(positive + ignored, {.kind = MatchKind::Ignored});
  matches.resize(positive + ignored + negative, {.kind = MatchKind::Negative});
  return matches;
}

TEST(Sampling, FillsUpWithNegatives) {
  const auto counts = [](const std::vector<Match>& matches, int count, float share) {
    auto random = sampling_random(1, 2, 3);
    const auto chosen = sample(matches, count, share, random);
    EXPECT_EQ(std::set(chosen.begin(), chosen.end()).size(), chosen.size()) << "none twice";
    std::array<int, 3> of_kind = {};
    for (const auto i : chosen) ++of_kind[static_cast<std::size_t>(matches[i].kind)];
    EXPECT_EQ(of_kind[static_cast<std::size_t>(MatchKind::Ignored)], 0);
    return std::pair(of_kind[static_cast<std::size_t>(MatchKind::Positive)],
                     of_kind[static_cast<std::size_t>(MatchKind::Negative)]);
  };
  EXPECT_EQ(counts(matches_of(50, 500, 9), 64, 0.25F), std::pair(16, 48));
  EXPECT_EQ(counts(matches_of(5, 500, 9), 64, 0.25F), std::pair(5, 59));
  EXPECT_EQ(counts(matches_of(50, 7, 9), 64, 0.25F), std::pair(16, 7)) << "the share of positives is a bound";
  EXPECT_EQ(counts(matches_of(0, 0, 9), 64, 0.25F), std::pair(0, 0));
  EXPECT_EQ(counts(matches_of(50, 50, 0), 10, 0.7F), std::pair(7, 3));
}

TEST(Sampling, DependsOnSeedEpochAndImageAloneAndIsNotTheAugmentations) {
  const auto matches = matches_of(100, 1000, 0);
  const auto chosen = [&](data::CounterRandom random) { return sample(matches, 64, 0.5F, random); };
  EXPECT_EQ(chosen(sampling_random(1, 2, 3)), chosen(sampling_random(1, 2, 3)));
  EXPECT_NE(chosen(sampling_random(1, 2, 3)), chosen(sampling_random(1, 2, 4)));
  EXPECT_NE(chosen(sampling_random(1, 2, 3)), chosen(sampling_random(1, 3, 3)));
  EXPECT_NE(chosen(sampling_random(1, 2, 3)), chosen({1, 2, 3}));
}

TEST(Sampling, EveryMatchIsAsLikely) {
  const auto matches = matches_of(4, 12, 0);
  std::array<int, 16> drawn = {};
  constexpr int rounds = 3000;
  for (int i = 0; i < rounds; ++i) {
    auto random = sampling_random(0, 0, static_cast<std::uint64_t>(i));
    for (const auto k : sample(matches, 8, 0.25F, random)) ++drawn[k];
  }
  for (const int count : drawn) EXPECT_NEAR(count, rounds / 2, 5 * std::sqrt(rounds / 4.0));
}

TEST(Nms, NestedDisjointAndEqualBoxes) {
  const std::vector<Rect> boxes = {at(0, 0, 10), at(100, 0, 10), at(1, 1, 8), at(0, 0, 10), at(100, 5, 10)};
  EXPECT_EQ(nms(boxes, 0.5F, 10), (Indices{0, 1, 4})) << "64 / 100 of the first, and the first again";
  EXPECT_EQ(nms(boxes, 0.65F, 10), (Indices{0, 1, 2, 4}));
  EXPECT_EQ(nms(boxes, 0.3F, 10), (Indices{0, 1})) << "the last has 1 / 3 of the second";
  EXPECT_EQ(nms(boxes, 0.3F, 1), (Indices{0}));
  EXPECT_EQ(nms({}, 0.3F, 5), Indices{});
  EXPECT_EQ(nms(std::vector<Rect>(3, at(1, 1, 0)), 0.3F, 5), (Indices{0, 1, 2}))
      << "empty boxes have nothing in common";
}

TEST(Nms, TheLimitIsKept) {
  const std::vector<Rect> boxes = {{0, 0, 10, 10}, {0, 0, 10, 5}};  // IoU 0.5
  EXPECT_EQ(nms(boxes, 0.5F, 2).size(), 2U);
  EXPECT_EQ(nms(boxes, 0.49F, 2).size(), 1U);
}

TEST(Nms, EqualsTheDefinitionOnManyBoxes) {
  data::CounterRandom random(4, 5, 6);
  std::vector<Rect> boxes;
  for (int i = 0; i < 1500; ++i) {
    const auto whole = [&](std::uint64_t limit) { return static_cast<float>(random.below(limit)); };
    boxes.push_back(at(whole(300), whole(300), 20 + whole(30)));
  }
  Indices expected;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const bool covered =
        std::ranges::any_of(expected, [&](std::size_t k) { return iou(boxes[i], boxes[k]) > 0.4F; });
    if (!covered) expected.push_back(i);
  }
  EXPECT_GT(expected.size(), 100U);
  EXPECT_EQ(nms(boxes, 0.4F, boxes.size()), expected);
  expected.resize(77);
  EXPECT_EQ(nms(boxes, 0.4F, 77), expected);
}

data::Object object(Rect box, int label = 0) { return {.box = box, .label = label, .area = box.area()}; }

TEST(RpnTargets, AnObjectOnAnAnchor) {
  const DetectorOptions options{.anchor_sizes = {32}, .anchor_ratios = {1}};
  const auto anchors = make_anchors(options, 16, 8, 8);
  const std::vector<data::Object> objects = {object(anchors[3 * 8 + 4], 2)};
  auto random = sampling_random(0, 0, 0);
  const auto targets = rpn_targets(anchors, objects, 128, 128, options, random);
  EXPECT_EQ(targets.positive, std::vector<std::int64_t>{3 * 8 + 4});
  EXPECT_EQ(targets.deltas, std::vector<Deltas>{Deltas{}});
  ASSERT_EQ(targets.sampled.size(), targets.objectness.size());
  for (std::size_t i = 0; i < targets.sampled.size(); ++i) {
    EXPECT_EQ(targets.objectness[i], targets.sampled[i] == 3 * 8 + 4 ? 1 : 0);
  }
  // Each of the first and last rows and columns reaches over the edge; the four beside the object have an IoU
  // of 1/3 and are ignored.
  EXPECT_EQ(targets.sampled.size(), 36U - 4);
}

TEST(RpnTargets, AnchorsOverTheEdgeAreAnOption) {
  DetectorOptions options{.anchor_sizes = {32}, .anchor_ratios = {1}, .inside_anchors = false};
  const auto anchors = make_anchors(options, 16, 8, 8);
  auto random = sampling_random(0, 0, 0);
  EXPECT_EQ(rpn_targets(anchors, {}, 128, 128, options, random).sampled.size(), 64U);
  options.inside_anchors = true;
  EXPECT_EQ(rpn_targets(anchors, {}, 128, 128, options, random).sampled.size(), 36U);
  EXPECT_EQ(rpn_targets(anchors, {}, 128, 112, options, random).sampled.size(), 30U)
      << "the picture, not the canvas";
  EXPECT_TRUE(rpn_targets(anchors, {}, 20, 20, options, random).sampled.empty());
}

TEST(RpnTargets, CrowdsAreNotTrainedOn) {
  const DetectorOptions options{.anchor_sizes = {32}, .anchor_ratios = {1}};
  const auto anchors = make_anchors(options, 16, 8, 8);
  std::vector<data::Object> objects = {object(anchors[20])};
  objects[0].crowd = true;
  auto random = sampling_random(0, 0, 0);
  EXPECT_TRUE(rpn_targets(anchors, objects, 128, 128, options, random).positive.empty());
  EXPECT_EQ(roi_targets({}, objects, options, random).rois.size(), 0U);
}

TEST(RoiTargets, ObjectsAreProposalsToo) {
  const DetectorOptions options{.roi_samples = 8};
  const std::vector<data::Object> objects = {object(at(10, 10, 20), 3), object(at(100, 10, 20), 5)};
  const std::vector<Rect> proposals = {at(12, 10, 20), at(200, 200, 30), at(300, 200, 30)};
  auto random = sampling_random(0, 0, 0);
  const auto targets = roi_targets(proposals, objects, options, random);
  ASSERT_EQ(targets.rois.size(), 4U) << "2 of 8 may be objects, and there are 2 negatives";
  std::multiset<std::int64_t> labels(targets.labels.begin(), targets.labels.end());
  EXPECT_EQ(labels.count(0), 2U);
  for (std::size_t i = 0; i < targets.rois.size(); ++i) {
    const auto label = targets.labels[i];
    if (label == 0) {
      EXPECT_EQ(targets.deltas[i], Deltas{});
      continue;
    }
    ASSERT_TRUE(label == 4 || label == 6);
    const auto& of_label = objects[label == 4 ? 0 : 1].box;
    expect_box(decode(targets.rois[i], targets.deltas[i], options.deviations), of_label, "target");
  }
}

TEST(RoiTargets, WithoutObjectsAllIsBackground) {
  const DetectorOptions options{.roi_negative = 0.1F};
  const std::vector<Rect> proposals = {at(12, 10, 20), at(200, 200, 30)};
  auto random = sampling_random(0, 0, 0);
  EXPECT_EQ(roi_targets(proposals, {}, options, random).labels, (std::vector<std::int64_t>{0, 0}));
}

TEST(RoiTargets, BackgroundHasALowerBound) {
  const DetectorOptions options{.roi_share = 0, .roi_negative = 0.1F};
  const std::vector<data::Object> objects = {object(at(0, 0, 20))};
  const std::vector<Rect> proposals = {at(10, 0, 20), at(200, 200, 30)};  // IoU 1/3 and 0
  auto random = sampling_random(0, 0, 0);
  EXPECT_EQ(roi_targets(proposals, objects, options, random).rois, std::vector<Rect>{proposals[0]});
}

TEST(Proposals, DecodeClipSuppressAndStop) {
  const std::vector<Rect> anchors = {at(0, 0, 10), at(50, 50, 20), at(51, 50, 20), at(90, 0, 20),
                                     at(300, 0, 20)};
  const std::vector<float> objectness = {1, 2, 3, 2, 9};
  std::vector<float> deltas(4 * anchors.size());
  deltas[0] = 0.5F;
  const auto boxes = propose(objectness, deltas, anchors, 100, 80, {.before = 5, .most = 9, .iou = 0.7F});
  EXPECT_EQ(boxes, (std::vector<Rect>{at(51, 50, 20), {90, 0, 100, 20}, {5, 0, 15, 10}}));
  EXPECT_EQ(propose(objectness, deltas, anchors, 100, 80, {.before = 3, .most = 9, .iou = 0.95F}),
            (std::vector<Rect>{at(51, 50, 20), at(50, 50, 20)}))
      << "of two equal ones the first";
  EXPECT_EQ(propose(objectness, deltas, anchors, 100, 80, {.before = 5, .most = 1, .iou = 0.7F}).size(), 1U);
}

TEST(Proposals, RefuseLogitsThatAreNotFinite) {
  test::expect_error(
      [] {
        propose(std::vector<float>{std::nanf("")}, std::vector<float>(4), std::vector<Rect>{at(0, 0, 9)}, 10,
                10, {.before = 1, .most = 1, .iou = 0.5F});
      },
      "not finite");
}

/// Logits whose softmax is about these probabilities.
std::vector<float> logits_of(std::vector<float> probabilities) {
  for (auto& p : probabilities) p = std::log(p);
  return probabilities;
}

TEST(Postprocess, BestOverAllClassesInPixelsOfTheOriginal) {
  const std::vector<Rect> rois = {at(10, 10, 20), at(11, 10, 20), at(60, 10, 20)};
  const auto logits = logits_of({0.1F, 0.7F, 0.2F,  //
                                 0.2F, 0.6F, 0.2F,  //
                                 0.5F, 0.1F, 0.4F});
  std::vector<float> deltas(rois.size() * 3 * 4);
  deltas[(2 * 3 + 2) * 4] = 5;  // times its deviation, 0.1: half a width to the right
  const DetectorOptions options{.score = 0.15F};
  const auto found =
      postprocess(rois, logits, deltas, {.width = 85, .height = 100, .x_factor = 2, .y_factor = 3}, options);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].label, 0);
  EXPECT_NEAR(found[0].score, 0.7, 1e-6);
  expect_box(found[0].box, {20, 30, 60, 90}, "first");
  EXPECT_EQ(found[1].label, 1);
  expect_box(found[1].box, {140, 30, 170, 90}, "moved, and cut at the edge");
  EXPECT_NEAR(found[2].score, 0.2, 1e-6) << "suppression is within a class";
  EXPECT_EQ(found[2].label, 1);
  expect_box(found[2].box, {20, 30, 60, 90}, "of equal scores the earlier proposal");

  EXPECT_EQ(
      postprocess(rois, logits, deltas, {.width = 85, .height = 100}, {.score = 0.15F, .most = 2}).size(),
      2U);
  EXPECT_EQ(postprocess(rois, logits, deltas, {.width = 85, .height = 100}, {.score = 0.8F}).size(), 0U);
  EXPECT_EQ(postprocess({}, {}, {}, {.width = 85, .height = 100}, {}).size(), 0U);
}

TEST(Postprocess, EqualScoresFollowTheClasses) {
  const std::vector<Rect> rois = {at(10, 10, 20), at(60, 10, 20)};
  const auto logits = logits_of({0.2F, 0.4F, 0.4F, 0.2F, 0.4F, 0.4F});
  const auto found =
      postprocess(rois, logits, std::vector<float>(24), {.width = 100, .height = 100}, {.most = 3});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].label, 0);
  EXPECT_EQ(found[1].label, 0);
  EXPECT_EQ(found[1].box, rois[1]);
  EXPECT_EQ(found[2].box, rois[0]);
}

}  // namespace
}  // namespace scatlight::detect
