#include "detect/confusion.h"

namespace scatlight::detect {
namespace {

struct Pair {
  std::size_t object;
  std::size_t found;
  double overlap;
};

std::vector<Pair> pair_up(const Cell& cell, double limit) {
  std::vector<Pair> pairs;
  for (std::size_t f = 0; f < cell.found.size(); ++f) {
    for (std::size_t o = 0; o < cell.objects.size(); ++o) {
      const double common = overlap(cell.objects[o].box, cell.found[f].box);
      if (cell.objects[o].counts() && common > 0 && common >= limit) pairs.push_back({o, f, common});
    }
  }
  stable_sort(pairs, [](const Pair& a, const Pair& b) { return a.overlap > b.overlap; });
  std::vector<Pair> chosen;
  for (const auto& pair : pairs) {
    const bool taken = std::ranges::any_of(chosen, [&](const Pair& earlier) {
      return earlier.object == pair.object || earlier.found == pair.found;
    });
    if (!taken) chosen.push_back(pair);
  }
  return chosen;
}

}  // namespace

bool lies_on_ignored(const FoundBox& found, std::span<const TrueBox> objects, double limit) {
  return std::ranges::any_of(objects, [&](const TrueBox& object) {
    if (object.counts()) return false;
    const double common = intersection(found.box, object.box);
    const double whole = object.crowd ? area(found.box) : area(found.box) + area(object.box) - common;
    return common > 0 && common >= limit * whole;
  });
}

std::vector<std::int64_t> confusion(std::vector<TrueBox> objects, std::vector<FoundBox> found, int classes,
                                    const ConfusionOptions& options) {
  std::erase_if(found, [&](const FoundBox& box) { return box.score < options.score; });
  const auto side = static_cast<std::size_t>(classes) + 1;
  const auto background = side - 1;
  std::vector<std::int64_t> counts(side * side);
  for (const auto& cell : cells_by([](const auto& box) { return box.image; }, objects, found)) {
    const auto pairs = pair_up(cell, options.overlap);
    for (std::size_t o = 0; o < cell.objects.size(); ++o) {
      if (!cell.objects[o].counts()) continue;
      const auto pair = std::ranges::find(pairs, o, &Pair::object);
      const auto column =
          pair == pairs.end() ? background : static_cast<std::size_t>(cell.found[pair->found].label);
      ++counts[static_cast<std::size_t>(cell.objects[o].label) * side + column];
    }
    for (std::size_t f = 0; f < cell.found.size(); ++f) {
      if (std::ranges::find(pairs, f, &Pair::found) != pairs.end()) continue;
      if (lies_on_ignored(cell.found[f], cell.objects, options.overlap)) continue;
      ++counts[background * side + static_cast<std::size_t>(cell.found[f].label)];
    }
  }
  return counts;
}

}  // namespace scatlight::detect
