#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace scatlight::detect {

/// A detection that counts: true where it found an object.
struct Judged {
  double score = 0;
  bool found = false;
};

/// What a detector reaches with the detections from `score` on.
struct CurvePoint {
  double recall = 0;     ///< Share of the objects that are found.
  double precision = 0;  ///< Share of the detections that found one.
  double score = 0;
};

/// One point for each detection of one class, given by falling score. There is at least one object.
std::vector<CurvePoint> precision_recall(std::span<const Judged> judged, std::int64_t objects);

/// VOC until 2009: the mean, over the recalls 0, 0.1 ... 1, of the largest precision with at least that
/// recall.
double eleven_point_precision(std::span<const CurvePoint> curve);

/// VOC from 2010 on: the area under the curve, where the precision at a recall is the largest with at least
/// that recall.
double area_under_envelope(std::span<const CurvePoint> curve);

/// The recalls at which COCO reads the precision.
inline constexpr int coco_recalls = 101;

/// COCO's curve: at the recalls 0, 0.01 ... 1, as far as they are reached, the largest precision with at
/// least that recall.
std::vector<CurvePoint> coco_curve(std::span<const CurvePoint> curve);

/// COCO: the mean of coco_curve()'s precisions, 0 at recalls that are not reached.
double coco_precision(std::span<const CurvePoint> coco_curve);

}  // namespace scatlight::detect
