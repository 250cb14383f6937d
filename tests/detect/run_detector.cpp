// Runs a detector on one picture, for the comparison with torchvision's in Python:
//   run_detector WEIGHTS.safetensors OBJECTS.json PICTURES OUT.safetensors
// writes what each stage of the detection gives, and the losses and gradients of a training step in which all
// anchors and all proposals count. test_detector.py knows the options.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstdio>

#include "data/coco.h"
#include "detect/detector_task.h"
#include "detect/infer.h"
#include "detect/model.h"
#include "detect/regions.h"
#include "detection_rows.h"
#include "nets/catalogue.h"
#include "nets/weights.h"

namespace {

using namespace scatlight;

detect::DetectorTrainOptions options_for(data::BoxFolder folder, const std::filesystem::path& weights) {
  detect::DetectorTrainOptions options;
  options.train_data = std::move(folder);
  options.weights = weights;
  options.network = {.network = nets::network_options("resnet50"), .rpn_channels = 1024};
  options.detector = {.anchor_sizes = {16, 32, 64},
                      .inside_anchors = false,
                      .rpn_samples = 100'000,
                      .proposals_before = 300,
                      .proposals = 60,
                      .test_before = 200,
                      .test_proposals = 40,
                      .roi_samples = 10'000,
                      .roi_share = 1,
                      .box_beta = 1.0F / 9,
                      .score = 0.05F,
                      .nms_iou = 0.5F,
                      .most = 30};
  options.recipe = {
      .short_side = 120, .long_side = 150, .flip = 0, .mean = {0, 0, 0}, .deviation = {1, 1, 1}};
  options.frozen = {.groups = -1, .norms = true};
  options.micro_batch = 1;
  options.threads = 1;
  return options;
}

void add_losses(const detect::DetectorTrainOptions& options, nets::NamedTensors& out) {
  detect::DetectorTask task(options, train::Team());
  train::GradientAverage average;
  const auto found = task.begin_pass(0, 0, average)->backward();
  for (const auto& [name, mean] : found->means) out.emplace_back("loss." + name, at::full({}, mean));
  for (const auto& [name, tensor] : task.parameters()) out.emplace_back("gradient." + name, tensor.grad());
}

void add_detections(const detect::DetectorTrainOptions& options, nets::NamedTensors& out) {
  const at::NoGradGuard no_grad;
  detect::Detector detector(network_options(options));
  load_first_weights(detector, options.weights, options.train_data.classes);
  detector.to({});
  detector.train(false);
  const data::BoxRecipe recipe(options.recipe);
  data::BoxLoader loader(options.train_data, recipe, {.batch_size = 1, .threads = 1});
  auto batch = loader.next();

  const auto features = detector.features(detector.maps(detect::images_of(*batch)));
  const detect::RegionsOfBatch regions(detector, options.detector, features);
  const auto& size = batch->framings.front().size;
  const auto rois = detect::to_tensor(
      {regions.propose(0,
                       {.width = static_cast<float>(size.width), .height = static_cast<float>(size.height)},
                       proposals_in_tests(options.detector))},
      features);
  const auto output = detector.classify(features, rois);
  out.emplace_back("features", features);
  out.emplace_back("objectness", regions.output().objectness);
  out.emplace_back("deltas", regions.output().deltas);
  out.emplace_back("proposals", rois.slice(1, 1, 5));
  out.emplace_back("logits", output.logits);
  out.emplace_back("box_deltas", output.deltas);
  detect::StageSeconds seconds;
  out.emplace_back("detections",
                   test::to_rows(detect::detect(detector, options.detector, *batch, seconds).front()));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) return 2;
  const auto options = options_for(data::list_coco(argv[2], argv[3]), argv[1]);
  nets::NamedTensors out;
  add_losses(options, out);
  add_detections(options, out);
  nets::write_tensors(argv[4], out, options.network.network, {});
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
