#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "nets/network.h"

namespace scatlight::cli {

/// What a network reads.
struct InputFlags {
  std::optional<std::string> input = {};
  std::optional<int> scales = {};
  std::optional<int> angles = {};
  std::optional<int> max_order = {};
  std::vector<std::string> paths = {};
  std::optional<int> dct_channels = {};
};

/// Adds --input, --scales, --angles, --max-order, --paths and --dct-channels.
void add_input_flags(CLI::App& command, InputFlags& flags);

/// A network of the catalogue with the input that the flags say. Throws CLI::ValidationError for flags that
/// say nothing about it.
nets::NetworkOptions with_input(const nets::NetworkOptions& network, const InputFlags& flags);

}  // namespace scatlight::cli
