#include "detect/metric_boxes.h"

#include <utility>

namespace scatlight::detect {

double area(const data::Box& box) { return box.width * box.height; }

double intersection(const data::Box& a, const data::Box& b) {
  const double width = std::min(a.left + a.width, b.left + b.width) - std::max(a.left, b.left);
  const double height = std::min(a.top + a.height, b.top + b.height) - std::max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

double overlap(const data::Box& a, const data::Box& b) {
  const double common = intersection(a, b);
  return common > 0 ? common / (area(a) + area(b) - common) : 0;
}

std::vector<std::vector<Cell>> cells_by_class(std::vector<TrueBox>& objects, std::vector<FoundBox>& found,
                                              int classes) {
  std::vector<std::vector<Cell>> by_class(static_cast<std::size_t>(classes));
  const auto key = [](const auto& box) { return std::pair(box.label, box.image); };
  for (const auto& cell : cells_by(key, objects, found)) {
    const int label = cell.objects.empty() ? cell.found.front().label : cell.objects.front().label;
    by_class.at(static_cast<std::size_t>(label)).push_back(cell);
  }
  return by_class;
}

}  // namespace scatlight::detect
