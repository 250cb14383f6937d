#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

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
  std::optional<int> scales = {};
  std::optional<int> angles = {};
  std::optional<int> max_order = {};
  bool input_norm = false;
  std::string weights = {};
};

/// `choice` names the networks that the help proposes.
void add_network_flags(CLI::App& command, NetworkFlags& flags, const std::string& choice);

/// Throws CLI::ValidationError for flags that say nothing about the network.
nets::NetworkOptions network_of(const NetworkFlags& flags);

/// What a loop is told, but for what each kind of training has its own defaults.
struct LoopFlags {
  std::string run = {};
  double minutes = 0;
  std::optional<double> learning_rate = {};
  std::optional<double> warmup = {};
  std::optional<std::string> schedule = {};
  bool resume = false;
  bool resume_or_new = false;
  bool overwrite = false;
  bool data_changed = false;
};

/// Adds --resume, --resume-or-new, --overwrite, --data-changed, --eval-every and --checkpoint-every.
void add_run_flags(CLI::App& command, LoopFlags& flags, train::LoopOptions& options);

/// Adds --epochs and --minutes.
void add_length_flags(CLI::App& command, LoopFlags& flags, train::LoopOptions& options);

/// What help says of the steps of a kind of training.
struct StepWords {
  std::string drops;    ///< After what the step schedule divides the rate.
  std::string decayed;  ///< Which parameters weight decay acts on.
};

/// Adds --lr, --schedule, --warmup, --momentum and --weight-decay.
void add_step_flags(CLI::App& command, LoopFlags& flags, train::LoopOptions& options, const StepWords& words);

/// Throws CLI::ValidationError for an interval of evaluations where there are none.
void check_evaluation_flags(const train::LoopOptions& options, bool evaluates);

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
/// given and differs.
void take_flags_of_run(CLI::App& command, const LoopFlags& flags, const train::Team& team);

/// Throws io::Stopped where a signal ended the training. `command` is named in the advice.
void check_finished(const train::LoopResult& result, const LoopFlags& flags, const char* command);

/// Says in standard output what was trained.
void print_loop(const train::LoopResult& result, const LoopFlags& flags);

}  // namespace scatlight::cli
