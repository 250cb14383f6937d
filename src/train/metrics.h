#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "train/team.h"

namespace scatlight::train {

/// What a classifier got right, gathered batch by batch.
class Metrics {
 public:
  explicit Metrics(std::int64_t classes);

  /// Adds images: logits (count, classes), labels (count) of known classes. Throws Error when a logit is not
  /// finite.
  void add(std::span<const float> logits, std::span<const std::int64_t> labels);

  /// Makes every member's counts those of the whole team. Collective.
  void add_up(const Team& team);

  std::int64_t classes() const { return classes_; }
  std::int64_t images() const { return images_; }

  // Without images, these are 0.
  double loss() const;  ///< Mean cross entropy in nats, without label smoothing.
  double top1()
      const;  ///< Percent of images whose class has the highest score; see top_k() for equal scores.
  double top5() const;  ///< Percent of images whose class is among the 5 highest scores.

  /// (classes, classes) image counts: rows are true classes, columns are predicted ones.
  const std::vector<std::int64_t>& confusion() const { return confusion_; }

  std::int64_t class_images(std::int64_t label) const;   ///< Images of a class.
  std::int64_t class_correct(std::int64_t label) const;  ///< Those of them that are predicted right.
  double class_top1(std::int64_t label) const;           ///< In percent; 0 for a class without images.

 private:
  std::int64_t classes_;
  std::int64_t images_ = 0;
  double loss_sum_ = 0;
  std::int64_t in_top5_ = 0;
  std::vector<std::int64_t> confusion_;
};

}  // namespace scatlight::train
