#include "cli/training_flags.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "cli/commands.h"
#include "cli/image_flags.h"
#include "cli/option_flags.h"
#include "cli/refuse_flags.h"
#include "cli/run_flags.h"
#include "cli/team_call.h"
#include "data/left_out.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "io/progress.h"
#include "nets/catalogue.h"
#include "scatlight/error.h"
#include "train/checkpoint.h"
#include "train/run_folder.h"
#include "train/run_record.h"

namespace scatlight::cli {
namespace {

/// Flags that belong to a call, not to the run that it begins or continues.
const std::vector<std::string> of_the_call = {"run",          "resume", "resume-or-new", "overwrite",
                                              "data-changed", "config", "help"};

/// Flags that a resume may change: none of them changes the result, but for the rounding of another device.
const std::vector<std::string> free_at_resume = {
    "data",   "images",  "split",      "val",      "val-split",  "val-images",
    "device", "threads", "max-pixels", "skip-bad", "eval-every", "checkpoint-every"};

/// Flags that say when a training ends.
const std::vector<std::string> of_the_length = {"epochs", "minutes", "patience"};

/// Whether this start of torchrun, or one that it repeats, began the run in the folder.
bool began_here(const train::RunFolder& folder, const TeamPlace& place) {
  const auto call = train::read_facts(folder).value(train::Json::json_pointer("/team/call"), train::Json());
  return !place.run_id.empty() && call == place.run_id;
}

/// Throws Error where run.json says that another command made the run. It may be damaged, or gone.
void check_command(const std::string& command, const train::RunFolder& folder) {
  const auto facts = train::read_facts(folder);
  if (!facts.contains("command") || !facts["command"].is_string()) return;
  const auto made_by = facts["command"].get<std::string>();
  if (made_by == command) return;
  throw Error(fmt::format("the run in {} is one of `scatlight {}`, which resumes it",
                          io::display_path(folder.root), io::display(made_by)));
}

// Of AdamW, as torch has them.
constexpr double rate_of_adamw = 0.001;
constexpr double decay_of_adamw = 0.01;

constexpr double rise_of_one_cycle = 0.3;  // as torch has it

/// Takes out of the flags of a run those in whose place an explicit --resume gives its length; returns
/// whether it is another one.
bool replace_length(const CLI::App& command, nlohmann::ordered_json& earlier) {
  if (!earlier.is_object() || command.get_option("--resume")->count() == 0) return false;
  const auto given = flags_to_json(command, of_the_call);
  const auto is_given = [&](const std::string& name) { return command.get_option("--" + name)->count() > 0; };
  const bool is_other = std::ranges::any_of(of_the_length, [&](const auto& name) {
    return is_given(name) && given[name] != earlier.value(name, nlohmann::ordered_json());
  });
  if (!is_other) return false;
  if (is_given("epochs") || is_given("minutes")) {
    earlier.erase("epochs");
    earlier.erase("minutes");
  }
  if (is_given("patience")) earlier.erase("patience");
  return true;
}

}  // namespace

void add_network_flags(CLI::App& command, NetworkFlags& flags, const std::string& choice) {
  command.add_option("--network", flags.name, "Network; " + choice + ".")
      ->check(CLI::IsMember(nets::network_names()))
      ->capture_default_str();
  command.add_option("--widths", flags.widths, "Channels of each group of blocks, such as 64,128.")
      ->delimiter(',')
      ->check(CLI::Range(1, 8192));
  command.add_option("--depths", flags.depths, "Blocks in each group, such as 2,2.")
      ->delimiter(',')
      ->check(CLI::Range(1, 256));
  command.add_option("--stem", flags.stem, "Channels of the first convolution.")->check(CLI::Range(1, 8192));
  add_input_flags(command, flags.input);
  auto* norm = command.add_flag("--input-norm", flags.input_norm,
                                "Normalise each map by its batch before the first convolution; not in the "
                                "paper.");
  command
      .add_flag("--standardize", flags.standardize,
                "Subtract from each map its mean over the training images, and divide it by its deviation; "
                "both are kept in the weights.")
      ->excludes(norm);
  command
      .add_option("--weights", flags.weights,
                  "Start from these weights of the same network, with any number of classes, instead of "
                  "random ones: the model.safetensors of a run, or one that `python -m scatlight.convert` "
                  "made.")
      ->type_name("FILE");
}

nets::NetworkOptions network_of(const NetworkFlags& flags) {
  auto network = with_input(nets::network_options(flags.name), flags.input);
  const bool has_groups = network.family != nets::Family::Vgg && network.family != nets::Family::Linear;
  refuse_flags_of_network(!has_groups && (flags.stem || !flags.widths.empty() || !flags.depths.empty()),
                          "--stem, --widths or --depths", flags.name, "has no residual groups");
  network.stem = flags.stem.value_or(network.stem);
  if (!flags.widths.empty()) network.widths = flags.widths;
  if (!flags.depths.empty()) network.depths = flags.depths;
  if (network.widths.size() != network.depths.size()) {
    throw CLI::ValidationError(fmt::format("{} widths and {} depths: give one of each for every group",
                                           network.widths.size(), network.depths.size()));
  }
  network.input_norm = (network.input_norm || flags.input_norm) && !flags.standardize;
  network.standardize = flags.standardize;
  return network;
}

void add_frozen_flag(CLI::App& command, NetworkFlags& flags, int usual) {
  command
      .add_option(
          "--frozen", flags.frozen,
          fmt::format(
              "With --weights: how many groups of layers are not trained, nor what comes before them; "
              "the default is {}. 0 freezes only what comes before the groups, -1 nothing.",
              usual))
      ->check(CLI::Range(-1, 16));
}

int frozen_groups(const NetworkFlags& flags, int usual) {
  if (!flags.weights.empty()) return flags.frozen.value_or(usual);
  if (flags.frozen.value_or(-1) >= 0)
    throw CLI::ValidationError(
        fmt::format("--frozen {} needs --weights: random layers learn nothing", *flags.frozen));
  return -1;
}

std::string describe_frozen(int groups) {
  if (groups < 0) return {};
  if (groups == 0) return "the stem stays as it is";
  return fmt::format("the stem and {} stay as they are", data::count(groups, "group"));
}

void add_run_flags(CLI::App& command, LoopFlags& flags, train::LoopOptions& options) {
  command.add_option("--eval-every", options.eval_every, "Epochs between evaluations.")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command
      .add_option("--patience", options.patience,
                  "End the training after this many evaluations in a row that were no better than the best "
                  "one, whose model is best.safetensors.")
      ->check(CLI::Range(1, 1'000'000));
  command
      .add_option("--checkpoint-every", options.checkpoint_seconds,
                  "Seconds between checkpoints within an epoch; there is always one after each epoch.")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  auto* resume =
      command.add_flag("--resume", flags.resume,
                       "Continue the run in --run from its last checkpoint, with its flags; no other flag is "
                       "needed. --device may differ. With another --epochs, --minutes or --patience a "
                       "finished run is trained further: the learning rate continues where the schedule of "
                       "the new length has it, which is not the same as a training of that length from the "
                       "start.");
  command
      .add_flag(
          "--resume-or-new", flags.resume_or_new,
          "Continue the run in --run if it has a checkpoint, else start it: for batch systems that repeat a "
          "command. The flags must be those of the run.")
      ->excludes(resume);
  command
      .add_flag("--overwrite", flags.overwrite,
                "Replace the run in --run, which stays until the new one has its first checkpoint.")
      ->excludes(resume)
      ->excludes(command.get_option("--resume-or-new"));
  command
      .add_flag("--data-changed", flags.data_changed,
                "Resume even if images were added, removed or replaced since the run started.")
      ->needs(resume);
}

void add_length_flags(CLI::App& command, LoopFlags& flags, train::LoopOptions& options) {
  auto* epochs = command.add_option("--epochs", options.epochs, "Length of the training.")
                     ->check(CLI::Range(1, 1'000'000))
                     ->capture_default_str();
  command
      .add_option(
          "--minutes", flags.minutes,
          "Length of the training in minutes on this machine, instead of --epochs; evaluations do not "
          "count.")
      ->check(CLI::Range(0.001, 1e6))
      ->excludes(epochs);
}

void add_step_flags(CLI::App& command, LoopFlags& flags, train::LoopOptions& options,
                    const StepWords& words) {
  command.add_option("--lr", flags.learning_rate, "Learning rate.")->check(CLI::Range(1e-9, 1e6));
  command
      .add_option("--schedule", flags.schedule,
                  "How the learning rate falls: divided by 10 after " + words.drops +
                      "; along half a cosine wave to 0; or in one cycle, up for 0.3 of the training "
                      "(--warmup) and then down.")
      ->check(CLI::IsMember({"step", "cosine", "onecycle"}));
  command
      .add_option("--warmup", flags.warmup, "Share of the training in which the learning rate grows from 0.")
      ->check(CLI::Range(0.0, 0.9));
  add_names_flag(command, "--optimizer", options.optimizer.kind,
                 "Stochastic gradient descent with momentum, or AdamW, whose --lr is 0.001 and whose "
                 "--weight-decay is 0.01 where they are not given.");
  command.add_option("--momentum", options.optimizer.momentum, "Momentum of the gradient; beta1 of AdamW.")
      ->check(CLI::Range(0.0, 0.9999))
      ->capture_default_str();
  command.add_flag("--nesterov", options.optimizer.nesterov, "Nesterov's momentum.");
  command
      .add_option("--weight-decay", flags.weight_decay,
                  "Weight decay, on " + words.decayed + "; 0.0001 if it is not given.")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--ema", options.weight_average,
                  "Evaluate and save a moving average of the weights over the steps with this decay, such as "
                  "0.999.")
      ->check(CLI::Range(0.0, 0.999999));
}

void add_val_share_flag(CLI::App& command, LoopFlags& flags, const std::vector<std::string>& val,
                        const std::string& share) {
  auto* option =
      command
          .add_option("--val-share", flags.val_share,
                      "Hold out this share of " + share +
                          " for evaluation, if there is no other data for it: the same images in every "
                          "training.")
          ->check(CLI::Range(0.0001, 0.9));
  for (const auto& flag : val) option->excludes(command.get_option(flag));
}

void check_evaluation_flags(const CLI::App& command, const LoopFlags& flags,
                            const train::LoopOptions& options, const std::vector<std::string>& val,
                            bool evaluates) {
  for (const auto& flag : val) {
    if (flags.val_share && command.get_option(flag)->count() > 0)
      throw CLI::ValidationError(
          fmt::format("{} is not accepted: the run holds out {:.4g} % of its data (--val-share)", flag,
                      100 * *flags.val_share));
  }
  const auto refuse_without_data = [&](const char* flag, std::int64_t value) {
    throw CLI::ValidationError(fmt::format("{} {} has no effect without data for evaluation", flag, value));
  };
  if (evaluates) return;
  if (options.eval_every != train::LoopOptions{}.eval_every)
    refuse_without_data("--eval-every", options.eval_every);
  if (options.patience > 0) refuse_without_data("--patience", options.patience);
}

std::string name_of_evaluation(const LoopFlags& flags) {
  return flags.val_share ? fmt::format("evaluation, {:.4g} % held out", 100 * *flags.val_share)
                         : std::string("evaluation");
}

void add_call_flags(CLI::App& command, const CallOptions& options, PlacementFlags& placement,
                    const std::string& drawn) {
  command.add_option("--seed", options.seed, "Another seed gives other " + drawn + ".")
      ->check(CLI::Range(std::int64_t{0}, largest_seed))
      ->capture_default_str();
  add_placement_flags(command, placement);
  command.add_option("--threads", options.threads, "Threads; 0 means one per core.")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  add_max_pixels_flag(command, options.max_pixels);
}

void take_loop_flags(const LoopFlags& flags, const train::Schedule& schedule, train::LoopOptions& options) {
  options.run = flags.run;
  options.accept_changed_data = flags.data_changed;
  options.other_length = flags.other_length;
  options.mode = flags.resume      ? train::RunMode::Resume
                 : flags.overwrite ? train::RunMode::Overwrite
                                   : train::RunMode::New;
  options.seconds = 60 * flags.minutes;
  options.schedule = schedule;
  if (flags.schedule) options.schedule.kind = from_name<train::ScheduleKind>(*flags.schedule);
  const bool is_cycle = options.schedule.kind == train::ScheduleKind::OneCycle;
  auto& optimizer = options.optimizer;
  const bool is_adamw = optimizer.kind == train::OptimizerKind::AdamW;
  optimizer.weight_decay = flags.weight_decay.value_or(is_adamw ? decay_of_adamw : optimizer.weight_decay);
  options.schedule.learning_rate =
      flags.learning_rate.value_or(is_adamw ? rate_of_adamw : schedule.learning_rate);
  options.schedule.warmup = flags.warmup.value_or(is_cycle ? rise_of_one_cycle : schedule.warmup);
}

std::string describe_steps(std::int64_t batch, const train::Schedule& schedule) {
  auto line = fmt::format("steps of {}, rate {:.3g}, {} schedule", data::count(batch, "image"),
                          schedule.learning_rate, name_of(schedule.kind));
  if (schedule.warmup > 0) line += fmt::format(" after a warm-up of {:.3g} %", 100 * schedule.warmup);
  return line;
}

std::string flags_of_run(const CLI::App& command, const LoopFlags& flags, const train::LoopOptions& options,
                         const nlohmann::ordered_json& chosen) {
  auto json = flags_to_json(command, of_the_call);
  json.update(chosen);
  json["lr"] = options.schedule.learning_rate;
  json["schedule"] = name_of(options.schedule.kind);
  json["warmup"] = options.schedule.warmup;
  json["weight-decay"] = options.optimizer.weight_decay;
  if (flags.minutes > 0) json.erase("epochs");
  return json.dump();
}

void decide_resume(LoopFlags& flags, const TeamPlace& place, const train::Team& team) {
  const train::RunFolder folder{flags.run};
  // A run that is there before this one has a checkpoint is another one.
  const auto goes_on = [&] {
    return flags.resume_or_new || (place.restarts > 0 && began_here(folder, place));
  };
  bool resumes = false;
  team.lead([&] {
    std::error_code ignored;
    resumes = goes_on() && std::filesystem::exists(folder.checkpoint(), ignored);
  });
  if (!team.any(resumes)) return;
  flags.resume = true;
  flags.overwrite = false;
}

void take_flags_of_run(CLI::App& command, LoopFlags& flags, const train::Team& team) {
  std::string options;
  team.lead([&] {
    const train::HeldRunFolder held({flags.run}, train::RunMode::Resume);
    check_command(command.get_name(), held.folder());
    options = train::read_checkpoint_header(held.folder().checkpoint()).options;
  });
  auto free = free_at_resume;
  free.insert(free.end(), of_the_call.begin(), of_the_call.end());
  auto earlier = nlohmann::ordered_json::parse(team.share(options), nullptr, /*allow_exceptions=*/false);
  flags.other_length = replace_length(command, earlier);
  if (flags.other_length) free.insert(free.end(), of_the_length.begin(), of_the_length.end());
  team.do_alike(
      [&] { take_flags(command, earlier, free, fmt::format("the run in {}", io::display(flags.run))); });
}

void check_finished(const train::LoopResult& result, const LoopFlags& flags, const char* command) {
  if (result.finished) return;
  if (result.steps == 0) throw io::Stopped("stopped by a signal before the first step");
  throw io::Stopped(
      fmt::format("stopped by a signal after step {}: `scatlight {} --resume --run {}` continues",
                  result.steps, command, io::display(flags.run)));
}

void print_loop(const train::LoopResult& result, const LoopFlags& flags) {
  fmt::print("{}: {}, {}, {} of training\n", io::display_path(train::RunFolder{flags.run}.model()),
             data::count(result.epochs, "epoch"), data::count(result.steps, "step"),
             io::format_duration(result.seconds));
  if (!result.skipped.empty()) fmt::print("{} training files were left out\n", result.skipped.size());
}

void print_best(const train::BestEvaluation& best, const LoopFlags& flags, const std::string& score) {
  fmt::print("{}: {}, the best, after {}\n", io::display_path(train::RunFolder{flags.run}.best()), score,
             data::count(best.epoch, "epoch"));
}

}  // namespace scatlight::cli
