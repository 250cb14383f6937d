#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/decode.h"
#include "scatlight/scattering.h"

namespace scatlight::cli {

/// How several processes share the files. The default is of a process alone.
struct TransformShare {
  using Files = std::vector<std::filesystem::path>;

  int part = 0;
  int parts = 1;

  /// Lists all files, as every process does. An error that all have is printed once.
  std::function<Files(const std::function<Files()>&)> list_alike = [](const auto& list_all) {
    return list_all();
  };

  /// The files of this process, of all. Throws Error where the processes were given different ones.
  std::function<Files(Files)> own_files = [](Files files) { return files; };

  /// Called when all is computed and nothing is written yet. Throws Error when another process has failed, or
  /// makes something else; the words say what this one makes.
  std::function<void(const std::string&)> agree = [](const std::string&) {};
};

/// Everything `scatlight transform` was asked to do.
struct TransformJob {
  std::vector<std::string> inputs = {};  ///< Image files and folders of them, or one .npy file.
  std::filesystem::path out = {};        ///< .npy or .safetensors.
  ScatteringOptions scattering = {};     ///< Height, width and threads are set by the job.
  int size = 0;                          ///< Centre crop of images, in pixels per side; 0 keeps their sizes.
  int resize = 0;                        ///< Short side before the crop; 0: size * 256 / 224.
  bool imagenet_pixels = false;          ///< ImageNet's mean and deviation instead of samples in [0, 1].
  std::string precision = {};            ///< "float32", "float64", or empty: float64 for float64 arrays.
  bool per_file = false;                 ///< One tensor for each image file.
  bool skip_bad = false;                 ///< Leave out image files that cannot be used.
  bool index = false;                    ///< Also write the description, beside the output.
  int threads = 0;                       ///< 0: one per core.
  std::int64_t max_pixels = data::default_max_pixels;  ///< Of an image file.
  std::optional<int> gpu = {};  ///< The number of the GPU that transforms; none: the CPU.
  TransformShare share = {};
};

/// The file to write: OUT, or for several processes OUT-00000-of-00008 with OUT's ending.
std::filesystem::path output_of(const TransformJob& job);

struct SkippedImage {
  std::string file;
  std::string reason;
};

/// What was written.
struct TransformResult {
  std::string type = {};  ///< "float32" or "float64"
  std::vector<std::vector<std::int64_t>> shapes =
      {};  ///< Of the tensors: one, or with per_file one per file.
  std::vector<SkippedImage> skipped = {};
};

/// Transforms the inputs into one file for each process, with a progress bar. Memory: for each thread a few
/// images and their features. Images give (N, 3, K, h, w), with per_file each (3, K, h, w); arrays (H, W)
/// give (K, h, w), (C, H, W) give (C, K, h, w) and (N, C, H, W) give (N, C, K, h, w). Throws Error that names
/// the file, and then nothing was written.
TransformResult run_transform(const TransformJob& job);

}  // namespace scatlight::cli
