#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scatlight/reconstruction.h"

namespace scatlight::cli {

/// Everything `scatlight reconstruct` was asked to do.
struct ReconstructJob {
  std::vector<std::string> inputs = {};       ///< Image files and folders of them.
  std::filesystem::path out = {};             ///< Folder to write to; made if absent.
  ScatteringOptions scattering = {};          ///< Height, width and threads are set by the job.
  ReconstructionOptions reconstruction = {};  ///< pixel_range and on_step are set by the job.
  int size = 0;     ///< The centre square, resized to this many pixels per side; 0: as it is.
  int threads = 0;  ///< 0: one per core.
};

/// One image's result, as it is in reconstruction.json.
struct ReconstructedImage {
  std::string file = {};
  std::string picture =
      {};  ///< PNG in the folder: the original, the reconstruction, the difference around grey
  int height = 0;
  int width = 0;
  int channels = 0;           ///< 1 if the image has no colour
  double psnr_db = 0;         ///< of 8-bit pixels; infinite if they are equal
  double relative_error = 0;  ///< ||S y - S x|| / ||S x||
  int iterations = 0;         ///< evaluations of the transform and its gradient
  double seconds = 0;
  std::vector<double> errors = {};  ///< relative_error of each iteration
};

/// Reconstructs each image from its scattering, with a progress bar, and writes reconstruction.json and for
/// each image a picture and the reconstruction alone. Several images are worked on at once, one per thread; a
/// single one has all threads. After a signal what was reached is written. Throws Error that names the file.
std::vector<ReconstructedImage> run_reconstruct(const ReconstructJob& job);

}  // namespace scatlight::cli
