#pragma once

#include <optional>
#include <string>

#include "detect/evaluate.h"

namespace scatlight::detect {

/// What eval.json says beside the numbers.
struct EvaluationFacts {
  std::string weights;
  std::string network;
};

/// The content of eval.json.
std::string evaluation_json(const Evaluation& evaluation, const data::BoxFolder& folder,
                            const EvaluationFacts& facts);

/// The content of detections.json: COCO's list of results, which pycocotools reads, with names of files.
std::string detections_json(const Evaluation& evaluation, const data::BoxFolder& folder);

/// Where recall and precision of a class are best together (by F1), of the curve at the limit 0.5; nothing
/// for a class without objects or detections.
std::optional<CurvePoint> best_point(const CocoClass& of_class);

}  // namespace scatlight::detect
