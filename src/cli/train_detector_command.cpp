#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/box_data_flags.h"
#include "cli/commands.h"
#include "cli/device_flag.h"
#include "cli/team_call.h"
#include "cli/training_flags.h"
#include "data/hold_out.h"
#include "detect/detector_task.h"
#include "detect/model.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "scatlight/error.h"

namespace scatlight::cli {
namespace {

constexpr int frozen_in_the_paper = 1;

struct TrainDetectorFlags {
  detect::DetectorTrainOptions options = {};
  BoxDataFlags data = {};
  BoxDataFlags val = {};  ///< No data, but a split: of the training's data.
  std::vector<std::string> classes = {};
  NetworkFlags network = {.name = "scatdet-small"};
  LoopFlags loop = {};
  std::optional<std::int64_t> batch = {};
  std::optional<double> clip = {};
  std::vector<std::int64_t> drop_at = {};
  bool train_norms = false;
  bool no_flip = false;
  bool drop_empty = false;
  PlacementFlags placement = {};
};

/// The steps where the user does not say: the paper's for a network that was trained before, else what a
/// random one learns from.
struct Steps {
  std::int64_t batch;
  train::Schedule schedule;
  double clip_norm;
};

Steps default_steps(const TrainDetectorFlags& flags, bool is_vgg) {
  const std::vector<double> drops = {5.0 / 6};  // as the paper for VOC, whatever the length
  if (!flags.network.weights.empty()) {
    return {.batch = 1, .schedule = {.learning_rate = 0.001, .drops = drops}, .clip_norm = is_vgg ? 10.0 : 0};
  }
  return {.batch = 2,
          .schedule = {.kind = train::ScheduleKind::Cosine,
                       .learning_rate = 0.02,
                       .warmup = 0.05,
                       .drops = drops},
          .clip_norm = 10};
}

detect::DetectorTrainOptions to_options(const TrainDetectorFlags& flags) {
  auto options = flags.options;
  options.weights = flags.network.weights;
  options.network.network = network_of(flags.network);
  if (flags.network.standardize && options.weights.empty())
    throw CLI::ValidationError("--standardize needs --weights: `scatlight train` finds means and deviations");
  const bool is_vgg = options.network.network.family == nets::Family::Vgg;
  const auto steps = default_steps(flags, is_vgg);
  options.batch = flags.batch.value_or(steps.batch);
  auto schedule = steps.schedule;
  const auto epochs = static_cast<double>(options.loop.epochs);
  if (!flags.drop_at.empty()) {
    if (flags.loop.minutes > 0)  // of a resume whose run has a length in epochs
      throw CLI::ValidationError("--drop-at does not apply to --minutes, which counts no epochs");
    if (const auto kind = flags.loop.schedule.value_or("step"); kind != "step") {
      throw CLI::ValidationError(
          fmt::format("--drop-at does not apply to --schedule {}, which has no steps", kind));
    }
    schedule.kind = train::ScheduleKind::Step;
    schedule.drops.clear();
    for (const auto epoch : flags.drop_at) {
      if (epoch >= options.loop.epochs) {
        throw CLI::ValidationError(fmt::format(
            "--drop-at {} is not accepted: give epochs before the last, {}", epoch, options.loop.epochs));
      }
      schedule.drops.push_back(static_cast<double>(epoch) / epochs);
    }
  }
  take_loop_flags(flags.loop, schedule, options.loop);
  options.loop.optimizer.clip_norm = flags.clip.value_or(steps.clip_norm);
  options.loop.optimizer.decay_biases = false;  // as the paper's code
  options.loop.optimizer.bias_rate = is_vgg ? 2 : 1;
  options.frozen.groups = frozen_groups(flags.network, frozen_in_the_paper);
  options.frozen.norms = !options.weights.empty() && !flags.train_norms;
  if (flags.no_flip) options.recipe.flip = 0;
  return options;
}

void print_chosen(const TrainDetectorFlags& flags, const detect::DetectorTrainOptions& options) {
  auto line = describe_steps(options.batch, options.loop.schedule);
  if (options.loop.optimizer.clip_norm > 0)
    line += fmt::format(", gradients cut at norm {:.3g}", options.loop.optimizer.clip_norm);
  line += flags.network.weights.empty() ? ": from random weights" : ": from trained weights";
  if (options.frozen.groups >= 0) line += "; " + describe_frozen(options.frozen.groups);
  if (options.frozen.norms) line += "; batch norms are constants";
  fmt::print(stderr, "{}\n", line);
  if (options.weights.empty()) return;
  const auto random = detect::parts_left_random(options.weights, options.train_data.classes);
  if (!random.empty()) fmt::print(stderr, "begin at random: {}\n", fmt::join(random, ", "));
}

void print(const detect::DetectorTrainResult& result, const TrainDetectorFlags& flags) {
  print_loop(result.loop, flags.loop);
  if (const auto& best = result.loop.best)
    print_best(*best, flags.loop, fmt::format("AP {:.4f}", best->score));
  if (!result.evaluation) return;
  const auto& numbers = result.evaluation->coco.numbers;
  fmt::print("AP50 {:.4f}  AP {:.4f}  AP75 {:.4f}  mAP of VOC07 {:.4f}  {} images\n", numbers[1], numbers[0],
             numbers[2], result.evaluation->voc.map07, result.evaluation->images.size());
}

/// Flags that name data for evaluation.
const std::vector<std::string> val_flags = {"--val", "--val-split", "--val-images"};

BoxDataFlags evaluation_data(const TrainDetectorFlags& flags) {
  return {.data = flags.val.data.empty() ? flags.data.data : flags.val.data,
          .split = flags.val.split,
          .images = flags.val.images.empty() ? flags.data.images : flags.val.images};
}

bool has_evaluation_data(const TrainDetectorFlags& flags) {
  return !flags.val.data.empty() || !flags.val.split.empty();
}

void check_data(const TrainDetectorFlags& flags) {
  check_split(flags.data.data, flags.data.split);
  const auto evaluation = evaluation_data(flags);
  check_split(evaluation.data, flags.val.split);
  if (!has_evaluation_data(flags) && !flags.val.images.empty())
    throw CLI::ValidationError("--val-images has no effect without data for evaluation");
  check_images_folder("--val-images", evaluation.data, flags.val.images);
  auto of_images = flags.data.data;
  if (flags.val.images.empty())
    of_images.insert(of_images.end(), evaluation.data.begin(), evaluation.data.end());
  check_images_folder("--images", of_images, flags.data.images);
  if (!std::ranges::all_of(flags.classes, io::is_utf8))
    throw CLI::ValidationError("a name of --classes is not UTF-8");
}

void list_data(const TrainDetectorFlags& flags, detect::DetectorTrainOptions& options,
               const train::Team& team) {
  data::BoxListOptions listing = {
      .skip_bad = options.skip_bad, .max_pixels = options.max_pixels, .threads = options.threads};
  if (!flags.classes.empty()) listing.known_classes = flags.classes;
  auto& train_data = options.train_data;
  train_data = list_box_data(flags.data, "train", listing);
  const auto dropped = flags.drop_empty ? data::drop_empty(train_data) : 0;
  const auto unused =
      flags.classes.empty() ? data::drop_unused_classes(train_data) : std::vector<std::string>();
  if (const auto& share = flags.loop.val_share) {
    data::require_objects(train_data);
    options.val_data = data::hold_out(train_data, *share);
  }
  if (team.leads()) {
    print_summary("training", train_data);
    if (dropped > 0) fmt::print(stderr, "dropped: {} without objects\n", data::count(dropped, "image"));
    if (!unused.empty()) fmt::print(stderr, "no object is of these classes: {}\n", data::list_some(unused));
  }
  data::require_objects(train_data);
  if (has_evaluation_data(flags)) {
    listing.known_classes = options.train_data.classes;
    options.val_data = list_box_data(evaluation_data(flags), "val", listing);
  }
  if (options.val_data && team.leads())
    print_summary(name_of_evaluation(flags.loop).c_str(), *options.val_data);
}

void run_training(CLI::App& command, TrainDetectorFlags& flags, const TeamPlace& place) {
  const auto team = join_team(place);
  check_call(team, command);
  decide_resume(flags.loop, place, team);
  if (flags.loop.resume) take_flags_of_run(command, flags.loop, team);
  if (flags.data.data.empty()) throw CLI::RequiredError("DATA");
  check_data(flags);
  auto options = to_options(flags);
  check_evaluation_flags(command, flags.loop, options.loop, val_flags,
                         flags.loop.val_share || has_evaluation_data(flags));
  options.placement =
      train::make_alike(team, [&] { return open_placement(command, flags.placement, place); });
  options.threads = threads_of(options.threads, place);
  options.loop.call_id = place.run_id;
  try {
    detect::check(options);
  } catch (const Error& error) {
    throw CLI::ValidationError(error.what());
  }
  team.do_alike([&] { list_data(flags, options, team); });
  options.loop.flags = flags_of_run(command, flags.loop, options.loop,
                                    {{"batch", options.batch},
                                     {"clip", options.loop.optimizer.clip_norm},
                                     {"frozen", options.frozen.groups}});
  if (!flags.loop.resume && team.leads()) print_chosen(flags, options);
  const io::StopOnSignal stop_on_signal;
  const auto result = detect::train_detector(options, io::StopOnSignal::requested, team);
  check_finished(result.loop, flags.loop, "train-detector");
  if (team.leads()) print(result, flags);
}

void add_data_flags(CLI::App& command, TrainDetectorFlags& flags) {
  command
      .add_option("DATA", flags.data.data,
                  "VOC folders (Annotations, JPEGImages, ImageSets/Main), or COCO files (.json).")
      ->type_name("PATH");
  command.add_option("--split", flags.data.split,
                     "List of VOC folders to train on; train if it is not given.");
  add_box_data_flags(command, flags.data);
  command.add_option("--val", flags.val.data, "Data for evaluation; with --val-split alone, DATA.")
      ->type_name("PATH");
  command.add_option("--val-split", flags.val.split, "List of VOC folders for evaluation; val with --val.");
  command.add_option("--val-images", flags.val.images, "As --images, of the data for evaluation.")
      ->type_name("DIR");
  add_val_share_flag(command, flags.loop, val_flags, "the pictures");
  command
      .add_option("--classes", flags.classes,
                  "Classes in the order of their labels; those of the data if they are not given.")
      ->delimiter(',');
  command.add_flag("--drop-empty", flags.drop_empty, "Do not train on pictures without objects.");
}

void add_detector_flags(CLI::App& command, TrainDetectorFlags& flags) {
  auto& options = flags.options;
  auto& detector = options.detector;
  command
      .add_option("--short-side", options.recipe.short_side, "Short side of the network's images, in pixels,")
      ->check(CLI::Range(32, 4096))
      ->capture_default_str();
  command
      .add_option("--long-side", options.recipe.long_side, "unless the long side would be longer than this.")
      ->check(CLI::Range(32, 8192))
      ->capture_default_str();
  command
      .add_option("--anchors", detector.anchor_sizes,
                  "Sizes of the anchors in pixels of the network's images, such as 32,64,128.")
      ->delimiter(',')
      ->check(CLI::Range(1.0F, 8192.0F))
      ->capture_default_str();
  command.add_option("--ratios", detector.anchor_ratios, "Height by width of the anchors.")
      ->delimiter(',')
      ->check(CLI::Range(0.01F, 100.0F))
      ->capture_default_str();
  command.add_option("--rois", detector.roi_samples, "Regions of an image in the loss.")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command
      .add_option("--proposals", detector.proposals,
                  "Regions of an image in training that they are drawn from.")
      ->check(CLI::Range(1, detector.proposals_before))
      ->capture_default_str();
  command
      .add_option("--test-proposals", detector.test_proposals,
                  "Tests: regions of an image that are looked at for objects.")
      ->check(CLI::Range(1, detector.test_before))
      ->capture_default_str();
  command
      .add_option("--rpn-channels", options.network.rpn_channels,
                  "Channels of the network that proposes regions.")
      ->check(CLI::Range(1, 8192))
      ->capture_default_str();
  command
      .add_option("--nms", detector.nms_iou,
                  "Tests: the largest overlap (intersection over union) of two detections of a class.")
      ->check(CLI::Range(0.0F, 1.0F))
      ->capture_default_str();
  command.add_option("--score", detector.score, "Tests: the lowest score of a detection.")
      ->check(CLI::Range(0.0F, 1.0F))
      ->capture_default_str();
  add_frozen_flag(command, flags.network, frozen_in_the_paper);
  command.add_flag("--train-norms", flags.train_norms,
                   "Train batch norms, as without --weights; else they are constants.");
}

void add_step_and_call_flags(CLI::App& command, TrainDetectorFlags& flags) {
  auto& options = flags.options;
  command
      .add_option(
          "--drop-at", flags.drop_at,
          "Epochs after which the learning rate is a tenth of what it was, such as 10 of --epochs 12; "
          "without, after five sixths of a training by the step schedule.")
      ->delimiter(',')
      ->check(CLI::Range(1, 1'000'000))
      ->excludes(command.get_option("--minutes"));
  command.add_option("--batch", flags.batch, "Images of a step, at most: 1 with --weights, else 2.")
      ->check(CLI::Range(1, 1024));
  command
      .add_option("--micro-batch", options.micro_batch,
                  "Images in memory at a time, where a whole batch does not fit; 0 means the batch.")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  add_step_flags(command, flags.loop, options.loop,
                 {.drops = "five sixths of the training", .decayed = "weights, not on biases"});
  command
      .add_option("--clip", flags.clip,
                  "Scale gradients down to this norm, 0 never: 0 with --weights (but 10 for vgg16), else 10.")
      ->check(CLI::NonNegativeNumber);
  command.add_flag("--no-flip", flags.no_flip, "Do not mirror training images.");
  add_call_flags(command, {options.seed, options.threads, options.max_pixels}, flags.placement,
                 "first weights, order, augmentation and samples");
  command.add_flag("--skip-bad", options.skip_bad,
                   "Leave out pictures whose file or annotation is bad, and name them.");
}

}  // namespace

void add_train_detector_command(CLI::App& app, const TeamPlace& place) {
  auto flags = std::make_shared<TrainDetectorFlags>();
  auto& loop = flags->options.loop;
  loop.epochs = 12;  // the paper's 6, each with all images mirrored, too
  auto* command = app.add_subcommand(
      "train-detector",
      "Train a detector of objects on pictures with boxes\n"
      "Faster R-CNN on a network that reads scattering maps or pixels. The run folder gets what `scatlight "
      "train` writes; `scatlight eval` and `scatlight predict` take it. Files in recipes/ hold the flags of "
      "the paper's trainings (--config).");
  add_data_flags(*command, *flags);
  command->add_option("--run", flags->loop.run, "Run folder to make.")->required()->type_name("DIR");
  add_network_flags(*command, flags->network, "`scatlight models --detectors` lists them");
  add_detector_flags(*command, *flags);
  add_length_flags(*command, flags->loop, loop);
  add_step_and_call_flags(*command, *flags);
  add_run_flags(*command, flags->loop, loop);
  command->footer(R"(
Examples:
  scatlight train-detector cells --val-split val --run runs/cells --config recipes/cells.toml
  scatlight train-detector train.json --val val.json --images photos --run runs/first
  scatlight train-detector --resume --run runs/first)");
  command->callback([flags, command, place] { run_training(*command, *flags, place); });
}

}  // namespace scatlight::cli
