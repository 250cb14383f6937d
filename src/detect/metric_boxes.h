#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "data/resize.h"
#include "detect/stable_sort.h"

// What the metrics read. Boxes are float64 and have a width and a height, as in COCO's files: from the same
// numbers the overlaps are then bit for bit those of pycocotools, also where one falls on a limit.

namespace scatlight::detect {

/// An object of the data set.
struct TrueBox {
  std::int64_t image = 0;  ///< Any number that identifies the image; images are ordered by it.
  int label = 0;           ///< 0 ... classes - 1.
  data::Box box = {};
  double area = 0;         ///< As annotated; see data::Object.
  bool difficult = false;  ///< Not counted, whether it is found or not.
  bool crowd = false;      ///< Not counted either.

  bool counts() const { return !difficult && !crowd; }
};

/// What a detector says. No number is NaN.
struct FoundBox {
  std::int64_t image = 0;
  int label = 0;
  data::Box box = {};
  double score = 0;
};

double area(const data::Box& box);

/// In pixels; 0 for boxes that only touch.
double intersection(const data::Box& a, const data::Box& b);

/// Intersection over union.
double overlap(const data::Box& a, const data::Box& b);

/// Objects and detections that belong together. The detections come by falling score; else the order is the
/// given one.
struct Cell {
  std::span<const TrueBox> objects;
  std::span<const FoundBox> found;
};

/// Sorts both lists by the key, which takes either kind, and returns a cell for each value that occurs,
/// ascending. The cells look into the lists.
template <class Key>
std::vector<Cell> cells_by(Key key, std::vector<TrueBox>& objects, std::vector<FoundBox>& found) {
  stable_sort(objects, [&](const TrueBox& a, const TrueBox& b) { return key(a) < key(b); });
  stable_sort(found, [&](const FoundBox& a, const FoundBox& b) {
    const auto key_a = key(a);
    const auto key_b = key(b);
    return key_a != key_b ? key_a < key_b : a.score > b.score;
  });
  std::vector<Cell> cells;
  std::span<const TrueBox> objects_left = objects;
  std::span<const FoundBox> found_left = found;
  const auto take = [&](auto& left, const auto& value) {
    std::size_t count = 0;
    while (count < left.size() && key(left[count]) == value) ++count;
    const auto taken = left.first(count);
    left = left.subspan(count);
    return taken;
  };
  while (!objects_left.empty() || !found_left.empty()) {
    const auto value = found_left.empty()     ? key(objects_left.front())
                       : objects_left.empty() ? key(found_left.front())
                                              : std::min(key(objects_left.front()), key(found_left.front()));
    const auto of_objects = take(objects_left, value);
    cells.push_back({of_objects, take(found_left, value)});
  }
  return cells;
}

/// For each class the cells of its images, by the images' numbers. The cells look into the lists, which are
/// sorted.
std::vector<std::vector<Cell>> cells_by_class(std::vector<TrueBox>& objects, std::vector<FoundBox>& found,
                                              int classes);

}  // namespace scatlight::detect
