#include "detect/voc_metric.h"

#include "detect/average_precision.h"

namespace scatlight::detect {
namespace {

/// A detection and where it looks for objects.
struct Candidate {
  const FoundBox* found;
  std::size_t cell;
};

std::vector<Judged> judge(std::span<const Cell> cells, double limit) {
  std::vector<Candidate> candidates;
  std::vector<std::vector<bool>> taken;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    taken.emplace_back(cells[i].objects.size());
    for (const auto& found : cells[i].found) candidates.push_back({&found, i});
  }
  stable_sort(candidates,
              [](const Candidate& a, const Candidate& b) { return a.found->score > b.found->score; });

  std::vector<Judged> judged;
  for (const auto& [found, cell] : candidates) {
    const auto objects = cells[cell].objects;
    double largest = 0;
    std::size_t best = 0;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      const double common = overlap(found->box, objects[i].box);
      if (common > largest) {
        largest = common;
        best = i;
      }
    }
    const bool meets = largest > 0 && largest >= limit;
    if (meets && !objects[best].counts()) continue;
    judged.push_back({.score = found->score, .found = meets && !taken[cell][best]});
    if (meets) taken[cell][best] = true;
  }
  return judged;
}

VocClass evaluate_class(std::span<const Cell> cells, double limit) {
  VocClass result;
  for (const auto& cell : cells) result.objects += std::ranges::count_if(cell.objects, &TrueBox::counts);
  if (result.objects == 0) return result;
  const auto curve = precision_recall(judge(cells, limit), result.objects);
  result.ap07 = eleven_point_precision(curve);
  result.ap10 = area_under_envelope(curve);
  return result;
}

}  // namespace

VocResult voc_metric(std::vector<TrueBox> objects, std::vector<FoundBox> found, int classes, double limit) {
  VocResult result;
  double sum07 = 0;
  double sum10 = 0;
  std::int64_t with_objects = 0;
  for (const auto& cells : cells_by_class(objects, found, classes)) {
    const auto& of_class = result.classes.emplace_back(evaluate_class(cells, limit));
    if (of_class.objects == 0) continue;
    ++with_objects;
    sum07 += of_class.ap07;
    sum10 += of_class.ap10;
  }
  if (with_objects > 0) {
    result.map07 = sum07 / static_cast<double>(with_objects);
    result.map10 = sum10 / static_cast<double>(with_objects);
  }
  return result;
}

}  // namespace scatlight::detect
