#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/box_loader.h"
#include "detect/coco_metric.h"
#include "detect/infer.h"
#include "detect/model.h"
#include "detect/voc_metric.h"
#include "train/on_images.h"
#include "train/team.h"

namespace scatlight::detect {

struct EvaluateOptions {
  std::int64_t batch = 1;  ///< Images at a time, of each member of a team.
  int threads = 0;         ///< That decode; 0 means one per core.
  bool skip_bad = false;
  std::int64_t max_pixels = data::default_max_pixels;  ///< Of an image; see LoaderOptions.
};

/// What was found in one image of the data set.
struct ImageDetections {
  std::int64_t sample = 0;  ///< Index into the data set's samples.
  std::vector<Detection> found = {};
};

struct Evaluation {
  std::vector<ImageDetections> images = {};
  CocoResult coco = {};
  VocResult voc = {};
  std::vector<std::int64_t> confusion = {};  ///< See confusion().
  StageSeconds stages = {};                  ///< Of all members together.
  double seconds = 0;                        ///< Of detection, the metrics left out.
  std::vector<data::SkippedFile> skipped = {};
};

/// Finds the objects in all images of a data set and compares them with the annotations. The detector is left
/// in evaluation mode. The members of a team share the images, and each has the whole evaluation. Throws
/// Error for a bad file, unless they are skipped, and when no image is left. Collective.
Evaluation evaluate(Detector& detector, const DetectorFacts& facts, const data::BoxFolder& folder,
                    const EvaluateOptions& options, const train::OnImages& on_images,
                    const train::Team& team = {});

/// The detections in one image as files say them: coordinates of the picture with 2 digits, scores with 6. So
/// whoever reads the files computes the same numbers.
std::vector<FoundBox> found_boxes(const ImageDetections& image, std::int64_t id);

/// What is annotated, as the metrics read it.
std::vector<TrueBox> true_boxes(const data::BoxSample& sample);
data::Box to_box(const Rect& rect);

}  // namespace scatlight::detect
