#include "train/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "train/scores.h"

namespace scatlight::train {
namespace {

double percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

double cross_entropy(std::span<const float> logits, std::size_t label) {
  const double largest = *std::ranges::max_element(logits);
  const auto exponentials = scaled_exponentials(logits);
  const double sum = std::accumulate(exponentials.begin(), exponentials.end(), 0.0);
  return std::log(sum) + largest - static_cast<double>(logits[label]);
}

}  // namespace

Metrics::Metrics(std::int64_t classes)
    : classes_(classes), confusion_(static_cast<std::size_t>(classes * classes)) {}

void Metrics::add(std::span<const float> logits, std::span<const std::int64_t> labels) {
  const auto classes = static_cast<std::size_t>(classes_);
  check_finite(logits);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto scores = logits.subspan(i * classes, classes);
    const auto label = static_cast<std::size_t>(labels[i]);
    const auto best = top_k(scores, 5);
    loss_sum_ += cross_entropy(scores, label);
    if (std::ranges::find(best, labels[i]) != best.end()) ++in_top5_;
    ++confusion_[label * classes + static_cast<std::size_t>(best.front())];
    ++images_;
  }
}

void Metrics::add_up(const Team& team) {
  team.sum(std::span(&images_, 1));
  team.sum(std::span(&in_top5_, 1));
  team.sum(std::span(&loss_sum_, 1));
  team.sum(confusion_);
}

double Metrics::loss() const { return images_ == 0 ? 0 : loss_sum_ / static_cast<double>(images_); }

double Metrics::top1() const {
  std::int64_t correct = 0;
  for (std::int64_t label = 0; label < classes_; ++label) correct += class_correct(label);
  return percent(correct, images_);
}

double Metrics::top5() const { return percent(in_top5_, images_); }

std::int64_t Metrics::class_images(std::int64_t label) const {
  const auto row = confusion_.begin() + label * classes_;
  return std::accumulate(row, row + classes_, std::int64_t{0});
}

std::int64_t Metrics::class_correct(std::int64_t label) const {
  return confusion_[static_cast<std::size_t>(label * classes_ + label)];
}

double Metrics::class_top1(std::int64_t label) const {
  return percent(class_correct(label), class_images(label));
}

}  // namespace scatlight::train
