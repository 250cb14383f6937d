#pragma once

#include <CLI/App.hpp>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "scatlight/scattering.h"

namespace scatlight::cli {

/// The flags of the filter bank, which several commands have.
class FilterFlags {
 public:
  /// Adds --scales, --angles, --wavelet, --normalization, --sigma, --center-frequency and --slant. Both
  /// `options` and this object must outlive the parsing.
  void add_to(CLI::App& command, ScatteringOptions& options, int most_scales = 16, int most_angles = 256);

  /// Fills in what was given as words.
  void apply(ScatteringOptions& options) const;

 private:
  std::string wavelet_ = "morlet";
  std::string normalization_ = "kymatio";
};

/// What the flags set, for a file of results. 0 for slant becomes what it means.
nlohmann::ordered_json describe_filters(const ScatteringOptions& options);

}  // namespace scatlight::cli
