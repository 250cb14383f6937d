#include "train/trainer.h"

#include "scatlight/error.h"
#include "train/classifier_task.h"
#include "train/ridge.h"
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

LoopResult solve(RunRecord& record, const TrainOptions& options, ClassifierTask& classifier,
                 const std::function<bool()>& stop, const Team& team) {
  if (team.size() > 1)
    team.lead([] { throw Error("ridge regression is solved by one process: call it without torchrun"); });
  RidgeTask task(classifier, options);
  return run_training(record, steps_of_ridge(options.loop), task, stop, team);
}

}  // namespace

TrainResult train(const TrainOptions& given, const std::function<bool()>& stop, const Team& team) {
  const auto options = resolve(given);
  RunRecord record({options.loop.run}, options.loop.mode, team);
  ClassifierTask task(options, team);
  auto result = options.ridge > 0 ? solve(record, options, task, stop, team)
                                  : run_training(record, options.loop, task, stop, team);
  const bool finished = result.finished;
  return {.loop = std::move(result), .evaluation = finished ? task.evaluation() : std::nullopt};
}

}  // namespace scatlight::train
