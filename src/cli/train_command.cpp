#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/device_flag.h"
#include "cli/image_flags.h"
#include "cli/run_flags.h"
#include "data/folder.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "io/machine.h"
#include "io/progress.h"
#include "nets/catalogue.h"
#include "scatlight/error.h"
#include "torch/device.h"
#include "train/checkpoint.h"
#include "train/run_folder.h"
#include "train/step_defaults.h"
#include "train/trainer.h"

namespace scatlight::cli {
namespace {

struct TrainFlags {
  train::TrainOptions options = {};
  std::string data = {};
  std::string val = {};
  std::string run = {};
  std::string network = "scatresnet-small";
  std::optional<int> stem = {};
  std::vector<int> widths = {};
  std::vector<int> depths = {};
  std::optional<int> scales = {};
  std::optional<int> angles = {};
  std::optional<int> max_order = {};
  bool input_norm = false;
  double minutes = 0;
  std::string recipe = "auto";
  std::optional<std::int64_t> batch = {};
  std::optional<double> learning_rate = {};
  std::optional<double> warmup = {};
  std::optional<std::string> schedule = {};
  std::string weights = {};
  std::optional<int> gpu = {};
  bool no_augment = false;
  bool no_flip = false;
  bool resume = false;
  bool overwrite = false;
  bool data_changed = false;
};

/// Flags that belong to a call, not to the run that it begins or continues.
const std::vector<std::string> of_the_call = {"run", "resume", "overwrite", "data-changed", "config", "help"};

/// Flags that a resume may change: none of them changes the result, but for the rounding of another device.
const std::vector<std::string> free_at_resume = {"data",       "val",      "device",     "threads",
                                                 "max-pixels", "skip-bad", "eval-every", "checkpoint-every"};

void refuse(bool given, const char* flags, const std::string& network, const char* why) {
  if (given)
    throw CLI::ValidationError(fmt::format("{} says nothing about {}, which {}", flags, network, why));
}

nets::NetworkOptions network_of(const TrainFlags& flags) {
  auto network = nets::network_options(flags.network);
  const bool scatters = network.family == nets::Family::ScatResNet || network.family == nets::Family::Linear;
  const bool has_groups =
      network.family == nets::Family::ScatResNet || network.family == nets::Family::ResNet;
  refuse(!scatters && (flags.scales || flags.angles || flags.max_order), "--scales, --angles or --max-order",
         flags.network, "works on pixels");
  refuse(!has_groups && (flags.stem || !flags.widths.empty() || !flags.depths.empty()),
         "--stem, --widths or --depths", flags.network, "has no residual groups");
  network.scales = flags.scales.value_or(network.scales);
  network.angles = flags.angles.value_or(network.angles);
  network.max_order = flags.max_order.value_or(network.max_order);
  network.stem = flags.stem.value_or(network.stem);
  if (!flags.widths.empty()) network.widths = flags.widths;
  if (!flags.depths.empty()) network.depths = flags.depths;
  if (network.widths.size() != network.depths.size()) {
    throw CLI::ValidationError(fmt::format("{} widths and {} depths: give one of each for every group",
                                           network.widths.size(), network.depths.size()));
  }
  network.input_norm = network.input_norm || flags.input_norm;
  return network;
}

/// The options that follow from the flags alone.
const char* schedule_name(train::ScheduleKind kind) {
  return kind == train::ScheduleKind::Cosine ? "cosine" : "step";
}

/// The flags, and `defaults` where there is none.
void take_steps(const TrainFlags& flags, const train::StepDefaults& defaults, train::TrainOptions& options) {
  options.batch = flags.batch.value_or(defaults.batch);
  options.loop.schedule = defaults.schedule;
  if (flags.schedule) {
    options.loop.schedule.kind =
        *flags.schedule == "cosine" ? train::ScheduleKind::Cosine : train::ScheduleKind::Step;
  }
  options.loop.schedule.learning_rate = flags.learning_rate.value_or(defaults.schedule.learning_rate);
  options.loop.schedule.warmup = flags.warmup.value_or(defaults.schedule.warmup);
}

train::TrainOptions to_options(const TrainFlags& flags) {
  auto options = flags.options;
  options.loop.run = flags.run;
  options.weights = flags.weights;
  options.loop.accept_changed_data = flags.data_changed;
  options.loop.mode = flags.resume      ? train::RunMode::Resume
                      : flags.overwrite ? train::RunMode::Overwrite
                                        : train::RunMode::New;
  options.network = network_of(flags);
  options.loop.seconds = 60 * flags.minutes;
  options.augment = !flags.no_augment;
  if (flags.no_flip) options.recipe.flip = 0;
  options.cache_bytes = io::memory_bytes() / 4;
  take_steps(flags, train::paper_defaults(), options);  // checked without the data
  return options;
}

/// What was asked for, and what was chosen where nothing was, for a resume and for the reader of run.json.
std::string all_flags(const TrainFlags& flags, const CLI::App& command, const train::TrainOptions& options) {
  auto json = flags_to_json(command, of_the_call);
  json["batch"] = options.batch;
  json["lr"] = options.loop.schedule.learning_rate;
  json["schedule"] = schedule_name(options.loop.schedule.kind);
  json["warmup"] = options.loop.schedule.warmup;
  if (flags.minutes > 0) json.erase("epochs");
  return json.dump();
}

void print_chosen(const TrainFlags& flags, const train::TrainOptions& options) {
  if (flags.batch && flags.learning_rate && flags.warmup && flags.schedule) return;
  const auto& schedule = options.loop.schedule;
  std::string line = fmt::format("steps of {} images, rate {:.3g}, {} schedule", options.batch,
                                 schedule.learning_rate, schedule_name(schedule.kind));
  if (schedule.warmup > 0) line += fmt::format(" after a warm-up of {:.3g} %", 100 * schedule.warmup);
  fmt::print(stderr, "{}\n",
             flags.recipe == "paper" ? line + ": the paper's recipe"
                                     : fmt::format("{}: suits {} images; --recipe paper takes the paper's",
                                                   line, options.train_data.samples.size()));
}

void take_flags_of_run(CLI::App& command, const TrainFlags& flags) {
  const train::HeldRunFolder held({flags.run}, train::RunMode::Resume);
  const auto header = train::read_checkpoint_header(held.folder().checkpoint());
  auto free = free_at_resume;
  free.insert(free.end(), of_the_call.begin(), of_the_call.end());
  const auto earlier = nlohmann::ordered_json::parse(header.options, nullptr, /*allow_exceptions=*/false);
  take_flags(command, earlier, free, fmt::format("the run in {}", io::display(flags.run)));
}

void print(const TrainFlags& flags, const train::TrainResult& result) {
  fmt::print("{}: {} epochs, {} steps, {} of training\n",
             io::display_path(train::RunFolder{flags.run}.model()), result.loop.epochs, result.loop.steps,
             io::format_duration(result.loop.seconds));
  if (!result.loop.skipped.empty())
    fmt::print("{} training files were left out\n", result.loop.skipped.size());
  if (!result.evaluation) return;
  const auto& metrics = result.evaluation->metrics;
  fmt::print("{}: top-1 {:.2f} %, top-5 {:.2f} %, loss {:.4f}, {} images\n", io::display(flags.val),
             metrics.top1(), metrics.top5(), metrics.loss(), metrics.images());
}

void run_training(CLI::App& command, TrainFlags& flags) {
  if (flags.resume) take_flags_of_run(command, flags);
  if (flags.data.empty()) throw CLI::RequiredError("DATA");
  auto options = to_options(flags);
  options.device = torch_ops::open_device(flags.gpu);
  try {
    train::check(options);
  } catch (const Error& error) {
    throw CLI::ValidationError(error.what());
  }
  options.train_data = train::list_train_data(flags.data);
  if (!flags.val.empty()) options.val_data = data::list_image_folder(flags.val, options.train_data.classes);
  print_summary("training", options.train_data);
  if (options.val_data) print_summary("evaluation", *options.val_data);
  if (flags.recipe == "auto")
    take_steps(flags, train::defaults_for(std::ssize(options.train_data.samples)), options);
  train::check(options);
  options.loop.flags = all_flags(flags, command, options);
  if (!flags.resume) print_chosen(flags, options);
  const io::StopOnSignal stop_on_signal;
  const auto result = train::train(options, io::StopOnSignal::requested);
  if (!result.loop.finished && result.loop.steps == 0)
    throw io::Stopped("stopped by a signal before the first step");
  if (!result.loop.finished) {
    throw io::Stopped(
        fmt::format("stopped by a signal after step {}: `scatlight train --resume --run {}` continues",
                    result.loop.steps, io::display(flags.run)));
  }
  print(flags, result);
}

void add_network_flags(CLI::App& command, TrainFlags& flags) {
  command.add_option("--network", flags.network, "Network; `scatlight models` lists them.")
      ->check(CLI::IsMember(nets::network_names()))
      ->capture_default_str();
  command
      .add_option("--size", flags.options.recipe.size, "Height and width of the network's images, in pixels.")
      ->check(CLI::Range(8, 2048))
      ->capture_default_str();
  command
      .add_option("--resize", flags.options.recipe.resize,
                  "Short side of test images before the centre crop, in pixels; 0 means size * 256 / 224.")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command.add_option("--widths", flags.widths, "Channels in each group of blocks, such as 64,128.")
      ->delimiter(',')
      ->check(CLI::Range(1, 8192));
  command.add_option("--depths", flags.depths, "Blocks in each group, such as 2,2.")
      ->delimiter(',')
      ->check(CLI::Range(1, 256));
  command.add_option("--stem", flags.stem, "Channels of the first convolution.")->check(CLI::Range(1, 8192));
  command.add_option("--scales", flags.scales, "J of the scattering: it averages over 2^J pixels.")
      ->check(CLI::Range(1, 10));
  command.add_option("--angles", flags.angles, "L of the scattering: directions of the wavelets.")
      ->check(CLI::Range(1, 64));
  command.add_option("--max-order", flags.max_order, "Order of the scattering.")->check(CLI::Range(0, 2));
  command.add_flag("--input-norm", flags.input_norm,
                   "Normalise each scattering map before the first convolution; not in the paper.");
}

void add_recipe_flags(CLI::App& command, TrainFlags& flags) {
  auto& options = flags.options;
  auto* epochs = command.add_option("--epochs", options.loop.epochs, "Length of the training.")
                     ->check(CLI::Range(1, 1'000'000))
                     ->capture_default_str();
  command
      .add_option(
          "--minutes", flags.minutes,
          "Length of the training instead of --epochs, in minutes of this machine; evaluations do not "
          "count.")
      ->check(CLI::Range(0.001, 1e6))
      ->excludes(epochs);
  command
      .add_option("--recipe", flags.recipe,
                  "What --batch, --lr, --schedule and --warmup are where they are not given: auto chooses "
                  "them for the "
                  "number of images and says so; paper is 256, 0.1, step, 0.")
      ->check(CLI::IsMember({"auto", "paper"}))
      ->capture_default_str();
  command
      .add_option("--batch", flags.batch,
                  "Images of a step, at most: a pass is cut into steps as even as they can be.")
      ->check(CLI::Range(1, 65536));
  command
      .add_option("--micro-batch", options.micro_batch,
                  "Images in memory at a time, where a whole batch does not fit; 0 means the batch.")
      ->check(CLI::Range(0, 65536))
      ->capture_default_str();
  command.add_option("--lr", flags.learning_rate, "Learning rate.")->check(CLI::Range(1e-9, 1e6));
  command
      .add_option(
          "--schedule", flags.schedule,
          "How the learning rate falls: divided by 10 after each third of the training, or along half a "
          "cosine wave to 0.")
      ->check(CLI::IsMember({"step", "cosine"}));
  command
      .add_option("--warmup", flags.warmup, "Share of the training in which the learning rate grows from 0.")
      ->check(CLI::Range(0.0, 0.9));
  command.add_option("--momentum", options.loop.sgd.momentum, "Momentum of the gradient.")
      ->check(CLI::Range(0.0, 0.9999))
      ->capture_default_str();
  command.add_option("--weight-decay", options.loop.sgd.weight_decay, "Weight decay, on all parameters.")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--label-smoothing", options.label_smoothing,
                  "Share of each label spread over all classes.")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  command
      .add_option("--min-crop-area", options.recipe.smallest_area,
                  "Smallest random crop of a training image, as a share of it.")
      ->check(CLI::Range(0.001, 1.0))
      ->capture_default_str();
  command.add_flag("--no-flip", flags.no_flip, "Do not mirror training images.");
  command.add_flag("--no-augment", flags.no_augment, "Prepare training images like test images.");
}

void add_weights_flag(CLI::App& command, TrainFlags& flags) {
  command
      .add_option("--weights", flags.weights,
                  "Start from these weights of the same network, with any number of classes, instead of "
                  "random ones: a "
                  "model.safetensors of a run, or one that `python -m scatlight.convert` made.")
      ->type_name("FILE");
}

void add_run_flags(CLI::App& command, TrainFlags& flags) {
  auto& options = flags.options;
  command
      .add_option("--seed", options.seed, "Another seed gives other first weights, order and augmentation.")
      ->check(CLI::Range(std::int64_t{0}, largest_seed))
      ->capture_default_str();
  add_device_flag(command, flags.gpu);
  command.add_option("--threads", options.threads, "Threads; 0 means one for each core.")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  command.add_option("--eval-every", options.loop.eval_every, "Epochs between evaluations on --val.")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command
      .add_option("--checkpoint-every", options.loop.checkpoint_seconds,
                  "Seconds between checkpoints within an epoch; there is always one after each epoch.")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_max_pixels_flag(command, options.max_pixels);
  command.add_flag("--skip-bad", options.skip_bad, "Leave out files that cannot be read, and name them.");
  auto* resume =
      command.add_flag("--resume", flags.resume,
                       "Continue the run in --run from its last checkpoint, with its flags; nothing else "
                       "need be given. --device may be another.");
  command
      .add_flag("--overwrite", flags.overwrite,
                "Replace the run in --run, which stays until the new one has its first checkpoint.")
      ->excludes(resume);
  command
      .add_flag("--data-changed", flags.data_changed,
                "Resume although images were added, removed or replaced since.")
      ->needs(resume);
}

}  // namespace

void add_train_command(CLI::App& app) {
  auto flags = std::make_shared<TrainFlags>();
  auto* command = app.add_subcommand(
      "train",
      "Train a network on a folder of images\n"
      "DATA has one folder of JPEG, PNG or WebP files for each class. The run folder gets model.safetensors "
      "(all "
      "that "
      "`scatlight eval` and `scatlight predict` need), run.json, log.jsonl, eval.json, and "
      "checkpoint.safetensors, from which --resume continues after a kill.");
  command->add_option("DATA", flags->data, "Training images: DATA/CLASS/*.jpg.")->type_name("DIR");
  command->add_option("--val", flags->val, "Images for evaluation, in folders of the same classes.")
      ->type_name("DIR");
  command->add_option("--run", flags->run, "Run folder to make.")->required()->type_name("DIR");
  add_network_flags(*command, *flags);
  add_weights_flag(*command, *flags);
  add_recipe_flags(*command, *flags);
  add_run_flags(*command, *flags);
  command->footer(R"(
Examples:
  scatlight train shapes/train --val shapes/val --run runs/first --epochs 10
  scatlight train photos/train --val photos/val --run runs/ten-minutes --minutes 10
  scatlight train --resume --run runs/first)");
  command->callback([flags, command] { run_training(*command, *flags); });
}

}  // namespace scatlight::cli
