#pragma once

#include <CLI/App.hpp>
#include <optional>

#include "cli/team_place.h"

namespace scatlight::cli {

/// Adds --device cpu|cuda|cuda:N. `gpu` becomes the number of the GPU, or nothing for the CPU.
void add_device_flag(CLI::App& command, std::optional<int>& gpu);

/// The GPU of a process: where --device is cuda, each process of a machine has its own. Throws
/// CLI::ValidationError for cuda:N in a team.
std::optional<int> gpu_of(const CLI::App& command, std::optional<int> gpu, const TeamPlace& place);

}  // namespace scatlight::cli
