#pragma once

#include <array>
#include <string_view>

#include "detect/average_precision.h"
#include "detect/metric_boxes.h"

namespace scatlight::detect {

/// COCO's numbers in its order. AP is the mean over the limits 0.50, 0.55 ... 0.95 of the overlap; AR is the
/// recall with at most 1, 10 or 100 detections of a class in an image.
inline constexpr std::array<std::string_view, 12> coco_names = {
    "ap",  "ap50", "ap75",  "ap_small", "ap_medium", "ap_large",
    "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large"};

/// By coco_names; -1 where no object counts.
using CocoNumbers = std::array<double, coco_names.size()>;

struct CocoClass {
  std::int64_t images = 0;   ///< With an object of the class that counts.
  std::int64_t objects = 0;  ///< That count.
  CocoNumbers numbers = {};
  std::vector<CurvePoint> curve = {};  ///< coco_curve() at the limit 0.5.
};

struct CocoResult {
  CocoNumbers numbers = {};  ///< Each the mean over the classes that have it.
  std::vector<CocoClass> classes = {};
};

/// The rule of COCO, equal to pycocotools 2.0.11 on the same numbers. Small objects have an area up to 32^2,
/// medium ones up to 96^2. Difficult objects, which COCO does not know, are treated as those of another size:
/// neither they nor what finds them counts.
CocoResult coco_metric(std::vector<TrueBox> objects, std::vector<FoundBox> found, int classes);

}  // namespace scatlight::detect
