#pragma once

#include <CLI/App.hpp>
#include <optional>

namespace scatlight::cli {

/// Adds --device cpu|cuda|cuda:N. `gpu` becomes the number of the GPU, or nothing for the CPU.
void add_device_flag(CLI::App& command, std::optional<int>& gpu);

}  // namespace scatlight::cli
