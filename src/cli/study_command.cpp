#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/option_flags.h"
#include "cli/study_job.h"
#include "io/display.h"

namespace scatlight::cli {
namespace {

struct StudyFlags {
  StudyJob job = {};
  std::string out = "study";
};

StudyJob to_job(const StudyFlags& flags) {
  auto job = flags.job;
  job.out = flags.out;
  return job;
}

/// Convolutions wrap around on the grid, and every 2^J-th sample is kept.
void check(const StudyJob& job) {
  const int scales = std::max(job.scattering.scales, job.max_scales);
  if (job.size % (1 << scales) != 0) {
    throw CLI::ValidationError(
        fmt::format("--size is {}; it must be a multiple of 2^{} = {}, for the larger of --scales {} and "
                    "--max-scales {}",
                    job.size, scales, 1 << scales, job.scattering.scales, job.max_scales));
  }
}

void print(const nlohmann::ordered_json& study, const std::string& out) {
  const auto& frame = study["frame_bounds"]["symmetrised_sum"];
  fmt::print("epsilon_0      {:.4f}, Littlewood-Paley sum from {:.4f} to {:.4f}\n",
             frame["epsilon_0"].get<double>(), frame["lower"].get<double>(), frame["upper"].get<double>());
  if (study.contains("search")) {
    const auto& found = study["search"]["symmetrised_sum"];
    fmt::print("  found        {:.4f} with --sigma {:.4f} --center-frequency {:.4f} --slant {:.4f}\n",
               found["epsilon_0"].get<double>(), found["sigma"].get<double>(),
               found["center_frequency"].get<double>(), found["slant"].get<double>());
  }
  const auto& tightest = study["proposition_1"]["signals"][0]["tightest"];
  fmt::print("proposition 1  at most {:.3f} of the bound, at scale {} and a shift of {} pixels\n",
             tightest["ratio"].get<double>(), tightest["scale"].get<int>(), tightest["shift"].get<double>());
  for (const auto& row : study["conditioning"]) {
    fmt::print("J = {}          condition 10^{:.1f}, {:.1f} % of dimensions seen after subsampling\n",
               row["scales"].get<int>(), row["log10_condition_before_subsampling"].get<double>(),
               100 * row["share_seen_after_subsampling"].get<double>());
  }
  fmt::print("{}\n", io::display_path(std::filesystem::path(out) / "study.json"));
}

/// With fewer scales and angles than the transform takes: the study solves a linear system of all filters.
void add_filter_flags(CLI::App& command, ScatteringOptions& options) {
  for_each_option([&]<class T>(Option<T> option) {
    if (option.role != OptionRole::Filters) return;
    if constexpr (std::is_same_v<T, int>) {
      if (option.member == &ScatteringOptions::scales) option.highest = 10;
      if (option.member == &ScatteringOptions::angles) option.highest = 64;
    }
    add_option_flag(command, options, option);
  });
}

}  // namespace

void add_study_command(CLI::App& app) {
  auto flags = std::make_shared<StudyFlags>();
  auto& job = flags->job;
  auto* command = app.add_subcommand(
      "study",
      "Measure what the transform keeps and loses\n"
      "The paper's section 2 in numbers: frame bounds of the filters, stability to translation (proposition "
      "1), blobs in closed form (proposition 2), the condition number of the linear map behind the "
      "transform, and the energy that orders 0, 1 and 2 keep as J grows. Writes DIR/study.json and pictures "
      "of the filters, the Littlewood-Paley sum and the blobs.");
  command
      ->add_option("IMAGE", job.inputs,
                   "Images, or folders of images at any depth, whose luminance is studied. Without any, the "
                   "command draws three.")
      ->type_name("PATH");
  add_filter_flags(*command, job.scattering);
  command
      ->add_option(
          "--size", job.size,
          "Pixels per side of the grid, to which the centre square of each image is resized: a multiple "
          "of 2^J for every J in question.")
      ->check(CLI::Range(8, 2048))
      ->capture_default_str();
  command->add_option("--max-scales", job.max_scales, "The largest J of the curves that are drawn over J.")
      ->check(CLI::Range(1, 10))
      ->capture_default_str();
  command->add_flag("--search", job.search,
                    "Also search sigma, centre frequency and slant for the least epsilon_0.");
  command->add_option("--out", flags->out, "Folder to write to; it is created if necessary.")
      ->type_name("DIR")
      ->capture_default_str();
  command->footer(R"(
Examples:
  scatlight study
  scatlight study photo.jpg --scales 4 --wavelet gabor --out gabor
  scatlight study --angles 6 --search)");
  command->callback([flags] {
    const auto job = to_job(*flags);
    check(job);
    print(run_study(job), flags->out);
  });
}

}  // namespace scatlight::cli
