#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/device_flag.h"
#include "cli/image_flags.h"
#include "cli/option_flags.h"
#include "cli/transform_job.h"
#include "cli/transform_output.h"
#include "io/display.h"
#include "scatlight/error.h"
#ifdef SCATLIGHT_HAS_TORCH
#include "cli/team_call.h"
#endif

namespace scatlight::cli {
namespace {

struct TransformFlags {
  TransformJob job = {};
  std::string out = {};
  std::string pixels = "unit";
};

TransformJob to_job(const TransformFlags& flags) {
  auto job = flags.job;
  job.out = flags.out;
  job.imagenet_pixels = flags.pixels == "imagenet";
  return job;
}

/// Checks that need several flags at once.
void check(const TransformFlags& flags, const CLI::App& command) try {
  const auto& job = flags.job;
  const auto format = feature_format(flags.out);
  if (job.resize > 0 && job.size == 0) throw CLI::RequiresError("--resize", "--size");
  if (job.per_file && format != FeatureFormat::Safetensors)
    throw CLI::ValidationError("--per-file writes many tensors: give --out a name that ends in .safetensors");
  if (job.index && format == FeatureFormat::Safetensors)
    throw CLI::ValidationError("--index is for .npy files: a .safetensors file holds its description itself");
  const bool array = std::ranges::any_of(job.inputs, [](const auto& path) { return path.ends_with(".npy"); });
  for (const auto* name : {"--size", "--resize", "--pixels", "--per-file", "--skip-bad", "--max-pixels"}) {
    if (array && command.count(name) > 0)
      throw CLI::ValidationError(fmt::format("{} is for image files, and a .npy file was given", name));
  }
} catch (const Error& error) {
  throw CLI::ValidationError(error.what());
}

void transform(const TransformFlags& flags, const CLI::App& command, const TeamPlace& place) {
  check(flags, command);
  auto job = to_job(flags);
  job.gpu = gpu_of(command, job.gpu, place);
#ifdef SCATLIGHT_HAS_TORCH
  job.threads = threads_of(job.threads, place);
  const auto team = join_team(place);
  check_call(team, command);
  job.share = share_files(team);
#endif
  const auto result = run_transform(job);
  for (const auto& [file, reason] : result.skipped) fmt::print(stderr, "left out: {}\n", reason);
  const auto out = io::display_path(output_of(job));
  if (job.per_file) {
    fmt::print("{}: {} tensors of {}\n", out, result.shapes.size(), result.type);
  } else {
    fmt::print("{}: {} ({})\n", out, result.type, fmt::join(result.shapes.front(), ", "));
  }
  if (!result.skipped.empty()) fmt::print("{} files were left out\n", result.skipped.size());
}

void add_image_flags(CLI::App& command, TransformFlags& flags) {
  command
      .add_option(
          "--size", flags.job.size,
          "Resize the short side of each image and take the centre square of this many pixels per side. "
          "By default images keep their size, which must be the same for all.")
      ->check(CLI::Range(1, 8192));
  command
      .add_option("--resize", flags.job.resize,
                  "Short side before the centre crop; the default is size * 256 / 224.")
      ->check(CLI::Range(1, 16384));
  command
      .add_option("--pixels", flags.pixels,
                  "Scale of an image's samples: 0 to 1 (unit), or normalised with ImageNet's mean and "
                  "deviation, as the networks take them (imagenet). uint8 arrays are scaled as with unit; "
                  "other arrays are taken as they are.")
      ->check(CLI::IsMember({"unit", "imagenet"}))
      ->capture_default_str();
  command.add_flag(
      "--per-file", flags.job.per_file,
      "Write one tensor (3, K, h, w) per image, named after its file, instead of one array for all.");
  add_max_pixels_flag(command, flags.job.max_pixels);
  command.add_flag(
      "--skip-bad", flags.job.skip_bad,
      "Leave out images that cannot be read or are too small, and list them. Every file is then read twice.");
}

}  // namespace

void add_transform_command(CLI::App& app, const TeamPlace& place) {
  auto flags = std::make_shared<TransformFlags>();
  auto* command = app.add_subcommand(
      "transform",
      "Compute the scattering transform of images\n"
      "INPUT is any number of JPEG, PNG and WebP files and folders of them, or one .npy array: (H, W), "
      "(C, H, W) or (N, C, H, W) of float32, float64 or uint8. Each channel gives K maps: 1 of order 0, "
      "J * L of order 1 (scale slow, angle fast) and L * L * J * (J - 1) / 2 of order 2. Images give "
      "(N, 3, K, h, w), arrays (..., K, h, w), with the numbers of kymatio's Scattering2D. The output may "
      "be larger than memory.");
  command->add_option("INPUT", flags->job.inputs, "Images, folders of images at any depth, or one .npy file.")
      ->required()
      ->type_name("PATH");
  command
      ->add_option("--out", flags->out,
                   "File to write: .npy, or .safetensors, whose metadata lists the files, the options and "
                   "the paths of the maps.")
      ->required()
      ->type_name("FILE");
  add_image_flags(*command, *flags);
  add_option_flags(*command, flags->job.scattering, OptionRole::Filters);
  add_option_flags(*command, flags->job.scattering, OptionRole::Transform);
  command
      ->add_option(
          "--precision", flags->job.precision,
          "Type of the computation and the output; the default is float32, or float64 for a float64 array.")
      ->check(CLI::IsMember({"float32", "float64"}));
  command->add_flag(
      "--index", flags->job.index,
      "Also write OUT.json beside a .npy file: the files, the options and the paths of the maps.");
  command->add_option("--threads", flags->job.threads, "Threads; 0 means one per core.")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  add_device_flag(*command, flags->job.gpu);
  command->footer(R"(
The environment variable SCATLIGHT_ENGINE forces an engine: `scatlight info` lists them.

Examples:
  scatlight transform photo.jpg --out photo.npy
  scatlight transform photos --size 224 --out photos.safetensors
  scatlight transform photos --per-file --skip-bad --out photos.safetensors
  scatlight transform images.npy --scales 2 --max-order 2 --out features.npy --index)");
  command->callback([flags, command, place] { transform(*flags, *command, place); });
}

}  // namespace scatlight::cli
