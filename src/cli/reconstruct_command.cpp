#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/option_flags.h"
#include "cli/reconstruct_job.h"
#include "io/display.h"

namespace scatlight::cli {
namespace {

struct ReconstructFlags {
  ReconstructJob job = {};
  std::string out = "reconstruction";
};

void run(const ReconstructFlags& flags) {
  auto job = flags.job;
  job.out = flags.out;
  const auto results = run_reconstruct(job);
  double psnr = 0;
  for (const auto& result : results) {
    fmt::print("{}: {:.2f} dB, error {:.2e}, {} steps, {:.1f} s\n", io::display(result.file), result.psnr_db,
               result.relative_error, result.iterations, result.seconds);
    psnr += result.psnr_db;
  }
  if (results.size() > 1)
    fmt::print("mean of {} images: {:.2f} dB\n", results.size(), psnr / static_cast<double>(results.size()));
  fmt::print("{}\n", io::display_path(job.out / "reconstruction.json"));
}

}  // namespace

void add_reconstruct_command(CLI::App& app) {
  auto flags = std::make_shared<ReconstructFlags>();
  auto& job = flags->job;
  auto* command =
      app.add_subcommand("reconstruct",
                         "Reconstruct images from their scattering, to see what it keeps\n"
                         "For each image the transform is computed, and then an image is searched "
                         "for whose transform is the same (paper, section 2.2). The folder gets "
                         "reconstruction.json, which has the peak signal-to-noise ratio, relative "
                         "error of the transform, steps and seconds of each image, and one picture "
                         "per image that shows the original, the reconstruction and their "
                         "difference.");
  command->add_option("IMAGE", job.inputs, "Images, and folders of images at any depth.")
      ->required()
      ->type_name("PATH");
  command->add_option("--out", flags->out, "Folder to write to.")->type_name("DIR")->capture_default_str();
  add_option_flags(*command, job.scattering, OptionRole::Filters);
  add_option_flag(*command, job.scattering, option_of(&ScatteringOptions::max_order));
  command
      ->add_option(
          "--size", job.size,
          "Resize the centre square of each image to this many pixels per side; 0 keeps images as they are.")
      ->check(CLI::Range(0, 8192))
      ->capture_default_str();
  add_names_flag(
      *command, "--solver", job.reconstruction.solver,
      "coarse-to-fine: a quasi-Newton method that fits coarse scales first; paper: the paper's recipe.");
  command
      ->add_option(
          "--iterations", job.reconstruction.evaluations,
          fmt::format("Most steps, each of which evaluates the transform and its gradient; 0 means {}, or {} "
                      "with --solver paper.",
                      default_evaluations(Solver::CoarseToFine), default_evaluations(Solver::Paper)))
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("--tolerance", job.reconstruction.tolerance,
                   "Stop at this relative error of the transform; 0 means 1e-5, or 2e-3 with "
                   "--solver paper.")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--threads", job.threads, "Threads; 0 means one per core.")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  command->footer(R"(
The first Ctrl-C ends the steps; what was reached so far is written.

Examples:
  scatlight reconstruct photo.jpg --size 224
  scatlight reconstruct photos --size 224 --scales 4 --out j4
  scatlight reconstruct photo.jpg --size 224 --solver paper --out paper)");
  command->callback([flags] { run(*flags); });
}

}  // namespace scatlight::cli
