// Detectors for Python, to time them beside torchvision's in one process:
//   torch.classes.load_library("build/benchmarks/detector_operators.so")
// Their steps come with them (tests/detect/box_operators.cpp).

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/custom_class.h>

#include "data/coco.h"
#include "detect/coco_metric.h"
#include "detect/cost.h"
#include "detect/detector_task.h"
#include "detect/infer.h"
#include "detect/model.h"
#include "nets/catalogue.h"
#include "nets/fold.h"
#include "tests/detect/detection_rows.h"

namespace {

using namespace scatlight;

// What compare_detectors.py gives torchvision, too: the paper's numbers for VOC, but for anchors over the
// edge, which torchvision trains on, and scores.
detect::DetectorOptions detector_options() {
  detect::DetectorOptions options;
  options.inside_anchors = false;
  options.score = 0.05F;
  return options;
}

detect::DetectorNetworkOptions network_options(const std::string& name, std::int64_t classes) {
  detect::DetectorNetworkOptions options = {.network = nets::network_options(name), .rpn_channels = 1024};
  options.network.classes = static_cast<int>(classes);
  return options;
}

/// Of `scatlight models --detectors`: what training keeps of a picture before the regions are known.
std::int64_t picture_bytes(const std::string& network, std::int64_t height, std::int64_t width) {
  return detect::detector_cost(network_options(network, 20), {}, static_cast<int>(height),
                               static_cast<int>(width))
      .picture_bytes;
}

/// What comes before the regions are known, in training with the paper's frozen layers.
at::Tensor propose_in_training(const std::string& network, const at::Tensor& images) {
  detect::Detector detector(network_options(network, 20));
  detector.freeze({});
  return detector.propose(detector.features(detector.maps(images))).objectness;
}

std::vector<std::vector<double>> rows_of(const at::Tensor& table) {
  const auto numbers = table.contiguous();
  std::vector<std::vector<double>> rows;
  for (std::int64_t i = 0; i < table.size(0); ++i) {
    const auto* row = numbers.const_data_ptr<double>() + i * table.size(1);
    rows.emplace_back(row, row + table.size(1));
  }
  return rows;
}

/// COCO's twelve numbers. `objects`: (n, 7) float64, image, class, left, top, width, height, area; `found`:
/// (m, 7), with a score instead of the area.
at::Tensor coco_numbers(const at::Tensor& objects, const at::Tensor& found, std::int64_t classes) {
  const auto box_of = [](const std::vector<double>& row) {
    return data::Box{.left = row[2], .top = row[3], .width = row[4], .height = row[5]};
  };
  std::vector<detect::TrueBox> wanted;
  for (const auto& row : rows_of(objects)) {
    wanted.push_back({.image = static_cast<std::int64_t>(row[0]),
                      .label = static_cast<int>(row[1]),
                      .box = box_of(row),
                      .area = row[6]});
  }
  std::vector<detect::FoundBox> boxes;
  for (const auto& row : rows_of(found)) {
    boxes.push_back({.image = static_cast<std::int64_t>(row[0]),
                     .label = static_cast<int>(row[1]),
                     .box = box_of(row),
                     .score = row[6]});
  }
  const auto result = detect::coco_metric(std::move(wanted), std::move(boxes), static_cast<int>(classes));
  return at::tensor(at::ArrayRef<double>(result.numbers.data(), result.numbers.size()), at::kDouble);
}

/// A detector in use.
class Detector : public torch::CustomClassHolder {
 public:
  /// Random weights where no file is named.
  Detector(const std::string& network, std::int64_t classes, const std::string& weights)
      : detector_(network_options(network, classes)) {
    if (!weights.empty()) load_first_weights(detector_, weights, std::vector<std::string>(classes));
    detector_.train(false);
    nets::fold_for_inference(detector_.network());
  }

  at::Tensor maps(const at::Tensor& images) { return detector_.maps(images); }

  at::Tensor features(const at::Tensor& maps) {
    const at::NoGradGuard no_grad;
    return detector_.features(maps);
  }

  /// A (3, height, width) picture to (found, 6): class, score, box.
  at::Tensor detect(const at::Tensor& picture) {
    const auto pixels = picture.contiguous();
    const auto height = static_cast<int>(pixels.size(1));
    const auto width = static_cast<int>(pixels.size(2));
    data::BoxBatch batch;
    batch.count = 1;
    batch.height = height;
    batch.width = width;
    const auto* first = pixels.const_data_ptr<float>();
    batch.images.assign(first, first + pixels.numel());
    batch.framings = {
        {.window = {.width = width, .height = height}, .size = {.width = width, .height = height}}};
    detect::StageSeconds seconds;
    return test::to_rows(detect::detect(detector_, detector_options(), batch, seconds).front());
  }

 private:
  detect::Detector detector_;
};

/// A detector in training on the first picture of a COCO file, with the paper's frozen layers.
class Training : public torch::CustomClassHolder {
 public:
  Training(const std::string& network, const std::string& weights, const std::string& objects,
           const std::string& pictures)
      : task_(options(network, weights, data::list_coco(objects, pictures)), {}),
        average_({}, task_.parameters()) {}

  /// Decodes the picture, and sets its gradient.
  void backward() {
    for (auto& [name, tensor] : task_.parameters()) tensor.mutable_grad().reset();
    task_.begin_pass(0, 0, average_)->backward();
  }

 private:
  static detect::DetectorTrainOptions options(const std::string& network, const std::string& weights,
                                              data::BoxFolder folder) {
    detect::DetectorTrainOptions options;
    options.network = network_options(network, std::ssize(folder.classes));
    options.train_data = std::move(folder);
    options.weights = weights;
    options.detector = detector_options();
    options.recipe = {
        .short_side = 800, .long_side = 1216, .flip = 0, .mean = {0, 0, 0}, .deviation = {1, 1, 1}};
    options.micro_batch = 1;
    options.threads = 1;
    return options;
  }

  detect::DetectorTask task_;
  train::GradientAverage average_;
};

}  // namespace

TORCH_LIBRARY(scatlight_detectors, library) {
  library.def("coco_numbers(Tensor objects, Tensor found, int classes) -> Tensor", coco_numbers);
  library.def("picture_bytes(str network, int height, int width) -> int", picture_bytes);
  library.def("propose_in_training(str network, Tensor images) -> Tensor", propose_in_training);
  library.class_<Detector>("Detector")
      .def(torch::init<const std::string&, std::int64_t, const std::string&>())
      .def("maps", &Detector::maps)
      .def("features", &Detector::features)
      .def("detect", &Detector::detect);
  library.class_<Training>("Training")
      .def(torch::init<const std::string&, const std::string&, const std::string&, const std::string&>())
      .def("backward", &Training::backward);
}
