#pragma once

#include <span>

#include "detect/metric_boxes.h"

namespace scatlight::detect {

struct ConfusionOptions {
  double score = 0.25;    ///< Detections below it are left out.
  double overlap = 0.45;  ///< What an object and its detection have in common at least.
};

/// Whether a detection lies on something that does not count: a crowd that holds this share of it, or another
/// object with this overlap.
bool lies_on_ignored(const FoundBox& found, std::span<const TrueBox> objects, double limit);

/// Which classes are taken for which: (classes + 1, classes + 1) counts, rows the objects' classes, columns
/// the detections'. The last row is of detections where nothing is, the last column of objects that are
/// missed.
///
/// In each image objects and detections of any class are paired, the largest overlap first (equal: the better
/// score, then the first object). Objects that do not count, and what finds no other than them, are left out.
std::vector<std::int64_t> confusion(std::vector<TrueBox> objects, std::vector<FoundBox> found, int classes,
                                    const ConfusionOptions& options = {});

}  // namespace scatlight::detect
