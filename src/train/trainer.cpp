#include "train/trainer.h"

#include "train/classifier_task.h"
#include "train/threads.h"

namespace scatlight::train {
namespace {

/// With the defaults resolved that depend on others or on the machine.
TrainOptions resolve(TrainOptions options) {
  check(options);
  if (options.micro_batch == 0) options.micro_batch = options.batch;
  options.threads = use_threads(options.threads);
  return options;
}

}  // namespace

TrainResult train(const TrainOptions& given, const std::function<bool()>& stop) {
  const auto options = resolve(given);
  HeldRunFolder folder({options.loop.run}, options.loop.mode);
  ClassifierTask task(options);
  auto result = run_training(folder, options.loop, task, stop);
  const bool finished = result.finished;
  return {.loop = std::move(result), .evaluation = finished ? task.evaluation() : std::nullopt};
}

}  // namespace scatlight::train
