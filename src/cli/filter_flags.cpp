#include "cli/filter_flags.h"

#include <nlohmann/json.hpp>

namespace scatlight::cli {

void FilterFlags::add_to(CLI::App& command, ScatteringOptions& options, int most_scales, int most_angles) {
  command.add_option("--scales", options.scales, "J: the transform averages over 2^J pixels.")
      ->check(CLI::Range(1, most_scales))
      ->capture_default_str();
  command.add_option("--angles", options.angles, "L: directions of the wavelets.")
      ->check(CLI::Range(1, most_angles))
      ->capture_default_str();
  command.add_option("--wavelet", wavelet_, "Morlet wavelets have a zero mean, Gabor's do not.")
      ->check(CLI::IsMember({"morlet", "gabor"}))
      ->capture_default_str();
  command
      .add_option("--normalization", normalization_,
                  "Of the wavelets: as kymatio, which takes pi as 3.1415, or exact.")
      ->check(CLI::IsMember({"kymatio", "exact"}))
      ->capture_default_str();
  command.add_option("--sigma", options.sigma, "Width of the finest wavelet, in pixels.")
      ->check(CLI::Range(0.1, 100.0))
      ->capture_default_str();
  command
      .add_option("--center-frequency", options.center_frequency,
                  "Of the finest wavelet, in radians a pixel: 3/4 pi.")
      ->check(CLI::Range(0.01, 100.0))
      ->capture_default_str();
  command.add_option("--slant", options.slant, "Ratio of a wavelet's two widths; 0 means 4 / L.")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
}

void FilterFlags::apply(ScatteringOptions& options) const {
  options.wavelet = wavelet_ == "gabor" ? Wavelet::Gabor : Wavelet::Morlet;
  options.normalization = normalization_ == "exact" ? Normalization::Exact : Normalization::Kymatio;
}

nlohmann::ordered_json describe_filters(const ScatteringOptions& options) {
  return {{"scales", options.scales},
          {"angles", options.angles},
          {"wavelet", options.wavelet == Wavelet::Morlet ? "morlet" : "gabor"},
          {"normalization", options.normalization == Normalization::Kymatio ? "kymatio" : "exact"},
          {"sigma", options.sigma},
          {"center_frequency", options.center_frequency},
          {"slant", options.slant == 0 ? 4.0 / options.angles : options.slant}};
}

}  // namespace scatlight::cli
