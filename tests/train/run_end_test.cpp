// How trainings end: the best model, an end when nothing gets better, runs that are trained on.

#include <algorithm>

#include "support/expect_error.h"
#include "train/checkpoint.h"
#include "train/model.h"
#include "training.h"

namespace scatlight::train {
namespace {

class RunEnd : public Training {
 protected:
  std::vector<int> evaluated_epochs(const std::string& run) const {
    std::vector<int> epochs;
    for (const auto& line : log_of(run)) {
      if (line["kind"] == "eval") epochs.push_back(line["epoch"].get<int>());
    }
    return epochs;
  }

  /// Half of the images are of each class, and nobody can tell which: each evaluation finds 50 %. The rate is
  /// constant, so that a longer training begins as a shorter one.
  TrainOptions hopeless(const std::string& run) const {
    auto training = options_of_one_picture(run, 16, 2);
    training.val_data = training.train_data;
    training.loop.epochs = 10;
    training.loop.schedule.kind = ScheduleKind::Step;
    training.loop.schedule.drops = {};
    return training;
  }
};

TEST_F(RunEnd, TheBestModelIsThatOfTheFirstBestEvaluation) {
  auto longer = options("longer");
  longer.loop.epochs = 5;
  longer.loop.schedule = {.learning_rate = 0.05, .drops = {}};
  const auto result = train_all(longer);
  const auto log = log_of("longer");
  double score = -1;
  int epoch = 0;
  for (const auto& line : log) {
    if (line["kind"] != "eval") continue;
    if (line["top1"] > score) {
      score = line["top1"].get<double>();
      epoch = line["epoch"].get<int>();
    }
    EXPECT_EQ(line["best_epoch"], epoch);
  }
  EXPECT_EQ(result.loop.best, (BestEvaluation{.score = score, .epoch = epoch}));

  auto shorter = longer;
  shorter.loop.run = runs_ / "shorter";
  shorter.loop.epochs = epoch;
  train_all(shorter);
  EXPECT_EQ(bytes_of("longer/best.safetensors"), bytes_of("shorter/model.safetensors"));
  auto model = load_model(find_model(runs_ / "longer/best.safetensors"));
  const data::Recipe recipe(model.recipe);
  const auto evaluation =
      Evaluator(*longer.val_data, recipe, {}).evaluate(model.network, [](std::int64_t) {});
  EXPECT_NEAR(evaluation.metrics.top1(), score, 2) << "one image of 60 may fall on the other side";
}

TEST_F(RunEnd, ItComesWhenEvaluationsGetNoBetter) {
  auto patient = hopeless("run");
  patient.loop.patience = 2;
  const auto result = train_all(patient);
  EXPECT_TRUE(result.loop.finished);
  EXPECT_EQ(result.loop.epochs, 3);
  EXPECT_EQ(result.loop.best, (BestEvaluation{.score = 50, .epoch = 1}));
  ASSERT_TRUE(result.evaluation);
  EXPECT_EQ(evaluated_epochs("run"), (std::vector<int>{1, 2, 3})) << "none twice";
  EXPECT_EQ(log_of("run").back()["kind"], "end");
  EXPECT_TRUE(std::filesystem::exists(runs_ / "run/eval.json"));

  auto one = hopeless("one");
  one.loop.epochs = 1;
  train_all(one);
  EXPECT_EQ(bytes_of("run/best.safetensors"), bytes_of("one/model.safetensors"));

  auto seldom = hopeless("seldom");
  seldom.loop.patience = 1;
  seldom.loop.eval_every = 2;
  EXPECT_EQ(train_all(seldom).loop.epochs, 4);
  EXPECT_EQ(evaluated_epochs("seldom"), (std::vector<int>{2, 4}));
}

TEST_F(RunEnd, ResumeEndsAtTheSamePlaceWhereverItWasStopped) {
  auto patient = hopeless("whole");
  patient.loop.patience = 2;
  train_all(patient);
  // Before, in and behind the steps and the evaluations of three epochs.
  for (int questions = 0; questions < 12; ++questions) {
    const auto name = "stopped" + std::to_string(questions);
    patient.loop.run = runs_ / name;
    patient.loop.mode = RunMode::New;
    ASSERT_FALSE(train_until(patient, questions).loop.finished) << questions;
    patient.loop.mode = RunMode::Resume;
    const auto result = train_all(patient);
    ASSERT_TRUE(result.loop.finished) << questions;
    EXPECT_EQ(result.loop.best, (BestEvaluation{.score = 50, .epoch = 1})) << questions;
    for (const auto* file : {"/model.safetensors", "/best.safetensors"})
      EXPECT_EQ(bytes_of(name + file), bytes_of(std::string("whole") + file)) << questions << file;
    EXPECT_EQ(log_of(name), log_of("whole")) << questions;
  }
}

TEST_F(RunEnd, AKillBehindTheLastEvaluationRepeatsIt) {
  auto training = hopeless("run");
  training.loop.epochs = 2;
  train_all(training);
  const auto log = log_of("run");
  // The checkpoint of the last epoch's steps, and what was written after it.
  auto killed = hopeless("killed");
  killed.train_data = training.train_data;
  killed.val_data = training.val_data;
  killed.loop.epochs = 2;
  ASSERT_FALSE(train_until(killed, 7).loop.finished) << "in the second evaluation";
  std::ofstream(runs_ / "killed/log.jsonl", std::ios::app) << log.back() << '\n';
  killed.loop.mode = RunMode::Resume;
  EXPECT_TRUE(train_all(killed).loop.finished);
  EXPECT_EQ(log_of("killed"), log);
}

TEST_F(RunEnd, ARunThatIsOverIsTrainedOn) {
  auto straight = hopeless("straight");
  straight.loop.epochs = 4;
  train_all(straight);
  auto run = straight;
  run.loop.run = runs_ / "run";
  run.loop.epochs = 2;
  run.loop.flags = R"({"epochs":2})";
  train_all(run);
  const auto over = log_of("run");

  run.loop.mode = RunMode::Resume;
  run.loop.other_length = true;
  test::expect_error([&] { train_all(run); }, "has been trained for 2 epochs already");
  EXPECT_EQ(log_of("run"), over);

  run.loop.epochs = 4;
  run.loop.flags = R"({"epochs":4})";
  ASSERT_FALSE(train_until(run, 0).loop.finished);
  EXPECT_EQ(read_checkpoint_header(runs_ / "run/checkpoint.safetensors").options, run.loop.flags)
      << "they are the run's before the first step";
  const auto facts = Json::parse(io::read_text(runs_ / "run/run.json", 1 << 20));
  EXPECT_EQ(facts["options"]["epochs"], 4);
  EXPECT_EQ(facts["command"], "train");

  run.loop.other_length = false;  // as a resume with these flags
  ASSERT_FALSE(train_until(run, 5).loop.finished);
  EXPECT_TRUE(train_all(run).loop.finished);
  for (const auto* file : {"/model.safetensors", "/best.safetensors"})
    EXPECT_EQ(bytes_of(std::string("run") + file), bytes_of(std::string("straight") + file));
  auto log = log_of("run");
  EXPECT_EQ(log[over.size() - 1]["kind"], "end");
  log.erase(log.begin() + static_cast<std::ptrdiff_t>(over.size()) - 1);
  EXPECT_EQ(log, log_of("straight"));
}

TEST_F(RunEnd, ALongerTimeTrainsOn) {
  auto run = hopeless("run");
  run.loop.seconds = 0.05;
  const auto first = train_all(run).loop;
  run.loop.mode = RunMode::Resume;
  run.loop.other_length = true;
  test::expect_error([&] { train_all(run); }, "has been trained for");
  run.loop.seconds = first.seconds + 0.05;
  const auto longer = train_all(run).loop;
  EXPECT_TRUE(longer.finished);
  EXPECT_GT(longer.steps, first.steps);
  EXPECT_GE(longer.seconds, run.loop.seconds);
}

TEST_F(RunEnd, ScoresOnOtherImagesAreNotCompared) {
  auto run = hopeless("run");
  run.loop.epochs = 2;
  ASSERT_FALSE(train_until(run, 5).loop.finished);
  EXPECT_EQ(read_checkpoint_header(runs_ / "run/checkpoint.safetensors").position.best,
            (BestEvaluation{.score = 50, .epoch = 1}));
  std::erase_if(run.val_data->samples, [](const auto& sample) { return sample.label == 0; });  // 0 or 100 %
  run.loop.mode = RunMode::Resume;
  const auto result = train_all(run);
  ASSERT_TRUE(result.loop.best);
  EXPECT_EQ(result.loop.best->epoch, 2) << "whatever its score";
}

TEST_F(RunEnd, APatienceThatWasOverCountsAnew) {
  auto run = hopeless("run");
  run.loop.patience = 1;
  EXPECT_EQ(train_all(run).loop.epochs, 2);
  run.loop.mode = RunMode::Resume;
  EXPECT_EQ(train_all(run).loop.epochs, 2);
  run.loop.other_length = true;
  run.loop.patience = 3;
  EXPECT_EQ(train_all(run).loop.epochs, 5);
  EXPECT_EQ(evaluated_epochs("run"), (std::vector<int>{1, 2, 3, 4, 5}));
}

}  // namespace
}  // namespace scatlight::train
