#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/box_data_flags.h"
#include "torch/device.h"
#include "train/team.h"

// `scatlight eval` of a detector.

namespace scatlight::cli {

/// Flags of detectors alone.
struct DetectorEvalFlags {
  std::optional<float> score = {};
  std::optional<float> nms = {};
  std::optional<int> most = {};
  std::string results = {};
};

extern const std::vector<std::string> detector_eval_flags;

void add_detector_eval_flags(CLI::App& command, BoxDataFlags& data, DetectorEvalFlags& flags);

/// What eval is asked to do with any model.
struct DetectorEvalJob {
  std::filesystem::path model;
  std::filesystem::path out;  ///< Empty: nowhere.
  BoxDataFlags data;
  int threads = 0;
  bool skip_bad = false;
  std::int64_t max_pixels = 0;
  torch_ops::Placement placement = {};
};

/// The members of a team share the images; the one that leads prints and writes.
void evaluate_detector(const DetectorEvalJob& job, const DetectorEvalFlags& flags, const train::Team& team);

}  // namespace scatlight::cli
