#include "detect/pass.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "detect/infer.h"
#include "detect/losses.h"
#include "detect/regions.h"
#include "io/display.h"
#include "train/diverged.h"
#include "train/team_batch.h"

namespace scatlight::detect {

DetectorPass::DetectorPass(Detector& detector, const DetectorOptions& detector_options,
                           const data::BoxFolder& folder, const data::BoxRecipe& recipe,
                           const data::LoaderOptions& loader_options, const PassOptions& options,
                           const train::Team& team, train::GradientAverage& average)
    : detector_(detector),
      detector_options_(detector_options),
      folder_(folder),
      epoch_(static_cast<std::uint64_t>(loader_options.epoch)),
      options_(options),
      team_(team),
      average_(average),
      skip_bad_(loader_options.skip_bad),
      loader_(folder, recipe, loader_options) {
  detector_.train(true);
  stream_.emplace([this] { return loader_.next(); },
                  [this](data::BoxBatch& batch) { return detector_.maps(images_of(batch)); },
                  detector_.device());
}

std::vector<data::SkippedFile> DetectorPass::finish() {
  stream_.reset();
  return loader_.skipped();
}

std::optional<train::StepLoss> DetectorPass::backward() {
  const auto found = train::next_batch(*stream_, team_, skip_bad_);
  if (!found) return std::nullopt;
  const auto& mapped = found->own;
  means_ = {};
  average_.add(mapped.batch.count, options_.micro_batch, [&](const data::Part& part) {
    backward(mapped, part.first, part.count, 1.0 / static_cast<double>(found->images));
  });
  return train::StepLoss{.batch = mapped.batch.number,
                         .images = found->images,
                         .loss = means_.objectness + means_.rpn_box + means_.label + means_.box,
                         .means = {{"objectness", means_.objectness},
                                   {"rpn_box", means_.rpn_box},
                                   {"class", means_.label},
                                   {"box", means_.box},
                                   {"positive_anchors", means_.positive_anchors},
                                   {"positive_rois", means_.positive_rois}},
                         .waited = found->waited};
}

void DetectorPass::fail_diverged(const data::BoxBatch& batch, std::int64_t first, std::int64_t count) const {
  std::vector<std::string> files;
  for (std::int64_t i = first; i < first + count; ++i) {
    const auto sample = static_cast<std::size_t>(batch.indices[static_cast<std::size_t>(i)]);
    files.push_back(io::display_path(folder_.samples[sample].file));
  }
  throw train::Diverged(fmt::format(
      "training diverged: the loss of {} is no longer finite; try a lower --lr, a --warmup or --clip",
      fmt::join(files, ", ")));
}

void DetectorPass::backward(const Stream::Mapped& mapped, std::int64_t first, std::int64_t count,
                            double share) {
  const auto features = detector_.features(mapped.maps.narrow(0, first, count));
  const RegionsOfBatch regions(detector_, detector_options_, features);
  if (!regions.are_finite()) fail_diverged(mapped.batch, first, count);
  std::vector<RoiTargets> targets;
  std::vector<std::vector<Rect>> rois;
  auto loss = at::zeros({}, features.options());
  const auto add = [&](const at::Tensor& part, double& mean) {
    loss = loss + part;
    mean += share * part.item<double>();
  };
  for (std::int64_t i = 0; i < count; ++i) {
    const auto place = static_cast<std::size_t>(first + i);
    const auto& objects = mapped.batch.objects[place];
    const auto picture = scale_of(mapped.batch.framings[place]);
    auto random =
        sampling_random(options_.seed, epoch_, static_cast<std::uint64_t>(mapped.batch.indices[place]));
    const auto of_anchors =
        rpn_targets(regions.anchors(), objects, picture.width, picture.height, detector_options_, random);
    const auto [objectness, box] = rpn_losses(regions.output().objectness[i], regions.output().deltas[i],
                                              of_anchors, detector_options_.rpn_beta);
    add(objectness, means_.objectness);
    add(box, means_.rpn_box);
    means_.positive_anchors += share * static_cast<double>(of_anchors.positive.size());
    targets.push_back(roi_targets(regions.propose(i, picture, proposals_in_training(detector_options_)),
                                  objects, detector_options_, random));
    rois.push_back(targets.back().rois);
  }
  const auto output = detector_.classify(features, to_tensor(rois, features));
  std::int64_t row = 0;
  for (const auto& of_image : targets) {
    const auto size = std::ssize(of_image.rois);
    const auto [label, box] =
        roi_losses(output.logits.narrow(0, row, size), output.deltas.narrow(0, row, size), of_image,
                   detector_options_.box_beta);
    add(label, means_.label);
    add(box, means_.box);
    means_.positive_rois += share * static_cast<double>(std::ranges::count_if(
                                        of_image.labels, [](std::int64_t one) { return one > 0; }));
    row += size;
  }
  if (!std::isfinite(loss.item<double>())) fail_diverged(mapped.batch, first, count);
  loss.mul(share * team_.size()).backward();
}

}  // namespace scatlight::detect
