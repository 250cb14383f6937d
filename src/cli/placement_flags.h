#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>

#include "cli/team_place.h"
#include "torch/device.h"

namespace scatlight::cli {

struct PlacementFlags {
  std::optional<int> gpu = {};
  std::string precision = "float32";
};

/// Adds --device and --precision.
void add_placement_flags(CLI::App& command, PlacementFlags& flags);

at::ScalarType precision_of(const PlacementFlags& flags);

/// Opens the device of a process. The first one says so where the precision is slower there. Throws Error as
/// torch_ops::open_device().
torch_ops::Placement open_placement(const CLI::App& command, const PlacementFlags& flags,
                                    const TeamPlace& place);

}  // namespace scatlight::cli
