#include "detect/coco_metric.h"

#include <numeric>
#include <utility>

namespace scatlight::detect {
namespace {

constexpr std::size_t limits = 10;
constexpr std::size_t most_found = 100;  // in an image

/// Bounds of an object's area; both belong to it.
struct AreaRange {
  double least;
  double most;
  bool contains(double area) const { return least <= area && area <= most; }
};
constexpr std::array<AreaRange, 4> areas = {{{0, 1e10}, {0, 32 * 32}, {32 * 32, 96 * 96}, {96 * 96, 1e10}}};

/// numpy's linspace(0.5, 0.95, 10).
double limit_of(std::size_t i) {
  return i == limits - 1 ? 0.95 : static_cast<double>(i) * ((0.95 - 0.5) / (limits - 1)) + 0.5;
}

enum class Verdict : std::uint8_t { False, True, Ignored };

/// One image and class: the detections that are looked at, and their overlaps.
class Matcher {
 public:
  explicit Matcher(const Cell& cell)
      : objects_(cell.objects), found_(cell.found.first(std::min(cell.found.size(), most_found))) {
    for (const auto& found : found_) {
      for (const auto& object : objects_) {
        overlaps_.push_back(object.crowd ? share_inside(found.box, object.box)
                                         : overlap(found.box, object.box));
      }
    }
  }

  std::span<const FoundBox> found() const { return found_; }

  /// Chooses the objects that count, and brings them to the front.
  std::int64_t choose(const AreaRange& range) {
    range_ = range;
    ignored_.clear();
    for (const auto& object : objects_) ignored_.push_back(!object.counts() || !range.contains(object.area));
    order_.clear();
    for (const bool ignored : {false, true}) {
      for (std::size_t i = 0; i < objects_.size(); ++i) {
        if (ignored_[i] == ignored) order_.push_back(i);
      }
    }
    return std::ranges::count(ignored_, false);
  }

  /// A verdict for each detection at a limit of the overlap.
  void judge(double limit, std::span<Verdict> verdicts) {
    taken_.assign(objects_.size(), false);
    for (std::size_t d = 0; d < found_.size(); ++d) {
      const auto match = find(d, limit);
      if (match == none) {
        verdicts[d] = range_.contains(area(found_[d].box)) ? Verdict::False : Verdict::Ignored;
      } else {
        taken_[match] = true;
        verdicts[d] = ignored_[match] ? Verdict::Ignored : Verdict::True;
      }
    }
  }

 private:
  static constexpr std::size_t none = ~std::size_t{0};

  static double share_inside(const data::Box& box, const data::Box& crowd) {
    const double common = intersection(box, crowd);
    return common > 0 ? common / area(box) : 0;
  }

  /// The object that a detection finds: of equal overlaps the last, and an object that is ignored only if
  /// there is none that counts.
  std::size_t find(std::size_t d, double limit) const {
    double best = std::min(limit, 1 - 1e-10);
    std::size_t match = none;
    for (const auto g : order_) {
      if (taken_[g] && !objects_[g].crowd) continue;
      if (match != none && !ignored_[match] && ignored_[g]) break;
      const double common = overlaps_[d * objects_.size() + g];
      if (common < best) continue;
      best = common;
      match = g;
    }
    return match;
  }

  std::span<const TrueBox> objects_;
  std::span<const FoundBox> found_;
  std::vector<double> overlaps_;  // (found, objects)
  AreaRange range_ = areas[0];
  std::vector<bool> ignored_;       // of each object
  std::vector<std::size_t> order_;  // of the objects
  std::vector<bool> taken_;
};

/// The detections of one class in all images.
class ClassEvaluation {
 public:
  explicit ClassEvaluation(std::span<const Cell> cells) : matchers_(cells.begin(), cells.end()) {
    for (const auto& matcher : matchers_) {
      const auto found = matcher.found();
      for (std::size_t rank = 0; rank < found.size(); ++rank) {
        scores_.push_back(found[rank].score);
        ranks_.push_back(rank);
      }
    }
    by_score_.resize(scores_.size());
    std::iota(by_score_.begin(), by_score_.end(), std::size_t{0});
    std::ranges::sort(by_score_, {}, [&](std::size_t i) { return std::pair(-scores_[i], i); });
    verdicts_.resize(scores_.size());
  }

  CocoClass evaluate() {
    CocoClass result;
    result.numbers.fill(-1);
    for (std::size_t a = 0; a < areas.size(); ++a) {
      std::int64_t objects = 0;
      std::int64_t images = 0;
      for (auto& matcher : matchers_) {
        const auto chosen = matcher.choose(areas[a]);
        objects += chosen;
        if (chosen > 0) ++images;
      }
      if (a == 0) {
        result.objects = objects;
        result.images = images;
      }
      if (objects > 0) evaluate_area(a, objects, result);
    }
    return result;
  }

 private:
  void evaluate_area(std::size_t a, std::int64_t objects, CocoClass& result) {
    double precisions = 0;
    std::array<double, 3> recalls = {};  // with at most 1, 10, 100 detections
    for (std::size_t i = 0; i < limits; ++i) {
      judge(limit_of(i));
      const auto curve = coco_curve(precision_recall(counted(), objects));
      const double precision = coco_precision(curve);
      precisions += precision;
      if (a == 0 && i == 0) result.numbers[1] = precision;
      if (a == 0 && i == 5) result.numbers[2] = precision;
      if (a == 0 && i == 0) result.curve = curve;
      recalls[0] += recall(1, objects);
      recalls[1] += recall(10, objects);
      recalls[2] += recall(most_found, objects);
    }
    if (a == 0) {
      result.numbers[0] = precisions / limits;
      for (std::size_t k = 0; k < recalls.size(); ++k) result.numbers[6 + k] = recalls[k] / limits;
    } else {
      result.numbers[2 + a] = precisions / limits;
      result.numbers[8 + a] = recalls[2] / limits;
    }
  }

  void judge(double limit) {
    std::span<Verdict> left = verdicts_;
    for (auto& matcher : matchers_) {
      matcher.judge(limit, left);
      left = left.subspan(matcher.found().size());
    }
  }

  std::vector<Judged> counted() const {
    std::vector<Judged> judged;
    for (const auto i : by_score_) {
      if (verdicts_[i] != Verdict::Ignored) {
        judged.push_back({.score = scores_[i], .found = verdicts_[i] == Verdict::True});
      }
    }
    return judged;
  }

  double recall(std::size_t most, std::int64_t objects) const {
    std::int64_t found = 0;
    for (std::size_t i = 0; i < verdicts_.size(); ++i) {
      if (ranks_[i] < most && verdicts_[i] == Verdict::True) ++found;
    }
    return static_cast<double>(found) / static_cast<double>(objects);
  }

  std::vector<Matcher> matchers_;
  std::vector<double> scores_;         // of the detections, image after image
  std::vector<std::size_t> ranks_;     // in their images
  std::vector<std::size_t> by_score_;  // of equal scores the first image's first
  std::vector<Verdict> verdicts_;
};

}  // namespace

CocoResult coco_metric(std::vector<TrueBox> objects, std::vector<FoundBox> found, int classes) {
  CocoResult result;
  for (const auto& cells : cells_by_class(objects, found, classes)) {
    result.classes.push_back(ClassEvaluation(cells).evaluate());
  }
  for (std::size_t k = 0; k < result.numbers.size(); ++k) {
    double sum = 0;
    std::int64_t count = 0;
    for (const auto& of_class : result.classes) {
      if (of_class.numbers[k] < 0) continue;
      sum += of_class.numbers[k];
      ++count;
    }
    result.numbers[k] = count > 0 ? sum / static_cast<double>(count) : -1;
  }
  return result;
}

}  // namespace scatlight::detect
