// A detector: what it gives, its file, its first weights, and the gradient of a step.

#include "detect/detector.h"

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <set>

#include "data/drawn_boxes.h"
#include "data/voc.h"
#include "detect/detector_task.h"
#include "detect/infer.h"
#include "detect/model.h"
#include "detect/regions.h"
#include "nets/weights.h"
#include "small_detector.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"
#include "train/model.h"

namespace scatlight::detect {
namespace {

using Shape = at::IntArrayRef;

DetectorFacts facts_of(std::vector<std::string> classes = {"disc", "star"}) {
  return {.options = small_boxes(),
          .classes = std::move(classes),
          .category_ids = {3, 17},
          .recipe = {.short_side = 64, .long_side = 128}};
}

/// Weights, running statistics and affine parts as after some training.
void use_random_weights(Detector& detector) {
  const at::NoGradGuard no_grad;
  for (auto& [name, tensor] : detector.buffers()) {
    if (name.ends_with("running_mean")) tensor.uniform_(-0.3, 0.3);
    if (name.ends_with("running_var")) tensor.uniform_(0.6, 1.5);
  }
  for (auto& [name, tensor] : detector.parameters()) {
    if (tensor.dim() == 1) tensor.uniform_(-0.5, 1);
    if (name.starts_with("rpn") || name.starts_with("roi")) tensor.normal_(0, 0.3);
  }
}

at::Tensor regions_of(std::initializer_list<std::initializer_list<float>> rows) {
  std::vector<float> numbers;
  for (const auto& row : rows) numbers.insert(numbers.end(), row.begin(), row.end());
  return at::tensor(numbers, at::kFloat).view({-1, 5});
}

const auto some_regions = [] {
  return regions_of({{0, 3, 5, 40, 60}, {1, 0, 0, 96, 64}, {0, 80, 30, 90, 35}});
};

TEST(Detector, GivesOneNumberPerAnchorAndOnePerClass) {
  const at::NoGradGuard no_grad;
  for (const char* name : {"scatdet-small", "det-small"}) {
    Detector detector(small_detector(name));
    detector.to({});
    detector.train(false);
    const auto features = detector.features(detector.maps(at::rand({2, 3, 64, 96})));
    EXPECT_EQ(features.sizes(), Shape({2, 8, 4, 6})) << name;
    EXPECT_TRUE(features.is_contiguous(at::MemoryFormat::ChannelsLast)) << name;
    const auto proposed = detector.propose(features);
    EXPECT_EQ(proposed.objectness.sizes(), Shape({2, 4 * 6 * 2})) << name;
    EXPECT_EQ(proposed.deltas.sizes(), Shape({2, 4 * 6 * 2, 4})) << name;
    const auto output = detector.classify(features, some_regions());
    EXPECT_EQ(output.logits.sizes(), Shape({3, 3})) << name;
    EXPECT_EQ(output.deltas.sizes(), Shape({3, 3, 4})) << name;
  }
}

// Only the biases speak: that of channel c must be at anchor c of each cell, those of boxes at 4 c to 4 c
// + 3.
TEST(Detector, TellsOfAnchorsInTheirOrder) {
  const at::NoGradGuard no_grad;
  Detector detector(small_detector());
  const auto all = detector.parameters();
  for (const char* layer : {"cls_logits", "bbox_pred"}) {
    tensor_of(all, std::string("rpn.head.") + layer + ".weight").zero_();
    const auto bias = tensor_of(all, std::string("rpn.head.") + layer + ".bias");
    bias.copy_(at::arange(bias.numel()));
  }
  const auto proposed = detector.propose(at::rand({1, 8, 3, 2}));
  EXPECT_TRUE(at::equal(proposed.objectness, at::arange(2, at::kFloat).repeat({6}).view({1, 12})));
  EXPECT_TRUE(at::equal(proposed.deltas, at::arange(8, at::kFloat).repeat({6}).view({1, 12, 4})));
}

TEST(Detector, ClassifiesNoRegion) {
  Detector detector(small_detector());
  detector.to({});
  const auto features = detector.features(detector.maps(at::rand({2, 3, 64, 64})));
  const auto none = to_tensor({{}, {}}, features);
  EXPECT_EQ(none.sizes(), Shape({0, 5}));
  const auto output = detector.classify(features, none);
  EXPECT_EQ(output.logits.sizes(), Shape({0, 3}));
  EXPECT_EQ(output.deltas.sizes(), Shape({0, 3, 4}));
}

TEST(Detector, PutsTheRegionsOfABatchInRows) {
  const auto rows = to_tensor({{{1, 2, 3, 4}}, {}, {{5, 6, 7, 8}, {0, 0, 1, 1}}}, at::empty({1}));
  EXPECT_TRUE(at::equal(rows, regions_of({{0, 1, 2, 3, 4}, {2, 5, 6, 7, 8}, {2, 0, 0, 1, 1}})));
}

TEST(Detector, RefusesWhatMakesNone) {
  const auto expect = [](auto change, const char* what) {
    auto options = small_detector();
    change(options);
    test::expect_error([&] { Detector detector(options); }, what);
  };
  expect([](auto& o) { o.network = nets::network_options("linear"); }, "at least two groups");
  expect([](auto& o) { o.network.scales = 5; }, "a stride of 64 pixels");
  expect([](auto& o) { o.anchors = 0; }, "anchors per cell 0: 1 to 1000");
  expect([](auto& o) { o.rpn_channels = 0; }, "region proposal network 0");
  expect([](auto& o) { o.pool = 65; }, "bins of a region 65: 1 to 64");
  expect([](auto& o) { o.pool_samples = 0; }, "samples of a bin 0");
  expect(
      [](auto& o) {
        o.network = nets::network_options("vgg16");
        o.pool = 6;
      },
      "VGG's head needs 7");
  Detector detector(small_detector());
  test::expect_error([&] { detector.freeze({.groups = 3, .norms = false}); },
                     "frozen groups 3: -1 to 2 is accepted");
}

TEST(Detector, FreezesWhatItIsTold) {
  const auto trained = [](const Frozen& frozen) {
    Detector detector(small_detector());
    detector.freeze(frozen);
    detector.to({});
    std::vector<std::string> names;
    for (const auto& [name, tensor] : detector.parameters()) {
      if (tensor.requires_grad()) names.push_back(name.substr(0, name.find('.')));
    }
    return std::set<std::string>(names.begin(), names.end());
  };
  using Names = std::set<std::string>;
  EXPECT_EQ(trained({.groups = -1, .norms = false}),
            Names({"conv1", "bn1", "layer1", "layer2", "layer3", "rpn", "roi_heads"}));
  EXPECT_EQ(trained({.groups = -1, .norms = true}),
            Names({"conv1", "layer1", "layer2", "layer3", "rpn", "roi_heads"}));
  EXPECT_EQ(trained({.groups = 0, .norms = true}), Names({"layer1", "layer2", "layer3", "rpn", "roi_heads"}));
  EXPECT_EQ(trained({.groups = 1, .norms = false}), Names({"layer2", "layer3", "rpn", "roi_heads"}));
  EXPECT_EQ(trained({.groups = 2, .norms = true}), Names({"layer3", "rpn", "roi_heads"}));
}

/// A detector and its file.
class DetectorFile : public testing::Test {
 protected:
  DetectorFile() : detector_(small_detector()) {
    at::manual_seed(5);
    use_random_weights(detector_);
    detector_.to({});
    save_detector(path_, detector_, facts_of());
  }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "model.safetensors";
  Detector detector_;
};

TEST_F(DetectorFile, GivesTheSameDetectorForInference) {
  EXPECT_TRUE(is_detector(path_));
  auto model = load_detector(path_);
  EXPECT_EQ(model.facts.classes, facts_of().classes);
  EXPECT_EQ(model.facts.category_ids, facts_of().category_ids);
  EXPECT_EQ(model.facts.recipe.short_side, 64);
  EXPECT_EQ(model.facts.recipe.long_side, 128);
  EXPECT_EQ(model.facts.options.anchor_sizes, small_boxes().anchor_sizes);
  EXPECT_EQ(model.facts.options.anchor_ratios, small_boxes().anchor_ratios);
  EXPECT_EQ(model.facts.options.test_proposals, small_boxes().test_proposals);
  EXPECT_EQ(model.facts.options.rpn_positive, small_boxes().rpn_positive) << "every bit of a float";

  const at::NoGradGuard no_grad;
  detector_.train(false);
  model.detector.train(false);
  const auto images = at::rand({2, 3, 64, 96});
  const auto expected = detector_.features(detector_.maps(images));
  const auto features = model.detector.features(model.detector.maps(images));
  EXPECT_LT(relative_error(features, expected), 2e-5);
  EXPECT_LT(
      relative_error(model.detector.propose(features).objectness, detector_.propose(expected).objectness),
      2e-5);
  EXPECT_LT(relative_error(model.detector.propose(features).deltas, detector_.propose(expected).deltas),
            2e-5);
  const auto output = model.detector.classify(features, some_regions());
  const auto wanted = detector_.classify(expected, some_regions());
  EXPECT_LT(relative_error(output.logits, wanted.logits), 2e-5);
  EXPECT_LT(relative_error(output.deltas, wanted.deltas), 2e-5);
}

TEST_F(DetectorFile, IsToldFromOtherFiles) {
  const auto classifier = folder_ / "classifier.safetensors";
  auto options = small_network();
  options.height = options.width = 32;
  train::save_model(classifier, nets::Network(options), {"disc", "star"}, {.size = 32, .resize = 32});
  EXPECT_FALSE(is_detector(classifier));
  test::expect_error([&] { load_detector(classifier); }, "classifier.safetensors: it is not a detector");
  const auto text = folder_.add("text.safetensors", "no tensors");
  test::expect_error([&] { is_detector(text); }, "text.safetensors");
  test::expect_error([&] { train::load_model(path_); }, "model.safetensors");
}

TEST_F(DetectorFile, DamagedMetadataIsNamedWithTheFile) {
  auto tensors = detector_.parameters();
  for (const auto& buffer : detector_.buffers()) tensors.push_back(buffer);
  const auto good = nets::read_weights_header(path_).metadata;
  const auto with = [&](const std::string& key, const std::string& from, const std::string& to) {
    auto metadata = good;
    auto& value = metadata.at(key);
    const auto place = from.empty() ? 0 : value.find(from);
    ASSERT_NE(place, std::string::npos) << from << " in " << value;
    value.replace(place, from.empty() ? value.size() : from.size(), to);
    nets::write_tensors(path_, tensors, detector_.options().network, metadata);
    SCOPED_TRACE(key + ": " + value);
    test::expect_error([&] { load_detector(path_); }, "model.safetensors: ");
  };
  for (const char* key : {"detector", "classes", "category_ids", "recipe"}) {
    for (const char* value : {"", "{", "{}", "7", "[1, 2, 3]", "[\"a\"]", "null"}) with(key, "", value);
    auto metadata = good;
    metadata.erase(key);
    nets::write_tensors(path_, tensors, detector_.options().network, metadata);
    test::expect_error([&] { load_detector(path_); }, "model.safetensors: ");
  }
  with("task", "", "classify");
  with("detector", "\"anchors\":2", "\"anchors\":3");
  with("detector", "\"anchors\":2", "\"anchors\":\"2\"");
  with("detector", "\"pool\":7", "\"pool\":0");
  with("detector", "\"rpn_channels\":12", "\"rpn_channels\":13");
  with("detector", "\"most\":100", "\"most\":0");
  with("detector", "\"nms_iou\":", "\"nms_iou\":7");
  with("detector", "[16.0,32.0]", "[16.0,-1.0]");
  with("recipe", "\"short_side\":64", "\"short_side\":0");
  with("classes", "\"star\"", "\"star\",\"more\"");
  with("category_ids", "17", "17,18");
}

TEST_F(DetectorFile, WeightsThatAreNotFiniteAreRefused) {
  tensor_of(detector_.parameters(), "rpn.head.conv.0.0.bias").detach()[3] =
      std::numeric_limits<float>::infinity();
  save_detector(path_, detector_, facts_of());
  Detector other(small_detector());
  test::expect_error([&] { load_first_weights(other, path_, facts_of().classes); }, "not finite");
}

TEST_F(DetectorFile, IsFirstWeightsOfAnotherDetector) {
  Detector same(small_detector());
  load_first_weights(same, path_, facts_of().classes);
  EXPECT_EQ(parts_left_random(path_, facts_of().classes), std::vector<std::string>());
  for (const auto& [name, tensor] : detector_.parameters())
    EXPECT_TRUE(at::equal(tensor_of(same.parameters(), name), tensor)) << name;
  for (const auto& [name, tensor] : detector_.buffers())
    EXPECT_TRUE(at::equal(tensor_of(same.buffers(), name), tensor)) << name;

  auto renamed = facts_of().classes;
  renamed.front() = "moon";
  const std::vector<std::string> more = {"a", "b", "c", "d", "e"};
  for (const auto& classes : {renamed, more}) {
    auto options = small_detector();
    options.network.classes = static_cast<int>(classes.size());
    Detector other_classes(options);
    load_first_weights(other_classes, path_, classes);
    EXPECT_EQ(parts_left_random(path_, classes), std::vector<std::string>{"classes"});
    for (const auto& [name, tensor] : detector_.parameters()) {
      const auto& there = tensor_of(other_classes.parameters(), name);
      const bool tells_classes = name.starts_with("roi_heads");
      EXPECT_EQ(there.sizes() == tensor.sizes() && at::equal(there, tensor), !tells_classes) << name;
    }
  }

  auto options = small_detector();
  options.anchors = 3;
  Detector other_anchors(options);
  test::expect_error([&] { load_first_weights(other_anchors, path_, facts_of().classes); },
                     "its tensor 'rpn.head.cls_logits.weight' is F32 [2, 12, 1, 1]");
  Detector other_network(small_detector("det-small"));
  test::expect_error([&] { load_first_weights(other_network, path_, facts_of().classes); },
                     "this one reads pixels");
}

TEST_F(DetectorFile, TakesTheBodyOfAClassifier) {
  const auto path = folder_ / "classifier.safetensors";
  auto options = small_network();
  options.classes = 1000;
  options.height = options.width = 32;
  const nets::Network classifier(options);
  nets::save_weights(classifier, path);
  const auto rpn = tensor_of(detector_.parameters(), "rpn.head.conv.0.0.weight").clone();
  load_first_weights(detector_, path, facts_of().classes);
  EXPECT_EQ(parts_left_random(path, facts_of().classes),
            (std::vector<std::string>{"region proposals", "classes"}));
  for (const auto& [name, tensor] : classifier.parameters()) {
    if (name.starts_with("fc")) continue;
    EXPECT_TRUE(at::equal(tensor_of(detector_.parameters(), name), tensor)) << name;
  }
  EXPECT_TRUE(at::equal(tensor_of(detector_.parameters(), "rpn.head.conv.0.0.weight"), rpn));
  Detector other(small_detector("det-small"));
  test::expect_error([&] { load_first_weights(other, path, facts_of().classes); }, "classifier.safetensors");
}

/// Steps on a drawn data set.
class DetectorStep : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::TemporaryFolder>();
    data::draw_box_folder(
        {.folder = *folder_ / "data", .classes = 2, .train = 5, .val = 1, .size = 64, .threads = 2}, [] {});
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static data::BoxFolder data() { return data::list_voc(*folder_ / "data", "train"); }

  static inline train::GradientAverage average;  ///< Of one process.

  struct Sums {
    std::vector<std::int64_t> images = {};  ///< Of each step.
    std::map<std::string, double> of = {};  ///< Over all images.
    std::map<std::string, at::Tensor> gradients = {};
  };

  /// A whole pass in which no step is taken.
  static Sums sums(const DetectorTrainOptions& options) {
    DetectorTask task(options, train::Team());
    const auto pass = task.begin_pass(0, 0, average);
    Sums result;
    while (const auto found = pass->backward()) {
      const auto images = static_cast<double>(found->images);
      result.images.push_back(found->images);
      result.of["loss"] += images * found->loss;
      for (const auto& [name, mean] : found->means) result.of[name] += images * mean;
    }
    for (const auto& [name, tensor] : task.parameters()) result.gradients[name] = tensor.grad().clone();
    return result;
  }

  static void expect_close(const Sums& actual, const Sums& expected, double bound) {
    ASSERT_EQ(actual.of.size(), 7U);
    for (const auto& [name, sum] : expected.of) EXPECT_NEAR(actual.of.at(name), sum, bound * sum) << name;
  }

  static std::unique_ptr<test::TemporaryFolder> folder_;
};

std::unique_ptr<test::TemporaryFolder> DetectorStep::folder_;

TEST_F(DetectorStep, InPartsGivesTheSameGradient) {
  auto options = small_training(data());
  options.batch = options.micro_batch = 3;
  const auto whole = sums(options);
  options.micro_batch = 1;
  const auto parts = sums(options);
  EXPECT_EQ(parts.images, (std::vector<std::int64_t>{3, 2}));
  expect_close(parts, whole, 1e-5);
  ASSERT_EQ(parts.gradients.size(), whole.gradients.size());
  for (const auto& [name, gradient] : whole.gradients)
    EXPECT_LT(relative_error(parts.gradients.at(name), gradient), 1e-4) << name;
}

TEST_F(DetectorStep, DrawsTheSameInAnyBatchAndOnAnyThread) {
  auto options = small_training(data());
  const auto expected = sums(options);
  EXPECT_EQ(expected.images, (std::vector<std::int64_t>{2, 2, 1}));
  EXPECT_GT(expected.of.at("positive_anchors"), 0);
  EXPECT_GT(expected.of.at("positive_rois"), 0);
  options.batch = 5;
  options.micro_batch = 1;
  expect_close(sums(options), expected, 1e-5);
  options = small_training(data());
  options.threads = 1;
  const auto one_thread = sums(options);
  EXPECT_EQ(one_thread.of, expected.of);
  for (const auto& [name, gradient] : expected.gradients)
    EXPECT_TRUE(at::equal(one_thread.gradients.at(name), gradient)) << name;
  options.seed = 1;
  EXPECT_NE(sums(options).of, expected.of);
}

TEST_F(DetectorStep, CountsItsBatches) {
  for (const std::int64_t batch : {1, 2, 3, 5, 9}) {
    auto options = small_training(data());
    options.train_data.samples[1].size = {.width = 64, .height = 65};  // a tall one
    options.train_data.samples[3].size = {.width = 64, .height = 65};
    options.batch = options.micro_batch = batch;
    const DetectorTask task(options, train::Team());
    const data::BoxRecipe recipe(options.recipe);
    std::vector<bool> is_wide;
    std::vector<std::int64_t> order;
    for (const auto& sample : options.train_data.samples) {
      order.push_back(std::ssize(order));
      is_wide.push_back(sample.size.width >= sample.size.height);
    }
    const auto batches = data::group_by_aspect(order, is_wide, batch);
    ASSERT_EQ(task.batches(), std::ssize(batches)) << batch;
    std::int64_t images = 5;
    for (std::int64_t i = 0; i < std::ssize(batches); ++i) {
      EXPECT_EQ(task.images_from(i), images) << batch << ' ' << i;
      images -= std::ssize(batches[static_cast<std::size_t>(i)]);
    }
    EXPECT_EQ(task.images_from(task.batches()), 0);
  }
}

TEST_F(DetectorStep, LeavesFrozenParametersWithoutGradient) {
  auto options = small_training(data());
  options.frozen = {.groups = 1, .norms = true};
  DetectorTask task(options, train::Team());
  task.begin_pass(0, 0, average)->backward();
  const auto trained = task.parameters();
  const auto kept = task.buffers();
  for (const auto& [name, tensor] : trained) {
    EXPECT_TRUE(tensor.grad().defined()) << name;
    EXPECT_FALSE(name.starts_with("conv1") || name.starts_with("layer1") ||
                 name.find("bn") != std::string::npos)
        << name;
  }
  for (const char* name : {"conv1.weight", "layer1.0.conv1.weight", "layer2.0.bn1.weight"}) {
    ASSERT_TRUE(tensor_of(kept, name).defined()) << name << " belongs to the state, too";
    EXPECT_FALSE(tensor_of(kept, name).grad().defined()) << name;
  }
}

/// Turns all proposals out of the picture.
void lose_proposals(const NamedTensors& parameters) {
  const at::NoGradGuard no_grad;
  tensor_of(parameters, "rpn.head.bbox_pred.weight").zero_();
  tensor_of(parameters, "rpn.head.bbox_pred.bias").fill_(-1000);
}

TEST_F(DetectorStep, NeedsNeitherProposalsNorObjects) {
  auto options = small_training(data());
  for (auto& sample : options.train_data.samples) sample.objects.clear();
  for (const bool frozen_norms : {true, false}) {
    options.frozen.norms = frozen_norms;
    DetectorTask task(options, train::Team());
    lose_proposals(task.parameters());
    const auto found = task.begin_pass(0, 0, average)->backward();
    ASSERT_TRUE(found);
    EXPECT_GT(found->loss, 0) << "of the anchors, which are background";
    for (const auto& [name, tensor] : task.parameters()) {
      ASSERT_TRUE(tensor.grad().defined()) << name << ": a step needs the gradients of all";
      EXPECT_TRUE(tensor.grad().isfinite().all().item<bool>()) << name;
    }
  }
}

TEST_F(DetectorStep, NamesThePicturesOfALossThatIsNotFinite) {
  auto options = small_training(data());
  for (const char* layer : {"rpn.head.cls_logits.bias", "roi_heads.box_predictor.cls_score.bias"}) {
    DetectorTask task(options, train::Team());
    tensor_of(task.parameters(), layer).detach().fill_(std::numeric_limits<float>::quiet_NaN());
    test::expect_error([&] { task.begin_pass(0, 0, average)->backward(); },
                       "training diverged: the loss of ");
    test::expect_error([&] { task.begin_pass(0, 0, average)->backward(); }, "train_0000");
  }
}

TEST_F(DetectorStep, FindsNothingWithoutProposals) {
  Detector detector(small_detector());
  detector.to({});
  lose_proposals(detector.parameters());
  const auto evaluation =
      evaluate(detector, facts_of(), data(), {.batch = 2, .threads = 2}, [](std::int64_t) {});
  ASSERT_EQ(evaluation.images.size(), 5U);
  for (const auto& image : evaluation.images) EXPECT_TRUE(image.found.empty());
  EXPECT_EQ(evaluation.coco.numbers[1], 0);
  EXPECT_EQ(evaluation.voc.map07, 0);
}

}  // namespace
}  // namespace scatlight::detect
