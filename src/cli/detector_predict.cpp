#include "cli/detector_predict.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "cli/image_flags.h"
#include "cli/team_call.h"
#include "detect/model.h"
#include "detect/predict.h"
#include "io/atomic_file.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "io/progress.h"

namespace scatlight::cli {
namespace {

void print(const detect::Predictions& predictions, const detect::DetectorModel& model) {
  for (const auto& image : predictions.images) {
    fmt::print("{}{}\n", io::display_path(image.file), image.found.empty() ? ": nothing found" : "");
    for (const auto& [box, label, score] : image.found) {
      fmt::print("  {:<16} {:6.2f} %  {:8.1f} {:8.1f} {:8.1f} {:8.1f}\n",
                 io::display(model.facts.classes[static_cast<std::size_t>(label)]), 100 * score, box.left,
                 box.top, box.right, box.bottom);
    }
  }
}

/// Marked pictures would replace those that they show, or be read as such by the next call.
void check_marked(const std::filesystem::path& folder, const std::vector<std::filesystem::path>& files) {
  for (const auto& file : files) {
    const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    std::error_code ignored;
    if (std::filesystem::equivalent(parent, folder, ignored)) {
      throw CLI::ValidationError(fmt::format("--marked {} is the folder of {}: name another one",
                                             io::display_path(folder), io::display_path(file)));
    }
  }
}

}  // namespace

const std::vector<std::string> detector_predict_flags = {"--score", "--marked", "--csv"};

void add_detector_predict_flags(CLI::App& command, DetectorPredictFlags& flags) {
  command.add_option("--score", flags.score, "Detectors: the lowest score of an object that is told.")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--marked", flags.marked,
                  "Detectors: write each picture with its objects marked into this folder, as PNG.")
      ->type_name("DIR");
  command.add_option("--csv", flags.csv, "Detectors: also write a table with a line for each object.")
      ->type_name("FILE");
}

void predict_objects(const DetectorPredictJob& job, const DetectorPredictFlags& flags,
                     const train::Team& team) {
  team.lead([&] {
    for (const auto& file : {job.out, flags.csv}) {
      if (!file.empty()) io::make_folder_for(file);
    }
  });
  const detect::PredictOptions options = {
      .score = flags.score, .threads = job.threads, .skip_bad = job.skip_bad, .max_pixels = job.max_pixels};
  const auto all_files = list_inputs(job.images, team.leads());
  if (!flags.marked.empty()) check_marked(flags.marked, all_files);
  const auto files = own_files(all_files, team);
  auto model = detect::load_detector(job.model, job.placement);
  const io::StopOnSignal stop_on_signal;
  io::Progress bar(title_of("predict", team), std::ssize(files), "images", progress_of(team));
  const auto own = detect::predict(model, files, options, [&](std::int64_t images) {
    bar.advance(images);
    io::StopOnSignal::check();
  });
  const auto predictions = detect::predictions_of_team(own, team);
  if (files.size() > 1) bar.finish();
  if (!team.leads()) return;
  for (const auto& skipped : predictions.skipped) fmt::print(stderr, "left out: {}\n", skipped.reason);
  if (!flags.marked.empty()) detect::write_marked(predictions, model, flags.marked, job.max_pixels);
  if (!job.out.empty()) io::write_file(job.out, detect::predictions_json(predictions, model));
  if (!flags.csv.empty()) io::write_file(flags.csv, detect::predictions_csv(predictions, model));
  if (job.as_json) {
    fmt::print("{}", detect::predictions_json(predictions, model));
  } else {
    print(predictions, model);
  }
}

}  // namespace scatlight::cli
