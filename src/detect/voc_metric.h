#pragma once

#include "detect/metric_boxes.h"

namespace scatlight::detect {

/// The numbers are -1 where there is no object to find.
struct VocClass {
  std::int64_t objects = 0;  ///< To be found: those that count.
  double ap07 = -1;          ///< By eleven_point_precision().
  double ap10 = -1;          ///< By area_under_envelope().
};

struct VocResult {
  double map07 = -1;  ///< The mean over the classes with objects.
  double map10 = -1;
  std::vector<VocClass> classes = {};
};

/// The rule of PASCAL VOC's development kit (VOCevaldet.m). Detections of a class are judged by falling
/// score, equal ones by image, then as given. The object of the class with the largest overlap (the first of
/// equals) is found if the overlap is at least `limit` and no other detection found it before; one that does
/// not count makes the detection not count.
VocResult voc_metric(std::vector<TrueBox> objects, std::vector<FoundBox> found, int classes,
                     double limit = 0.5);

}  // namespace scatlight::detect
