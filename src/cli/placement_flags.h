#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>

#include "torch/device.h"

namespace scatlight::cli {

struct PlacementFlags {
  std::optional<int> gpu = {};
  std::string precision = "float32";
};

/// Adds --device and --precision.
void add_placement_flags(CLI::App& command, PlacementFlags& flags);

/// Opens the device. Says so where the precision makes it slower. Throws Error as torch_ops::open_device().
torch_ops::Placement open_placement(const PlacementFlags& flags);

}  // namespace scatlight::cli
