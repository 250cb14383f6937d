#pragma once

#include <CLI/App.hpp>
#include <cstdint>

#include "cli/team_place.h"

namespace scatlight::cli {

/// Every reader of JSON knows whole numbers up to here exactly.
constexpr std::int64_t largest_seed = std::int64_t{1} << 53;

// Each adds its subcommand to the app. Flags become a typed struct in the command's own file and nowhere
// else.
void add_info_command(CLI::App& app);
void add_transform_command(CLI::App& app, const TeamPlace& place);
void add_reconstruct_command(CLI::App& app);
void add_draw_command(CLI::App& app);
void add_pack_command(CLI::App& app);
void add_study_command(CLI::App& app);
void add_completion_command(CLI::App& app);
#ifdef SCATLIGHT_HAS_TORCH
void add_models_command(CLI::App& app);
void add_train_command(CLI::App& app, const TeamPlace& place);
void add_train_detector_command(CLI::App& app, const TeamPlace& place);
void add_eval_command(CLI::App& app, const TeamPlace& place);
void add_predict_command(CLI::App& app, const TeamPlace& place);
void add_bench_command(CLI::App& app);
#endif

}  // namespace scatlight::cli
