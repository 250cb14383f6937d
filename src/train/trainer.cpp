#include "train/trainer.h"

#include "train/classifier_task.h"
#include "train/run_record.h"
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

TrainResult train(const TrainOptions& given, const std::function<bool()>& stop, const Team& team) {
  const auto options = resolve(given);
  RunRecord record({options.loop.run}, options.loop.mode, team);
  ClassifierTask task(options, team);
  auto result = run_training(record, options.loop, task, stop, team);
  const bool finished = result.finished;
  return {.loop = std::move(result), .evaluation = finished ? task.evaluation() : std::nullopt};
}

}  // namespace scatlight::train
