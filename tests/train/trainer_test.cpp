#include "train/trainer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "support/compare.h"
#include "support/expect_error.h"
#include "train/checkpoint.h"
#include "train/infer.h"
#include "train/model.h"
#include "training.h"

namespace scatlight::train {
namespace {

TEST_F(Training, LearnsWhatCannotBeGuessed) {
  const test::TemporaryFolder data;
  data::draw_folder(
      {.folder = data / "drawn", .classes = 3, .train = 150, .val = 30, .size = 64, .threads = 2}, [] {});
  auto longer = options("run");
  longer.train_data = list_train_data(data / "drawn/train");
  longer.val_data = data::list_image_folder(data / "drawn/val");
  longer.recipe.size = 64;
  longer.loop.epochs = 12;
  longer.loop.eval_every = 6;
  const auto result = train_all(longer);
  EXPECT_TRUE(result.loop.finished);
  EXPECT_EQ(result.loop.epochs, 12);
  EXPECT_EQ(result.loop.steps, 12 * 29) << "29 batches of 15 or 16 images: none is left out";
  ASSERT_TRUE(result.evaluation);
  EXPECT_GT(result.evaluation->metrics.top1(), 55) << "chance gives 33";

  const auto log = log_of("run");
  EXPECT_LT(log[log.size() - 3]["loss"], 0.6 * log.front()["loss"].get<double>());
  EXPECT_EQ(log.back()["kind"], "end");

  const auto evaluation = Json::parse(io::read_text(runs_ / "run/eval.json", 1 << 20));
  EXPECT_EQ(evaluation["images"], 90);
  EXPECT_EQ(evaluation["classes"].size(), 3U);
  EXPECT_EQ(evaluation["top1"], result.evaluation->metrics.top1());
}

TEST_F(Training, ModelFileAloneGivesTheSameEvaluation) {
  const auto result = train_all(options("run"));
  auto model = load_model(find_model(runs_ / "run"));
  const auto folder = data::list_image_folder(*folder_ / "data/val", model.classes);
  const data::Recipe recipe(model.recipe);
  const auto evaluation =
      Evaluator(folder, recipe, {.batch = 7}).evaluate(model.network, [](std::int64_t) {});
  EXPECT_NEAR(evaluation.metrics.loss(), result.evaluation->metrics.loss(), 1e-4);
  EXPECT_EQ(evaluation.metrics.images(), 60);
}

TEST_F(Training, ResumeIsBitEqualWhereverItWasStopped) {
  train_all(options("whole"));
  // An epoch has 8 batches; evaluations ask too.
  expect_equal_resumes([this](const std::string& run) { return options(run); },
                       {0, 1, 5, 18, 19, 20, 21, 22, 30});
}

TEST_F(Training, ResumeOfAFinishedTrainingChangesNothing) {
  train_all(options("run"));
  const auto model = bytes_of("run/model.safetensors");
  const auto log = log_of("run");
  auto again = options("run");
  again.loop.mode = RunMode::Resume;
  EXPECT_TRUE(train_all(again).loop.finished);
  EXPECT_EQ(bytes_of("run/model.safetensors"), model);
  EXPECT_EQ(log_of("run"), log);
}

TEST_F(Training, SameSeedSameBitsOtherSeedOtherBits) {
  auto one = options("one");
  one.loop.epochs = 1;
  auto two = one;
  two.loop.run = runs_ / "two";
  two.cache_bytes = 0;
  auto other = one;
  other.loop.run = runs_ / "other";
  other.seed = 1;
  train_all(one);
  train_all(two);
  train_all(other);
  EXPECT_EQ(bytes_of("one/model.safetensors"), bytes_of("two/model.safetensors"));
  EXPECT_NE(bytes_of("one/model.safetensors"), bytes_of("other/model.safetensors"));
}

TEST_F(Training, MicroBatchesAddUpToTheWholeBatchsGradient) {
  auto whole = options_of_one_picture("whole", 36, 3);
  whole.loop.epochs = 2;
  whole.label_smoothing = 0.1;
  whole.class_weights = {3, 0.5};
  auto parts = whole;
  parts.loop.run = runs_ / "parts";
  parts.micro_batch = 5;  // 16 = 4 + 4 + 4 + 4
  auto uneven = whole;
  uneven.loop.run = runs_ / "uneven";
  uneven.micro_batch = 6;  // 16 = 5 + 5 + 6
  train_all(whole);
  train_all(parts);
  train_all(uneven);
  const auto expected = numbers_of("whole", "fc.weight");
  for (const auto* run : {"parts", "uneven"}) {
    const auto actual = numbers_of(run, "fc.weight");
    test::expect_close(std::span(actual), std::span(expected), {.relative = 1e-4, .of_scale = 1e-5}, run);
  }
}

// The losses of a step as torch.nn.functional.cross_entropy defines them with weight, label_smoothing and
// reduction="sum", over the number of images: of N images of one picture, n of class a,
//   N loss = (1 - s) (n w_a L_a + (N - n) w_b L_b) + s / 2 N (w_a L_a + w_b L_b).
TEST_F(Training, ImagesCountByTheWeightsOfTheirClasses) {
  auto linear = options_of_one_picture("linear", 24, 4);
  linear.loop.epochs = 1;
  linear.batch = 24;
  linear.loop.mode = RunMode::Overwrite;
  const auto loss = [&](std::vector<double> weights, double smoothing) {
    linear.class_weights = std::move(weights);
    linear.label_smoothing = smoothing;
    train_all(linear);
    return log_of("linear").front()["loss"].get<double>();
  };
  const double a = 4 * loss({1, 0}, 0);
  const double b = 4.0 / 3 * loss({0, 1}, 0);
  EXPECT_GT(a, 0.01);
  EXPECT_GT(b, 0.01);
  EXPECT_NEAR(loss({}, 0), (a + 3 * b) / 4, 1e-5);
  EXPECT_NEAR(loss({3, 0.5}, 0), (3 * a + 0.5 * 3 * b) / 4, 1e-5);
  EXPECT_NEAR(loss({3, 0.5}, 0.2), 0.8 * (3 * a + 0.5 * 3 * b) / 4 + 0.1 * (3 * a + 0.5 * b), 1e-5);
  EXPECT_EQ(balanced_weights(linear.train_data), (std::vector<double>{2, 2.0 / 3}));
  test::expect_error([&] { loss({1, 2, 3}, 0); }, "3 class weights for 2 classes: give one for each of a, b");
  test::expect_error([&] { loss({1, -1}, 0); }, "class weight -1: at least 0 is accepted");
  test::expect_error([&] { loss({0, 0}, 0); }, "at least one above 0 is accepted");
}

TEST_F(Training, DivergenceIsOneLineAndKeepsTheLastGoodCheckpoint) {
  auto wild = options("run");
  wild.loop.checkpoint_seconds = 0;  // after every step
  wild.loop.schedule = {.kind = ScheduleKind::Cosine, .learning_rate = 1e30};
  test::expect_error([&] { train_all(wild); }, "diverged");
  const auto header = read_checkpoint_header(runs_ / "run/checkpoint.safetensors");
  EXPECT_GE(header.position.step, 1);

  auto at_once = options("none");
  at_once.loop.schedule.learning_rate = 1e30;
  test::expect_error([&] { train_all(at_once); }, "no checkpoint was written yet");
}

TEST_F(Training, TimeBudgetEndsCleanly) {
  auto epoch = options("epoch");
  epoch.loop.epochs = 1;
  // Many steps in each third of the schedule, however slow the machine is. A busy one may still stall one
  // step for a whole third of the time, so that the next try gets more.
  double seconds = std::max(1.5, 3 * train_all(epoch).loop.seconds);
  double last_rate = 0;
  for (const auto* run : {"run", "longer", "longest"}) {
    auto budget = options(run);
    budget.loop.seconds = seconds;
    budget.loop.schedule.kind = ScheduleKind::Step;
    const auto result = train_all(budget);
    EXPECT_TRUE(result.loop.finished);
    EXPECT_GE(result.loop.seconds, seconds);
    ASSERT_TRUE(result.evaluation);
    const auto log = log_of(run);
    EXPECT_EQ(log.back()["kind"], "end");
    EXPECT_EQ(log[log.size() - 2]["kind"], "eval");
    last_rate = log[log.size() - 3]["learning_rate"].get<double>();
    if (last_rate < 0.001) break;
    seconds *= 2;
  }
  EXPECT_NEAR(last_rate, 0.0005, 1e-9) << "the schedule ran to its end";
}

TEST_F(Training, EvaluatesAsOftenAsAsked) {
  auto seldom = options("run");
  seldom.loop.epochs = 5;
  seldom.loop.eval_every = 2;
  train_all(seldom);
  std::vector<int> epochs;
  for (const auto& line : log_of("run"))
    if (line["kind"] == "eval") epochs.push_back(line["epoch"].get<int>());
  EXPECT_EQ(epochs, (std::vector<int>{2, 4, 5}));
}

TEST_F(Training, RefusesARunFolderWithARun) {
  auto first = options("run");
  first.loop.epochs = 1;
  train_all(first);
  test::expect_error([&] { train_all(first); }, "has a run already");
  first.loop.mode = RunMode::Overwrite;
  EXPECT_TRUE(train_all(first).loop.finished);
  auto absent = options("absent");
  absent.loop.mode = RunMode::Resume;
  test::expect_error([&] { train_all(absent); }, "no checkpoint.safetensors to resume from");
  EXPECT_FALSE(std::filesystem::exists(runs_ / "absent")) << "nothing half-written";
}

TEST_F(Training, ResumeNeedsTheSameDataAndNetwork) {
  auto stopped = options("run");
  train_until(stopped, 5);
  stopped.loop.mode = RunMode::Resume;
  auto other_data = stopped;
  other_data.train_data = list_train_data(*folder_ / "data/val");
  test::expect_error([&] { train_all(other_data); }, "120 then, 60 now");
  other_data.train_data.classes.front() = "lions";
  other_data.loop.accept_changed_data = true;
  test::expect_error([&] { train_all(other_data); }, "3 classes, but the run in");
  auto other_network = stopped;
  other_network.network.widths = {16, 16};
  test::expect_error([&] { train_all(other_network); }, "has the type F32 and the shape");
}

TEST_F(Training, AClassifierNeedsTwoClasses) {
  const test::TemporaryFolder bad;
  bad.add("a/1.jpg", "");
  test::expect_error([&] { list_train_data(bad.path()); }, "at least 2");
}

TEST_F(Training, ResumeNoticesThatImagesWereReplaced) {
  const test::TemporaryFolder data;
  std::filesystem::copy(*folder_ / "data/train", data / "train", std::filesystem::copy_options::recursive);
  auto stopped = options("run");
  stopped.train_data = list_train_data(data / "train");
  train_until(stopped, 5);
  stopped.loop.mode = RunMode::Resume;
  // The same names, other images.
  std::filesystem::remove_all(data / "train/discs");
  std::filesystem::copy(*folder_ / "data/train/stripes", data / "train/discs");
  const auto model = bytes_of("run/model.safetensors");
  test::expect_error([&] { train_all(stopped); }, "--data-changed resumes with them");
  EXPECT_EQ(bytes_of("run/model.safetensors"), model);
  stopped.loop.accept_changed_data = true;
  EXPECT_TRUE(train_all(stopped).loop.finished);
}

TEST_F(Training, ResumeFindsItsDataInAnotherPlace) {
  const test::TemporaryFolder data;
  auto stopped = options("run");
  train_until(stopped, 5);
  stopped.loop.mode = RunMode::Resume;
  std::filesystem::copy(*folder_ / "data/train", data / "moved", std::filesystem::copy_options::recursive);
  stopped.train_data = list_train_data(data / "moved");
  EXPECT_TRUE(train_all(stopped).loop.finished);
}

TEST_F(Training, AnOverwrittenRunStaysWholeUntilTheNewOneHasACheckpoint) {
  auto first = options("run");
  first.loop.epochs = 1;
  train_all(first);
  const std::vector<std::string> files = {"run/run.json",
                                          "run/log.jsonl",
                                          "run/eval.json",
                                          "run/model.safetensors",
                                          "run/checkpoint.safetensors",
                                          "run/best.safetensors"};
  std::vector<std::vector<std::uint8_t>> before;
  for (const auto& file : files) before.push_back(bytes_of(file));
  const auto expect_untouched = [&](const char* when) {
    for (std::size_t i = 0; i < files.size(); ++i)
      EXPECT_EQ(bytes_of(files[i]), before[i]) << when << files[i];
  };

  const test::TemporaryFolder data;
  std::filesystem::copy(*folder_ / "data/train", data / "train", std::filesystem::copy_options::recursive);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data / "train")) {
    if (entry.is_regular_file()) std::filesystem::resize_file(entry.path(), 100);
  }
  auto second = first;
  second.loop.mode = RunMode::Overwrite;
  second.seed = 1;
  second.train_data = list_train_data(data / "train");
  test::expect_error([&] { train_all(second); }, "cannot decode");
  expect_untouched("no image can be read: ");

  second.train_data = first.train_data;
  EXPECT_FALSE(train_until(second, 0).loop.finished);
  expect_untouched("stopped before the first step: ");
  {
    const HeldRunFolder held({second.loop.run}, RunMode::Overwrite);
    test::expect_error([&] { train_all(second); }, "another process is training in the run folder");
    expect_untouched("another process trains: ");
  }
  EXPECT_FALSE(train_until(second, 3).loop.finished);
  EXPECT_NE(bytes_of("run/model.safetensors"), before[3]);
  for (const auto* file : {"run/eval.json", "run/best.safetensors"})
    EXPECT_FALSE(std::filesystem::exists(runs_ / file)) << file << " was of the earlier run";
  second.loop.mode = RunMode::Resume;
  EXPECT_TRUE(train_all(second).loop.finished);
  auto alone = second;
  alone.loop.mode = RunMode::New;
  alone.loop.run = runs_ / "alone";
  train_all(alone);
  EXPECT_EQ(bytes_of("run/model.safetensors"), bytes_of("alone/model.safetensors"));
  EXPECT_EQ(log_of("run"), log_of("alone"));
}

TEST_F(Training, AReplacementThatAKillInterruptedIsFinished) {
  auto first = options("run");
  first.loop.epochs = 1;
  train_all(first);
  auto second = options("second");
  second.loop.epochs = 1;
  second.seed = 1;
  train_until(second, 3);
  // As it is after the rename that decides, with some of the files moved.
  std::filesystem::rename(runs_ / "second", runs_ / "run/.next-complete");
  std::filesystem::rename(runs_ / "run/.next-complete/log.jsonl", runs_ / "run/log.jsonl");
  second.loop.run = first.loop.run;
  second.loop.mode = RunMode::Resume;
  EXPECT_TRUE(train_all(second).loop.finished);
  EXPECT_FALSE(std::filesystem::exists(runs_ / "run/.next-complete"));
  auto alone = second;
  alone.loop.mode = RunMode::New;
  alone.loop.run = runs_ / "alone";
  train_all(alone);
  EXPECT_EQ(bytes_of("run/model.safetensors"), bytes_of("alone/model.safetensors"));
}

TEST_F(Training, BadFilesStopItOrAreLeftOutAndNamed) {
  const test::TemporaryFolder data;
  std::filesystem::copy(*folder_ / "data/train", data / "train", std::filesystem::copy_options::recursive);
  data.add("train/discs/broken.jpg", "not a picture");
  auto training = options("run");
  training.train_data = list_train_data(data / "train");
  test::expect_error([&] { train_all(training); }, "broken.jpg");
  training.skip_bad = true;
  const auto result = train_all(training);
  EXPECT_TRUE(result.loop.finished);
  ASSERT_EQ(result.loop.skipped.size(), 1U) << "counted once, although every epoch meets it";
  EXPECT_NE(result.loop.skipped.front().file.find("broken.jpg"), std::string::npos);
}

TEST_F(Training, AClassOfWhichNothingCanBeReadIsAnError) {
  const test::TemporaryFolder data;
  std::filesystem::copy(*folder_ / "data/train", data / "train", std::filesystem::copy_options::recursive);
  data.add("train/cats/1.jpg", "not a picture");
  data.add("train/cats/2.jpg", "not a picture");
  auto training = options("run");
  training.val_data.reset();
  training.train_data = list_train_data(data / "train");
  training.skip_bad = true;
  test::expect_error([&] { train_all(training); }, "no image of the class 'cats' could be read");
}

TEST_F(Training, BatchNormOfOneValueIsNamedForWhatItIs) {
  auto training = options("run");
  training.recipe.size = 16;
  training.recipe.resize = 16;
  training.network.depths = {1, 1};
  training.network.scales = 3;
  training.micro_batch = 1;
  test::expect_error([&] { train_all(training); }, "batch norm cannot train on one value per channel");
}

TEST_F(Training, StartsFromTheWeightsOfAnotherNumberOfClasses) {
  auto first = options("first");
  first.loop.epochs = 1;
  train_all(first);
  const test::TemporaryFolder data;
  std::filesystem::copy(*folder_ / "data/train", data / "train", std::filesystem::copy_options::recursive);
  std::filesystem::remove_all(data / "train/discs");
  auto second = options("second");
  second.train_data = list_train_data(data / "train");
  second.val_data.reset();
  second.loop.epochs = 1;
  second.loop.schedule.learning_rate = 1e-30;  // the weights stay what they were at the start
  second.weights = runs_ / "first/model.safetensors";
  train_all(second);
  EXPECT_EQ(numbers_of("second", "layer1.0.conv1.weight"), numbers_of("first", "layer1.0.conv1.weight"));
  EXPECT_EQ(numbers_of("second", "fc.weight").size() / 2, numbers_of("first", "fc.weight").size() / 3);
  second.loop.mode = RunMode::Overwrite;
  second.network.widths = {16, 16};
  test::expect_error([&] { train_all(second); }, "its tensor 'layer2.0.conv1.weight' is F32 [32, 16, 3, 3]");
}

// Also after a resume, for which the file of the first weights may be gone.
TEST_F(Training, FrozenGroupsStayAsTheyAre) {
  auto first = options("first");
  first.loop.epochs = 1;
  train_all(first);
  const auto from_first = [&](const std::string& run) {
    auto second = options(run);
    second.val_data.reset();
    second.seed = 1;
    second.weights = runs_ / "first/model.safetensors";
    second.frozen = 1;
    second.loop.epochs = 1;
    return second;
  };
  train_all(from_first("frozen"));
  auto stopped = from_first("stopped");
  ASSERT_FALSE(train_until(stopped, 4).loop.finished);
  stopped.weights = "/absent.safetensors";
  stopped.loop.mode = RunMode::Resume;
  train_all(stopped);
  EXPECT_EQ(bytes_of("stopped/model.safetensors"), bytes_of("frozen/model.safetensors"));
  const io::SafetensorsReader model(runs_ / "first/model.safetensors");
  for (const auto& info : model.tensors()) {
    if (info.type != io::DType::F32) continue;
    const auto& name = info.name;
    const bool is_frozen = name.starts_with("norm0") || name.starts_with("conv1") ||
                           name.starts_with("bn1") || name.starts_with("layer1");
    EXPECT_EQ(numbers_of("frozen", name.c_str()) == numbers_of("first", name.c_str()), is_frozen) << name;
  }
  auto too_many = from_first("none");
  too_many.frozen = 3;
  test::expect_error([&] { train_all(too_many); }, "frozen groups 3: -1 to 2 is accepted for this network");
  too_many.network = nets::network_options("linear");
  too_many.frozen = 0;
  test::expect_error([&] { train_all(too_many); }, "frozen groups 0: this network has no groups of layers");
}

// Every level of a channel: the table of the CPU and the arithmetic of a GPU.
TEST(Images, AreBitEqualByTableAndByArithmetic) {
  const data::Recipe recipe({.size = 16});
  data::Batch batch;
  batch.count = 2;
  for (int i = 0; i < 2 * 16 * 16; ++i) {
    for (const int step : {1, 3, 7}) batch.images.push_back(static_cast<std::uint8_t>(i * step));
  }
  const auto images = images_of(batch, recipe, at::kCPU);
  EXPECT_EQ(images.sizes(), (std::vector<std::int64_t>{2, 3, 16, 16}));
  const auto bytes = at::from_blob(batch.images.data(), {2, 16, 16, 3}, at::kByte);
  EXPECT_TRUE(at::equal(normalize(bytes, recipe), images));
  const auto& [mean, deviation] = std::pair(recipe.options().mean, recipe.options().deviation);
  EXPECT_EQ(images[1][2][0][5].item<float>(), (float((261 * 7) % 256) / 255 - mean[2]) / deviation[2]);
}

}  // namespace
}  // namespace scatlight::train
