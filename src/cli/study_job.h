#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scatlight/scattering.h"

namespace scatlight::cli {

/// Everything `scatlight study` was asked to do.
struct StudyJob {
  std::vector<std::string> inputs = {};  ///< Image files and folders of them; none: the study draws its own.
  std::filesystem::path out = "study";   ///< A folder, made if it is absent.
  ScatteringOptions scattering = {};     ///< Height and width are set by the job.
  int size = 224;       ///< Pixels per side of the grid, to which the images' centre squares are resized.
  int max_scales = 5;   ///< The largest J of the curves against J.
  bool search = false;  ///< Also look for the filters with the least epsilon_0.
};

/// Measures what the paper's section 2 states and writes out/study.json and pictures beside it, with a
/// progress bar; returns what stands in study.json. The size must be a multiple of 2^J for all J in question.
/// Throws Error that names the file.
nlohmann::ordered_json run_study(const StudyJob& job);

}  // namespace scatlight::cli
