#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/detector_predict.h"
#include "cli/image_flags.h"
#include "cli/placement_flags.h"
#include "cli/refuse_flags.h"
#include "cli/team_call.h"
#include "detect/model.h"
#include "io/atomic_file.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "io/progress.h"
#include "train/model.h"
#include "train/predict.h"
#include "train/run_folder.h"
#include "train/threads.h"

namespace scatlight::cli {
namespace {

struct PredictFlags {
  train::PredictOptions options = {};
  std::string model = {};
  std::vector<std::string> images = {};
  std::string out = {};
  std::string csv = {};
  bool as_json = false;
  DetectorPredictFlags detector = {};
  PlacementFlags placement = {};
};

void print(const train::Predictions& predictions, const train::Model& model) {
  for (const auto& image : predictions.images) {
    fmt::print("{}\n", io::display_path(image.file));
    for (const auto& [label, probability] : image.predictions)
      fmt::print("  {:6.2f} %  {}\n", 100 * probability,
                 io::display(model.classes[static_cast<std::size_t>(label)]));
  }
}

void classify(const PredictFlags& flags, const std::filesystem::path& file,
              const torch_ops::Placement& placement, const train::Team& team) {
  team.lead([&] {
    for (const auto& output : {flags.out, flags.csv}) {
      if (!output.empty()) io::make_folder_for(output);
    }
  });
  const auto files = own_inputs(flags.images, team);
  auto model = make_alike(team, [&] { return train::load_model(file, placement); });
  const io::StopOnSignal stop_on_signal;
  io::Progress bar(title_of("predict", team), std::ssize(files), "images", progress_of(team));
  const auto own = train::predict(model, files, flags.options, [&](std::int64_t images) {
    bar.advance(images);
    io::StopOnSignal::check();
  });
  const auto predictions = train::predictions_of_team(own, team);
  if (files.size() > 1) bar.finish();
  if (!team.leads()) return;
  for (const auto& skipped : predictions.skipped) fmt::print(stderr, "left out: {}\n", skipped.reason);
  if (!flags.out.empty()) io::write_file(flags.out, predictions_json(predictions, model));
  if (!flags.csv.empty()) io::write_file(flags.csv, predictions_csv(predictions, model));
  if (flags.as_json) {
    fmt::print("{}", predictions_json(predictions, model));
  } else {
    print(predictions, model);
  }
}

void predict(const CLI::App& command, PredictFlags& flags, const TeamPlace& place) {
  const auto team = join_team(place);
  check_call(team, command);
  const auto placement = make_alike(team, [&] { return open_placement(command, flags.placement, place); });
  flags.options.threads = train::use_threads(threads_of(flags.options.threads, place));
  const auto file = find_model(flags.model, team);
  if (!make_alike(team, [&] { return detect::is_detector(file); })) {
    refuse_flags(command, detector_predict_flags,
                 fmt::format("{} is a classifier", io::display(flags.model)));
    return classify(flags, file, placement, team);
  }
  refuse_flags(command, {"--top"}, fmt::format("{} is a detector", io::display(flags.model)));
  predict_objects({.model = file,
                   .images = flags.images,
                   .out = flags.out,
                   .csv = flags.csv,
                   .as_json = flags.as_json,
                   .threads = flags.options.threads,
                   .skip_bad = flags.options.skip_bad,
                   .max_pixels = flags.options.max_pixels,
                   .placement = placement},
                  flags.detector, team);
}

}  // namespace

void add_predict_command(CLI::App& app, const TeamPlace& place) {
  auto flags = std::make_shared<PredictFlags>();
  auto* command =
      app.add_subcommand("predict",
                         "Classify images, or find objects in them, with a trained network\n"
                         "Prints the most probable classes of each image; with a detector, one line "
                         "per object: class, score, left, top, right, bottom in pixels.");
  command->add_option("MODEL", flags->model, "A run folder, or a model.safetensors that train wrote.")
      ->required()
      ->type_name("PATH");
  command->add_option("IMAGE", flags->images, "Image files, and folders that hold images at any depth.")
      ->required()
      ->type_name("PATH");
  command->add_option("--top", flags->options.top, "How many classes are printed for each image.")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_flag("--json", flags->as_json, "Print one JSON object instead of text.");
  command->add_option("--out", flags->out, "Also write the JSON to this file.")
      ->check(CLI::Validator(
          [](const std::string& file) {
            const bool is_csv = std::filesystem::path(file).extension() == ".csv";
            return is_csv ? fmt::format("--out {}: this flag writes JSON; --csv writes a table", file)
                          : std::string();
          },
          "", "json"))
      ->type_name("FILE");
  command
      ->add_option("--csv", flags->csv,
                   "Also write a table to this file: one line per class that is printed for an image, or per "
                   "object.")
      ->type_name("FILE");
  command->add_option("--threads", flags->options.threads, "Threads; 0 means one per core.")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  add_max_pixels_flag(*command, flags->options.max_pixels);
  add_placement_flags(*command, flags->placement);
  command->add_flag("--skip-bad", flags->options.skip_bad,
                    "Leave out files that cannot be read, and name them.");
  add_detector_predict_flags(*command, flags->detector);
  command->footer(R"(
Examples:
  scatlight predict runs/first photo.jpg
  scatlight predict runs/first photos --top 1 --json
  scatlight predict runs/cells slide.jpg --marked marked)");
  command->callback([flags, command, place] { predict(*command, *flags, place); });
}

}  // namespace scatlight::cli
