#include "detect/average_precision.h"

#include <algorithm>

namespace scatlight::detect {
namespace {

/// Each precision becomes the largest from there on.
std::vector<CurvePoint> envelope(std::span<const CurvePoint> curve) {
  std::vector<CurvePoint> points(curve.begin(), curve.end());
  for (std::size_t i = points.size(); i-- > 1;) {
    points[i - 1].precision = std::max(points[i - 1].precision, points[i].precision);
  }
  return points;
}

/// The first point with at least this recall.
std::span<const CurvePoint> from_recall(std::span<const CurvePoint> curve, double recall) {
  const auto first = std::ranges::lower_bound(curve, recall, {}, &CurvePoint::recall);
  return curve.subspan(static_cast<std::size_t>(first - curve.begin()));
}

}  // namespace

std::vector<CurvePoint> precision_recall(std::span<const Judged> judged, std::int64_t objects) {
  std::vector<CurvePoint> curve;
  curve.reserve(judged.size());
  double found = 0;
  for (const auto& detection : judged) {
    if (detection.found) ++found;
    curve.push_back({.recall = found / static_cast<double>(objects),
                     .precision = found / static_cast<double>(curve.size() + 1),
                     .score = detection.score});
  }
  return curve;
}

double eleven_point_precision(std::span<const CurvePoint> curve) {
  const auto points = envelope(curve);
  double sum = 0;
  for (int k = 0; k <= 10; ++k) {
    // k / 10.0 is another number for k = 3, 6 and 7; published results depend on it.
    const auto rest = from_recall(points, k * 0.1);
    if (!rest.empty()) sum += rest.front().precision;
  }
  return sum / 11;
}

double area_under_envelope(std::span<const CurvePoint> curve) {
  double area = 0;
  double recall = 0;
  for (const auto& point : envelope(curve)) {
    area += (point.recall - recall) * point.precision;
    recall = point.recall;
  }
  return area;
}

std::vector<CurvePoint> coco_curve(std::span<const CurvePoint> curve) {
  const auto points = envelope(curve);
  std::vector<CurvePoint> read;
  for (int k = 0; k < coco_recalls; ++k) {
    const double recall = k == coco_recalls - 1 ? 1 : k * 0.01;  // numpy's linspace
    const auto rest = from_recall(points, recall);
    if (rest.empty()) break;
    read.push_back({.recall = recall, .precision = rest.front().precision, .score = rest.front().score});
  }
  return read;
}

double coco_precision(std::span<const CurvePoint> coco_curve) {
  double sum = 0;
  for (const auto& point : coco_curve) sum += point.precision;
  return sum / coco_recalls;
}

}  // namespace scatlight::detect
