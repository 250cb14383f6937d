#include "detect/infer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <chrono>

#include "detect/regions.h"
#include "train/infer.h"

namespace scatlight::detect {
namespace {

/// Adds the time since the last call.
class Lap {
 public:
  void add_to(double& seconds) {
    const auto now = std::chrono::steady_clock::now();
    seconds += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

at::Tensor images_of(data::BoxBatch& batch) {
  return at::from_blob(batch.images.data(), {batch.count, 3, batch.height, batch.width}, at::kFloat);
}

std::vector<std::vector<Detection>> detect(Detector& detector, const DetectorOptions& options,
                                           data::BoxBatch& batch, StageSeconds& seconds) {
  const at::NoGradGuard no_grad;
  Lap lap;
  const auto maps = detector.maps(images_of(batch));
  lap.add_to(seconds.maps);
  const auto features = detector.features(maps);
  lap.add_to(seconds.base);
  const RegionsOfBatch regions(detector, options, features);
  std::vector<std::vector<Rect>> proposals;
  proposals.reserve(static_cast<std::size_t>(batch.count));
  for (std::int64_t i = 0; i < batch.count; ++i) {
    proposals.push_back(regions.propose(i, scale_of(batch.framings[static_cast<std::size_t>(i)]),
                                        proposals_in_tests(options)));
  }
  lap.add_to(seconds.proposals);
  const auto rois = to_tensor(proposals, features);
  const auto output = detector.classify(features, rois);
  const auto logits = output.logits.to(at::kCPU).contiguous();
  const auto deltas = output.deltas.to(at::kCPU).contiguous();
  std::vector<std::vector<Detection>> found;
  std::int64_t first = 0;
  for (std::int64_t i = 0; i < batch.count; ++i) {
    const auto& of_image = proposals[static_cast<std::size_t>(i)];
    const auto count = std::ssize(of_image);
    found.push_back(postprocess(of_image, train::numbers_of(logits.narrow(0, first, count)),
                                train::numbers_of(deltas.narrow(0, first, count)),
                                scale_of(batch.framings[static_cast<std::size_t>(i)]), options));
    first += count;
  }
  lap.add_to(seconds.head);
  return found;
}

}  // namespace scatlight::detect
