#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/input_flags.h"
#include "cli/placement_flags.h"
#include "cli/team_place.h"
#include "nets/network.h"
#include "train/loop.h"
#include "train/team.h"

// The flags that both kinds of training have.

namespace scatlight::cli {

struct NetworkFlags {
  std::string name = {};
  std::optional<int> stem = {};
  std::vector<int> widths = {};
  std::vector<int> depths = {};
  InputFlags input = {};
  bool input_norm = false;
  bool standardize = false;
  std::string weights = {};
  std::optional<int> frozen = {};
};

/// `choice` names the networks that the help proposes.
void add_network_flags(CLI::App& command, NetworkFlags& flags, const std::string& choice);

/// Throws CLI::ValidationError for flags that say nothing about the network.
nets::NetworkOptions network_of(const NetworkFlags& flags);

/// Adds --frozen; `usual` is what it is with first weights where it is not given.
void add_frozen_flag(CLI::App& command, NetworkFlags& flags, int usual);

/// The groups that are frozen: see nets::first_trained(). Throws CLI::ValidationError for some without first
/// weights.
int frozen_groups(const NetworkFlags& flags, int usual);

/// "the stem and 2 groups stay as they are"; empty where all is trained.
std::string describe_frozen(int groups);

/// The flags of a training loop, except those for which each kind of training has its own defaults.
struct LoopFlags {
  std::string run = {};
  double minutes = 0;
  std::optional<double> learning_rate = {};
  std::optional<double> warmup = {};
  std::optional<std::string> schedule = {};
  std::optional<double> weight_decay = {};
  bool resume = false;
  bool resume_or_new = false;
  bool overwrite = false;
  bool data_changed = false;
  std::optional<double> val_share = {};
  bool other_length = false;  ///< Follows from the others: see take_flags_of_run().
};

/// Adds --resume, --resume-or-new, --overwrite, --data-changed, --eval-every, --patience and
/// --checkpoint-every.
void add_run_flags(CLI::App& command, LoopFlags& flags, train::LoopOptions& options);

/// Adds --epochs and --minutes.
void add_length_flags(CLI::App& command, LoopFlags& flags, train::LoopOptions& options);

/// What help says of the steps of a kind of training.
struct StepWords {
  std::string drops;    ///< When the step schedule divides the rate.
  std::string decayed;  ///< Which parameters weight decay acts on.
};

/// Adds --lr, --schedule, --warmup, --optimizer, --momentum, --nesterov, --weight-decay and --ema.
void add_step_flags(CLI::App& command, LoopFlags& flags, train::LoopOptions& options, const StepWords& words);

/// Adds --val-share, which the flags `val` for other data exclude. `share` says what it is a share of.
void add_val_share_flag(CLI::App& command, LoopFlags& flags, const std::vector<std::string>& val,
                        const std::string& share);

/// Throws CLI::ValidationError for data for evaluation, given by one of the flags `val`, beside --val-share,
/// which a resume has of its run, and for flags of evaluations where there are none.
void check_evaluation_flags(const CLI::App& command, const LoopFlags& flags,
                            const train::LoopOptions& options, const std::vector<std::string>& val,
                            bool evaluates);

/// "evaluation", or with a share "evaluation, 20 % held out"
std::string name_of_evaluation(const LoopFlags& flags);

/// What both kinds of training have in an option of the same name.
struct CallOptions {
  std::uint64_t& seed;
  int& threads;
  std::int64_t& max_pixels;
};

/// Adds --seed, --device, --precision, --threads and --max-pixels. `drawn` says what the seed is of.
void add_call_flags(CLI::App& command, const CallOptions& options, PlacementFlags& placement,
                    const std::string& drawn);

/// Puts the flags into the options; `schedule` is what they change.
void take_loop_flags(const LoopFlags& flags, const train::Schedule& schedule, train::LoopOptions& options);

/// "steps of 32 images, rate 0.05, cosine schedule after a warm-up of 5 %"
std::string describe_steps(std::int64_t batch, const train::Schedule& schedule);

/// All flags as the JSON of run.json and of the checkpoint. `chosen` has those that the command chose where
/// they were not given, but for the ones in the options.
std::string flags_of_run(const CLI::App& command, const LoopFlags& flags, const train::LoopOptions& options,
                         const nlohmann::ordered_json& chosen);

/// Sets flags.resume and flags.overwrite where the run folder decides: with --resume-or-new, and where
/// torchrun has started the processes anew after they began the run, so that they go on. Collective, as the
/// next.
void decide_resume(LoopFlags& flags, const TeamPlace& place, const train::Team& team);

/// Before a resume: sets the flags that were not given from those of the run. Throws Error for one that was
/// given and differs; but an explicit --resume may have another length, which sets flags.other_length.
void take_flags_of_run(CLI::App& command, LoopFlags& flags, const train::Team& team);

/// Throws io::Stopped where a signal ended the training. `command` is named in the advice.
void check_finished(const train::LoopResult& result, const LoopFlags& flags, const char* command);

/// Says in standard output what was trained.
void print_loop(const train::LoopResult& result, const LoopFlags& flags);

/// Says in standard output which evaluation was the best, with its score in words, and where its model is.
void print_best(const train::BestEvaluation& best, const LoopFlags& flags, const std::string& score);

}  // namespace scatlight::cli
