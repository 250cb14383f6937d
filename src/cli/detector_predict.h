#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "torch/device.h"
#include "train/team.h"

// `scatlight predict` of a detector.

namespace scatlight::cli {

/// Flags of detectors alone.
struct DetectorPredictFlags {
  double score = 0.5;
  std::string marked = {};
};

extern const std::vector<std::string> detector_predict_flags;

void add_detector_predict_flags(CLI::App& command, DetectorPredictFlags& flags);

/// What predict is asked to do with any model.
struct DetectorPredictJob {
  std::filesystem::path model;
  std::vector<std::string> images;
  std::string out;
  std::string csv;
  bool as_json = false;
  int threads = 1;  ///< That exist.
  bool skip_bad = false;
  std::int64_t max_pixels = 0;
  torch_ops::Placement placement = {};
};

/// The members of a team share the files; the one that leads prints and writes.
void predict_objects(const DetectorPredictJob& job, const DetectorPredictFlags& flags,
                     const train::Team& team);

}  // namespace scatlight::cli
