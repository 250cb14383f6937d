#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/folder.h"

namespace scatlight::cli {

/// Adds --max-pixels. `max_pixels` keeps its value when the flag is not given.
void add_max_pixels_flag(CLI::App& command, std::int64_t& max_pixels);

/// The images of the files and folders of a command line, as data::list_images() lists them, in this order.
/// If `reports`, says in one line of standard error what else the folders hold.
std::vector<std::filesystem::path> list_inputs(const std::vector<std::string>& inputs, bool reports = true);

/// Says in standard error what a data set holds: "train: 1397 images of 8 classes (...)", and in a line of
/// its own what was left out.
void print_summary(const char* name, const data::ImageFolder& folder);

}  // namespace scatlight::cli
