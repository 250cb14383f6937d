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
#include "cli/device_flag.h"
#include "cli/image_flags.h"
#include "cli/refuse_flags.h"
#include "data/folder.h"
#include "detect/model.h"
#include "io/atomic_file.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "io/progress.h"
#include "scatlight/error.h"
#include "torch/device.h"
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
  std::optional<int> gpu = {};
};

/// Where the JSON goes: what the user said, else into the run folder if it can be written, else nowhere.
/// Known before the work begins.
std::filesystem::path output_of(const EvalFlags& flags) {
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
                         const at::Device& device) {
  if (flags.data.data.size() > 1) throw CLI::ValidationError("a classifier is measured on one folder");
  const auto& data = flags.data.data.front();
  const auto out = output_of(flags);
  auto model = train::load_model(file, device);
  const auto folder = data::list_image_folder(data, model.classes);
  print_summary("evaluated", folder);
  const data::Recipe recipe(model.recipe);
  const io::StopOnSignal stop_on_signal;
  io::Progress bar("evaluate", std::ssize(folder.samples));
  const auto evaluation =
      train::Evaluator(folder, recipe, flags.options).evaluate(model.network, [&](std::int64_t images) {
        bar.advance(images);
        io::StopOnSignal::check();
      });
  bar.finish();
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

void evaluate(const CLI::App& command, EvalFlags& flags) {
  const auto device = torch_ops::open_device(flags.gpu);
  flags.options.threads = train::use_threads(flags.options.threads);
  const auto file = train::find_model(flags.model);
  if (!detect::is_detector(file)) {
    refuse_flags(command, detector_eval_flags, fmt::format("{} is a classifier", io::display(flags.model)));
    return evaluate_classifier(flags, file, device);
  }
  refuse_flags(command, {"--batch"}, fmt::format("{} is a detector", io::display(flags.model)));
  evaluate_detector({.model = file,
                     .out = output_of(flags),
                     .data = flags.data,
                     .threads = flags.options.threads,
                     .skip_bad = flags.options.skip_bad,
                     .max_pixels = flags.options.max_pixels,
                     .device = device},
                    flags.detector);
}

}  // namespace

void add_eval_command(CLI::App& app) {
  auto flags = std::make_shared<EvalFlags>();
  auto* command = app.add_subcommand(
      "eval",
      "Measure a trained network\n"
      "A classifier on a folder of images: prints top-1 and top-5 accuracy and a table of the classes; equal "
      "scores count for the class that comes first. A detector on pictures with boxes: prints the numbers of "
      "COCO and VOC. All is written, with the confusion matrix, to eval.json of the run folder, or to "
      "--out.");
  command->add_option("MODEL", flags->model, "A run folder, or a model.safetensors that train wrote.")
      ->required()
      ->type_name("PATH");
  command
      ->add_option(
          "DATA", flags->data.data,
          "Images in folders or archives of the classes of the training, or in shards; for a detector VOC "
          "folders or COCO files.")
      ->required()
      ->type_name("PATH");
  command->add_option("--out", flags->out, "JSON file to write.")->type_name("FILE");
  command->add_option("--batch", flags->options.batch, "Images in memory at a time.")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command->add_option("--threads", flags->options.threads, "Threads; 0 means one for each core.")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  add_max_pixels_flag(*command, flags->options.max_pixels);
  add_device_flag(*command, flags->gpu);
  command->add_flag("--skip-bad", flags->options.skip_bad,
                    "Leave out files that cannot be read, and name them.");
  add_detector_eval_flags(*command, flags->data, flags->detector);
  command->footer(R"(
Examples:
  scatlight eval runs/first shapes/val
  scatlight eval runs/cells cells --split test
  scatlight eval apples.safetensors photos/test --out result.json)");
  command->callback([flags, command] { evaluate(*command, *flags); });
}

}  // namespace scatlight::cli
