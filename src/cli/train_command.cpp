#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/box_data_flags.h"
#include "cli/commands.h"
#include "cli/device_flag.h"
#include "cli/image_flags.h"
#include "cli/option_flags.h"
#include "cli/refuse_flags.h"
#include "cli/team_call.h"
#include "cli/training_flags.h"
#include "data/folder.h"
#include "data/hold_out.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "io/machine.h"
#include "io/progress.h"
#include "scatlight/error.h"
#include "train/step_defaults.h"
#include "train/trainer.h"

namespace scatlight::cli {
namespace {

constexpr const char* balanced = "balanced";
constexpr int nothing_frozen = -1;

struct TrainFlags {
  train::TrainOptions options = {};
  std::string data = {};
  std::string val = {};
  NetworkFlags network = {.name = "scatresnet-small"};
  LoopFlags loop = {};
  std::string recipe = "auto";
  std::optional<std::int64_t> batch = {};
  PlacementFlags placement = {};
  std::vector<std::string> class_weights = {};
  nets::LearnedFilters learned_filters = nets::LearnedFilters::None;
  bool no_augment = false;
  bool no_flip = false;
};

/// What a layer that is solved has not.
const std::vector<std::string> of_learning = {
    "--epochs",          "--minutes",       "--lr",          "--schedule",      "--warmup",
    "--optimizer",       "--momentum",      "--nesterov",    "--ema",           "--weight-decay",
    "--recipe",          "--batch",         "--micro-batch", "--mixup",         "--cutmix",
    "--label-smoothing", "--class-weights", "--weights",     "--min-crop-area", "--shift",
    "--no-flip",         "--policy",        "--erase",       "--input-norm",    "--eval-every",
    "--patience",        "--learn-filters", "--filter-rate"};

/// The flag that names data for evaluation.
const std::vector<std::string> val_flag = {"--val"};

/// None where they follow from the data.
std::vector<double> given_class_weights(const std::vector<std::string>& texts) {
  std::vector<double> weights;
  if (texts == std::vector<std::string>{balanced}) return weights;
  for (const auto& text : texts) {
    double weight = 0;
    if (!CLI::detail::lexical_cast(text, weight)) {
      throw CLI::ValidationError(
          fmt::format("--class-weights {} is not accepted: give balanced, or a number for each class",
                      io::display(text)));
    }
    weights.push_back(weight);
  }
  return weights;
}

/// The flags, and `defaults` where there is none.
void take_steps(const TrainFlags& flags, const train::StepDefaults& defaults, train::TrainOptions& options) {
  options.batch = flags.batch.value_or(defaults.batch);
  take_loop_flags(flags.loop, defaults.schedule, options.loop);
}

/// The options that follow from the flags alone.
train::TrainOptions to_options(const TrainFlags& flags) {
  auto options = flags.options;
  options.weights = flags.network.weights;
  options.network = network_of(flags.network);
  refuse_flags_of_network(
      flags.learned_filters != nets::LearnedFilters::None && options.network.input != nets::Input::Scattering,
      "--learn-filters", options.network.name, fmt::format("works on {}", name_of(options.network.input)));
  options.network.learned_filters = flags.learned_filters;
  options.frozen = frozen_groups(flags.network, nothing_frozen);
  options.class_weights = given_class_weights(flags.class_weights);
  options.augment = !flags.no_augment;
  if (options.ridge > 0) {
    options.augment = false;
    options.network.input_norm = false;
    options.network.standardize = true;
  }
  if (flags.no_flip) options.recipe.flip = 0;
  options.cache_bytes = io::memory_bytes() / 4;
  take_steps(flags, train::paper_defaults(), options);  // checked without the data
  return options;
}

void list_data(const TrainFlags& flags, train::TrainOptions& options) {
  if (is_box_data(flags.data)) {
    throw Error(fmt::format("{} has pictures with boxes: `scatlight train-detector` trains on them",
                            io::display(flags.data)));
  }
  auto& train_data = options.train_data;
  train_data = train::list_train_data(flags.data);
  if (!flags.val.empty()) options.val_data = data::list_image_folder(flags.val, train_data.classes);
  if (const auto& share = flags.loop.val_share) options.val_data = data::hold_out(train_data, *share);
  if (!flags.class_weights.empty() && options.class_weights.empty())
    options.class_weights = train::balanced_weights(train_data);
}

void print_data(const TrainFlags& flags, const train::TrainOptions& options) {
  print_summary("training", options.train_data);
  if (options.val_data) print_summary(name_of_evaluation(flags.loop).c_str(), *options.val_data);
}

void print_chosen(const TrainFlags& flags, const train::TrainOptions& options) {
  if (options.frozen >= 0) fmt::print(stderr, "{}\n", describe_frozen(options.frozen));
  if (options.ridge > 0) return;
  if (flags.batch && flags.loop.learning_rate && flags.loop.warmup && flags.loop.schedule) return;
  const auto line = describe_steps(options.batch, options.loop.schedule);
  fmt::print(stderr, "{}\n",
             flags.recipe == "paper" ? line + ": the paper's recipe"
                                     : fmt::format("{}: suits {} images; --recipe paper takes the paper's",
                                                   line, options.train_data.samples.size()));
}

void print(const TrainFlags& flags, const train::TrainResult& result) {
  print_loop(result.loop, flags.loop);
  if (const auto& best = result.loop.best)
    print_best(*best, flags.loop, fmt::format("top-1 {:.2f} %", best->score));
  if (!result.evaluation) return;
  const auto& metrics = result.evaluation->metrics;
  const auto data = flags.val.empty() ? io::display(flags.data) + ", held out" : io::display(flags.val);
  fmt::print("{}: top-1 {:.2f} %, top-5 {:.2f} %, loss {:.4f}, {} images\n", data, metrics.top1(),
             metrics.top5(), metrics.loss(), metrics.images());
}

void run_training(CLI::App& command, TrainFlags& flags, const TeamPlace& place) {
  const auto team = join_team(place);
  check_call(team, command);
  decide_resume(flags.loop, place, team);
  if (flags.loop.resume) take_flags_of_run(command, flags.loop, team);
  if (flags.data.empty()) throw CLI::RequiredError("DATA");
  if (flags.options.ridge > 0 && !flags.loop.resume)
    refuse_flags(command, of_learning, "--ridge solves the linear layer directly");
  auto options = to_options(flags);
  check_evaluation_flags(command, flags.loop, options.loop, val_flag,
                         flags.loop.val_share || !flags.val.empty());
  options.placement = make_alike(team, [&] { return open_placement(command, flags.placement, place); });
  options.threads = threads_of(options.threads, place);
  options.cache_bytes /= place.local_size;
  options.loop.call_id = place.run_id;
  try {
    train::check(options);
  } catch (const Error& error) {
    throw CLI::ValidationError(error.what());
  }
  team.do_alike([&] { list_data(flags, options); });
  if (team.leads()) print_data(flags, options);
  if (flags.recipe == "auto")
    take_steps(flags, train::defaults_for(std::ssize(options.train_data.samples)), options);
  train::check(options);
  options.loop.flags = flags_of_run(command, flags.loop, options.loop, {{"batch", options.batch}});
  if (!flags.loop.resume && team.leads()) print_chosen(flags, options);
  const io::StopOnSignal stop_on_signal;
  const auto result = train::train(options, io::StopOnSignal::requested, team);
  check_finished(result.loop, flags.loop, "train");
  if (team.leads()) print(flags, result);
}

void add_filter_flags(CLI::App& command, TrainFlags& flags) {
  add_names_flag(command, "--learn-filters", flags.learned_filters,
                 "Train the wavelets of the scattering too, four numbers each, from the usual ones on: one "
                 "set for all colours, or one for each. Takes longer, and runs on the CPU.");
  command
      .add_option("--filter-rate", flags.options.loop.optimizer.filter_rate,
                  "Learning rate of the wavelets, in units of --lr. They have no weight decay.")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str()
      ->needs(command.get_option("--learn-filters"));
}

void add_recipe_flags(CLI::App& command, TrainFlags& flags) {
  auto& options = flags.options;
  command.add_option("--size", options.recipe.size, "Height and width of the network's images, in pixels.")
      ->check(CLI::Range(8, 2048))
      ->capture_default_str();
  command
      .add_option("--resize", options.recipe.resize,
                  "Short side of test images before the centre crop, in pixels; 0 means size * 256 / 224.")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command
      .add_option("--recipe", flags.recipe,
                  "What --batch, --lr, --schedule and --warmup are where they are not given: auto chooses "
                  "them for the "
                  "number of images and says so; paper is 256, 0.1, step, 0.")
      ->check(CLI::IsMember({"auto", "paper"}))
      ->capture_default_str();
  command
      .add_option(
          "--batch", flags.batch,
          "Images of a step, at most: a pass is cut into steps as even as they can be. Several processes "
          "share them; a larger batch wants a larger --lr in proportion, and a --warmup.")
      ->check(CLI::Range(1, 65536));
  command
      .add_option("--micro-batch", options.micro_batch,
                  "Images in memory at a time, where a whole batch does not fit; 0 means the batch.")
      ->check(CLI::Range(0, 65536))
      ->capture_default_str();
  add_step_flags(command, flags.loop, options.loop,
                 {.drops = "each third of the training", .decayed = "all parameters"});
  command
      .add_option("--ridge", options.ridge,
                  "Solve --network linear directly, by ridge regression on standardized maps with this "
                  "penalty, such as 1000, in place of learning it.")
      ->check(CLI::Range(1e-9, 1e12));
  command
      .add_option("--label-smoothing", options.label_smoothing,
                  "Share of each label spread over all classes.")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  command
      .add_option("--class-weights", flags.class_weights,
                  "How often an image counts in the loss by its class: a number for each class, in their "
                  "order, or balanced, with which rare classes count as much as frequent ones.")
      ->delimiter(',');
  command
      .add_option("--min-crop-area", options.recipe.smallest_area,
                  "Smallest random crop of a training image, as a share of it.")
      ->check(CLI::Range(0.001, 1.0))
      ->capture_default_str();
  command
      .add_option("--shift", options.recipe.shift,
                  "In place of random crops, prepare training images like test images and move them at "
                  "random by at most so many pixels each way, over black ones; 4 is usual for --size 32.")
      ->check(CLI::Range(1, 2048))
      ->excludes(command.get_option("--min-crop-area"));
  command.add_flag("--no-flip", flags.no_flip, "Do not mirror training images.");
  add_names_flag(command, "--policy", options.recipe.policy,
                 "Change colours and shapes of training images as this policy has it, with torchvision's "
                 "numbers: AutoAugment's for ImageNet or CIFAR-10, or TrivialAugment.");
  command
      .add_option("--erase", options.recipe.erase,
                  "Probability of a rectangle of the mean colour in a training image; 0.25 is usual.")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--mixup", options.mix.mixup,
                  "Add each training image to another, and their labels, in shares drawn from "
                  "Beta(alpha, alpha) with this alpha; 0.2 is usual, 0 is never.")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command
      .add_option("--cutmix", options.mix.cutmix,
                  "Put a rectangle of another into each training image, and mix their labels; its area is "
                  "drawn by this alpha. 1 is usual, 0 is never. With --mixup, a step has one of both.")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  auto* plain =
      command.add_flag("--no-augment", flags.no_augment, "Prepare training images like test images.");
  for (const auto* flag : {"--shift", "--policy", "--erase"}) plain->excludes(command.get_option(flag));
}

}  // namespace

void add_train_command(CLI::App& app, const TeamPlace& place) {
  auto flags = std::make_shared<TrainFlags>();
  auto* command = app.add_subcommand(
      "train",
      "Train a network on a folder of images\n"
      "DATA has one folder, or one tar archive, of JPEG, PNG or WebP files for each class, or shards as "
      "`scatlight pack` and WebDataset write them. The run folder gets model.safetensors (all that "
      "`scatlight eval` and `scatlight predict` need), best.safetensors (the same at the best evaluation), "
      "run.json, log.jsonl, eval.json, and checkpoint.safetensors, from which --resume continues after a "
      "kill.");
  command
      ->add_option("DATA", flags->data,
                   "Training images: DATA/CLASS/*.jpg, DATA/CLASS.tar, or shards: DATA/*.tar with KEY.jpg "
                   "and KEY.cls.")
      ->type_name("DIR");
  command
      ->add_option("--val", flags->val, "Images for evaluation, of the same classes, in any of these forms.")
      ->type_name("DIR");
  command->add_option("--run", flags->loop.run, "Run folder to make.")->required()->type_name("DIR");
  add_val_share_flag(*command, flags->loop, val_flag, "each class");
  add_network_flags(*command, flags->network, "`scatlight models` lists them");
  add_frozen_flag(*command, flags->network, nothing_frozen);
  add_filter_flags(*command, *flags);
  add_length_flags(*command, flags->loop, flags->options.loop);
  add_recipe_flags(*command, *flags);
  auto& options = flags->options;
  add_call_flags(*command, {options.seed, options.threads, options.max_pixels}, flags->placement,
                 "first weights, order and augmentation");
  command->add_flag("--skip-bad", options.skip_bad, "Leave out files that cannot be read, and name them.");
  add_run_flags(*command, flags->loop, flags->options.loop);
  command->footer(R"(
Examples:
  scatlight train shapes/train --val shapes/val --run runs/first --epochs 10
  scatlight train photos/train --val photos/val --run runs/ten-minutes --minutes 10
  scatlight train --resume --run runs/first
  torchrun --standalone --nproc-per-node=8 -m scatlight -- \
    train photos/train --run runs/first --device cuda)");
  command->callback([flags, command, place] { run_training(*command, *flags, place); });
}

}  // namespace scatlight::cli
