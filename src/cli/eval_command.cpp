#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "cli/box_data_flags.h"
#include "cli/commands.h"
#include "cli/detector_eval.h"
#include "cli/image_flags.h"
#include "cli/placement_flags.h"
#include "cli/refuse_flags.h"
#include "cli/team_call.h"
#include "data/fingerprint.h"
#include "data/folder.h"
#include "detect/model.h"
#include "io/atomic_file.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "io/progress.h"
#include "scatlight/error.h"
#include "train/evaluate.h"
#include "train/model.h"
#include "train/run_folder.h"
#include "train/threads.h"

namespace scatlight::cli {
namespace {

struct EvalFlags {
  train::EvaluateOptions options = {};
  std::string model = {};
  BoxDataFlags data = {};
  std::string out = {};
  DetectorEvalFlags detector = {};
  PlacementFlags placement = {};
};

/// Where the JSON goes: what the user said, else into the run folder if it can be written, else nowhere.
/// Known before the work begins.
std::filesystem::path find_output(const EvalFlags& flags) {
  if (!flags.out.empty()) {
    io::make_folder_for(flags.out);
    return flags.out;
  }
  if (!std::filesystem::is_directory(flags.model)) return {};
  auto file = train::RunFolder{flags.model}.evaluation();
  try {
    const io::AtomicFile probe(file);
  } catch (const Error& error) {
    fmt::print(stderr, "{}; --out names another file\n", error.what());
    return {};
  }
  return file;
}

/// The member that leads writes it.
std::filesystem::path output_of(const EvalFlags& flags, const train::Team& team) {
  std::filesystem::path output;
  team.lead([&] { output = find_output(flags); });
  return output;
}

void print(const train::Evaluation& evaluation, const train::Model& model) {
  const auto& metrics = evaluation.metrics;
  std::size_t width = 5;
  for (const auto& name : model.classes) width = std::max(width, io::display(name).size());
  fmt::print("top-1 {:.2f} %  top-5 {:.2f} %  loss {:.4f}  {} images, {:.1f} images/s\n\n", metrics.top1(),
             metrics.top5(), metrics.loss(), metrics.images(),
             static_cast<double>(metrics.images()) / evaluation.seconds);
  fmt::print("{:<{}}  images  correct    top-1\n", "class", width);
  for (std::int64_t label = 0; label < metrics.classes(); ++label) {
    const auto images = metrics.class_images(label);
    const auto top1 = images == 0 ? std::string("-") : fmt::format("{:.2f} %", metrics.class_top1(label));
    fmt::print("{:<{}}  {:>6}  {:>7}  {:>7}\n", io::display(model.classes[static_cast<std::size_t>(label)]),
               width, images, metrics.class_correct(label), top1);
  }
}

void evaluate_classifier(const EvalFlags& flags, const std::filesystem::path& file,
                         const torch_ops::Placement& placement, const train::Team& team) {
  if (flags.data.data.size() > 1) throw CLI::ValidationError("a classifier is measured on one folder");
  const auto& data = flags.data.data.front();
  const auto out = output_of(flags, team);
  auto model = make_alike(team, [&] { return train::load_model(file, placement); });
  const auto folder = make_alike(team, [&] { return data::list_image_folder(data, model.classes); });
  if (team.leads()) print_summary("evaluated", folder);
  train::check_same_data(team, data, [&] { return fmt::format("images ({})", data::fingerprint(folder)); });
  const data::Recipe recipe(model.recipe);
  const io::StopOnSignal stop_on_signal;
  io::Progress bar("evaluate", std::ssize(folder.samples), "images", progress_of(team));
  const auto evaluation =
      train::Evaluator(folder, recipe, flags.options, team).evaluate(model.network, [&](std::int64_t images) {
        bar.advance(images);
        check_stop(team);
      });
  bar.finish();
  if (!team.leads()) return;
  for (const auto& skipped : evaluation.skipped) fmt::print(stderr, "left out: {}\n", skipped.reason);
  print(evaluation, model);
  if (!evaluation.skipped.empty()) fmt::print("\n{} files were left out\n", evaluation.skipped.size());
  if (!out.empty()) {
    io::write_file(out, evaluation_json(evaluation, {.weights = model.file.string(),
                                                     .data = data,
                                                     .network = model.network.options().name,
                                                     .classes = model.classes}));
  }
}

void evaluate(const CLI::App& command, EvalFlags& flags, const TeamPlace& place) {
  const auto team = join_team(place);
  check_call(team, command);
  const auto placement = make_alike(team, [&] { return open_placement(command, flags.placement, place); });
  flags.options.threads = train::use_threads(threads_of(flags.options.threads, place));
  const auto file = find_model(flags.model, team);
  if (!make_alike(team, [&] { return detect::is_detector(file); })) {
    refuse_flags(command, detector_eval_flags, fmt::format("{} is a classifier", io::display(flags.model)));
    return evaluate_classifier(flags, file, placement, team);
  }
  refuse_flags(command, {"--batch"}, fmt::format("{} is a detector", io::display(flags.model)));
  evaluate_detector({.model = file,
                     .out = output_of(flags, team),
                     .data = flags.data,
                     .threads = flags.options.threads,
                     .skip_bad = flags.options.skip_bad,
                     .max_pixels = flags.options.max_pixels,
                     .placement = placement},
                    flags.detector, team);
}

}  // namespace

void add_eval_command(CLI::App& app, const TeamPlace& place) {
  auto flags = std::make_shared<EvalFlags>();
  auto* command = app.add_subcommand(
      "eval",
      "Measure a trained network\n"
      "A classifier on a folder of images: prints top-1 and top-5 accuracy and a table of the classes; equal "
      "scores count for the class that comes first. A detector on pictures with boxes: prints the numbers of "
      "COCO and VOC. The results, with the confusion matrix, are written to eval.json in the run "
      "folder or to the file of --out.");
  command->add_option("MODEL", flags->model, "A run folder, or a model.safetensors that train wrote.")
      ->required()
      ->type_name("PATH");
  command
      ->add_option(
          "DATA", flags->data.data,
          "Images in class folders or class archives as in training, or in shards; for a detector, VOC "
          "folders or COCO files.")
      ->required()
      ->type_name("PATH");
  command->add_option("--out", flags->out, "JSON file to write.")->type_name("FILE");
  command->add_option("--batch", flags->options.batch, "Images per batch.")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command->add_option("--threads", flags->options.threads, "Threads; 0 means one per core.")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  add_max_pixels_flag(*command, flags->options.max_pixels);
  add_placement_flags(*command, flags->placement);
  command->add_flag("--skip-bad", flags->options.skip_bad,
                    "Leave out files that cannot be read, and name them.");
  add_detector_eval_flags(*command, flags->data, flags->detector);
  command->footer(R"(
Examples:
  scatlight eval runs/first shapes/val
  scatlight eval runs/cells cells --split test
  scatlight eval apples.safetensors photos/test --out result.json)");
  command->callback([flags, command, place] { evaluate(*command, *flags, place); });
}

}  // namespace scatlight::cli
