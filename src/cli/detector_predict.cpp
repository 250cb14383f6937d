#include "cli/detector_predict.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>

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
void check_marked(const std::filesystem::path& folder, const std::vector<std::string>& inputs) {
  const auto marked = std::filesystem::weakly_canonical(folder);
  for (const auto& name : inputs) {
    const auto input = std::filesystem::absolute(name);
    const bool is_folder = std::filesystem::is_directory(input);
    const auto read = std::filesystem::weakly_canonical(is_folder ? input : input.parent_path());
    // Folders are read at any depth.
    if (is_folder ? std::ranges::mismatch(read, marked).in1 == read.end() : read == marked) {
      throw CLI::ValidationError(fmt::format("--marked {} lies where {} is read: name another folder",
                                             io::display_path(folder), io::display(name)));
    }
  }
}

}  // namespace

const std::vector<std::string> detector_predict_flags = {"--score", "--marked"};

void add_detector_predict_flags(CLI::App& command, DetectorPredictFlags& flags) {
  command.add_option("--score", flags.score, "Detectors: report objects with a higher score than this.")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--marked", flags.marked,
                  "Detectors: write each picture with its objects marked into this folder, as PNG.")
      ->type_name("DIR");
}

void predict_objects(const DetectorPredictJob& job, const DetectorPredictFlags& flags,
                     const train::Team& team) {
  if (!flags.marked.empty()) check_marked(flags.marked, job.images);
  team.lead([&] {
    for (const auto& file : {job.out, job.csv}) {
      if (!file.empty()) io::make_folder_for(file);
    }
    if (!flags.marked.empty()) io::make_folder_for(std::filesystem::path(flags.marked) / "a.png");
  });
  const detect::PredictOptions options = {
      .score = flags.score, .threads = job.threads, .skip_bad = job.skip_bad, .max_pixels = job.max_pixels};
  const auto files = own_inputs(job.images, team);
  auto model = train::make_alike(team, [&] { return detect::load_detector(job.model, job.placement); });
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
  if (!job.out.empty()) io::write_file(job.out, detect::predictions_json(predictions, model));
  if (!job.csv.empty()) io::write_file(job.csv, detect::predictions_csv(predictions, model));
  if (job.as_json) {
    fmt::print("{}", detect::predictions_json(predictions, model));
  } else {
    print(predictions, model);
  }
  if (!flags.marked.empty()) detect::write_marked(predictions, model, flags.marked, job.max_pixels);
}

}  // namespace scatlight::cli
