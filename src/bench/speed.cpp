#include "bench/speed.h"

#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "nets/fold.h"
#include "nets/front_end.h"
#include "scatlight/error.h"

namespace scatlight::bench {
namespace {

bool has_transform(const Subject& subject) { return nets::make_front_end(subject.options)->stride() > 1; }

/// Calls that take turns, and where each one's times go.
class Turns {
 public:
  void add(Times& result, Call call) {
    calls_.push_back(std::move(call));
    results_.push_back(&result);
  }

  void run(const SpeedOptions& options, const std::function<void()>& on_round) const {
    const auto times = time_in_turn(calls_, options.timing, options.placement.device, on_round);
    for (std::size_t i = 0; i < times.size(); ++i) *results_[i] = times[i];
  }

 private:
  std::vector<Call> calls_;
  std::vector<Times*> results_;
};

/// A network ready to classify a batch.
struct Classifier {
  nets::Network network;
  at::Tensor images;
  at::Tensor maps;
};

std::vector<Classifier> make_classifiers(std::span<const Subject> subjects, const SpeedOptions& options,
                                         bool folded) {
  std::vector<Classifier> classifiers;
  for (const auto& subject : subjects) {
    auto network = make_network(subject, options.placement);
    network.train(false);
    if (folded) nets::fold_for_inference(network);
    const auto images = random_images(subject, options.batch, options.placement.device);
    const auto maps = network.maps(images);
    classifiers.push_back({.network = std::move(network), .images = images, .maps = maps});
  }
  return classifiers;
}

/// What is compared stands together.
void add_turns(std::span<const Subject> subjects, std::span<Classifier> classifiers,
               const std::function<InferenceTimes&(std::size_t)>& result, Turns& turns) {
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (!has_transform(subjects[i])) continue;
    auto& one = classifiers[i];
    turns.add(result(i).transform.emplace(), [&one] { one.network.maps(one.images); });
  }
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    auto& one = classifiers[i];
    turns.add(result(i).network.from_maps, [&one] { one.network.classify(one.maps); });
  }
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (!has_transform(subjects[i])) continue;
    auto& one = classifiers[i];
    turns.add(result(i).network.from_images, [&one] { one.network.forward(one.images); });
  }
}

/// A network ready to be trained with a batch.
struct Training {
  TrainingStep step;
  at::Tensor images;
  at::Tensor labels;
  at::Tensor maps;
};

std::unique_ptr<Training> make_training(const Subject& subject, const SpeedOptions& options) {
  auto training = std::make_unique<Training>(
      Training{.step = TrainingStep(subject, options.placement),
               .images = random_images(subject, options.batch, options.placement.device),
               .labels = random_labels(subject, options.batch, options.placement.device),
               .maps = {}});
  training->maps = training->step.network().maps(training->images);
  return training;
}

[[noreturn]] void fail_for_want_of_memory(const SpeedOptions& options) {
  throw Error(fmt::format("batches of {} images do not fit into the GPU's memory: --batch takes fewer",
                          options.batch));
}

std::int64_t transforms_among(std::span<const Subject> subjects) {
  return std::ranges::count_if(subjects, has_transform);
}

std::int64_t rounds_and_warm_up(const SpeedOptions& options) { return options.timing.rounds + 1; }

}  // namespace

std::vector<InferenceSpeed> time_inference(std::span<const Subject> subjects, const SpeedOptions& options,
                                           const std::function<void()>& on_round) try {
  const at::NoGradGuard no_grad;
  std::vector<InferenceSpeed> speeds(subjects.size());
  auto as_trained = make_classifiers(subjects, options, false);
  auto folded = make_classifiers(subjects, options, true);
  Turns turns;
  add_turns(subjects, as_trained, [&](std::size_t i) -> auto& { return speeds[i].as_trained; }, turns);
  add_turns(subjects, folded, [&](std::size_t i) -> auto& { return speeds[i].folded; }, turns);
  turns.run(options, on_round);
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (has_transform(subjects[i])) continue;
    for (auto* const times : {&speeds[i].as_trained, &speeds[i].folded})
      times->network.from_images = times->network.from_maps;
  }
  return speeds;
} catch (const c10::OutOfMemoryError&) {
  fail_for_want_of_memory(options);
}

std::vector<BatchTimes> time_training(std::span<const Subject> subjects, const SpeedOptions& options,
                                      const std::function<void()>& on_round) try {
  std::vector<BatchTimes> speeds(subjects.size());
  std::vector<std::unique_ptr<Training>> trainings;
  Turns turns;
  for (const auto& subject : subjects) trainings.push_back(make_training(subject, options));
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    auto& one = *trainings[i];
    turns.add(speeds[i].from_maps, [&one] { one.step.finish(one.step.loss(one.maps, one.labels)); });
  }
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (!has_transform(subjects[i])) continue;
    auto& one = *trainings[i];
    turns.add(speeds[i].from_images,
              [&one] { one.step.finish(one.step.loss(one.step.network().maps(one.images), one.labels)); });
  }
  turns.run(options, on_round);
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (!has_transform(subjects[i])) speeds[i].from_images = speeds[i].from_maps;
  }
  return speeds;
} catch (const c10::OutOfMemoryError&) {
  fail_for_want_of_memory(options);
}

std::int64_t inference_rounds(std::span<const Subject> subjects, const SpeedOptions& options) {
  constexpr std::int64_t ways = 2;  // as trained, folded
  return ways * rounds_and_warm_up(options) * (std::ssize(subjects) + 2 * transforms_among(subjects));
}

std::int64_t training_rounds(std::span<const Subject> subjects, const SpeedOptions& options) {
  return rounds_and_warm_up(options) * (std::ssize(subjects) + transforms_among(subjects));
}

}  // namespace scatlight::bench
