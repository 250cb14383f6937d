#include "cli/detector_eval.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>

#include "cli/team_call.h"
#include "data/fingerprint.h"
#include "detect/evaluate.h"
#include "detect/model.h"
#include "detect/results.h"
#include "io/atomic_file.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "io/progress.h"

namespace scatlight::cli {
namespace {

/// A number of the metrics, of which some say with -1 that there is nothing to count.
std::string shown(double value) { return value < 0 ? std::string("-") : fmt::format("{:.4f}", value); }

void print_classes(const detect::Evaluation& evaluation, const data::BoxFolder& folder) {
  std::size_t width = 5;
  for (const auto& name : folder.classes) width = std::max(width, io::display(name).size());
  const auto line = [&](const std::string& name, auto... cells) {
    fmt::print("{:<{}}  {:>6}  {:>7}  {:>9}  {:>7}  {:>7}  {:>7}  {:>7}\n", name, width, cells...);
  };
  line("class", "images", "objects", "precision", "recall", "AP50", "AP07", "AP");
  std::int64_t objects = 0;
  for (std::size_t label = 0; label < folder.classes.size(); ++label) {
    const auto& coco = evaluation.coco.classes[label];
    const auto best = detect::best_point(coco);
    objects += coco.objects;
    line(io::display(folder.classes[label]), coco.images, coco.objects, best ? shown(best->precision) : "-",
         best ? shown(best->recall) : "-", shown(coco.numbers[1]), shown(evaluation.voc.classes[label].ap07),
         shown(coco.numbers[0]));
  }
  line("all", evaluation.images.size(), objects, "", "", shown(evaluation.coco.numbers[1]),
       shown(evaluation.voc.map07), shown(evaluation.coco.numbers[0]));
}

void print(const detect::Evaluation& evaluation, const data::BoxFolder& folder) {
  print_classes(evaluation, folder);
  fmt::print("\nCOCO:");
  for (std::size_t i = 0; i < detect::coco_names.size(); ++i)
    fmt::print("{}{} {}", i % 6 == 0 ? "\n  " : "  ", detect::coco_names[i],
               shown(evaluation.coco.numbers[i]));
  const auto images = static_cast<double>(evaluation.images.size());
  const auto& stages = evaluation.stages;
  const auto ms = [&](double seconds) { return 1000 * seconds / images; };
  fmt::print(
      "\n\n{} images, {:.2f} images/s; ms per image: waiting {:.1f}, maps {:.1f}, base {:.1f}, proposals "
      "{:.1f}, head {:.1f}\n",
      evaluation.images.size(), images / evaluation.seconds, ms(stages.waiting), ms(stages.maps),
      ms(stages.base), ms(stages.proposals), ms(stages.head));
}

}  // namespace

const std::vector<std::string> detector_eval_flags = {"--split", "--images", "--score",
                                                      "--nms",   "--most",   "--results"};

void add_detector_eval_flags(CLI::App& command, BoxDataFlags& data, DetectorEvalFlags& flags) {
  command.add_option("--split", data.split, "Detectors: list of VOC folders; test if it is not given.");
  add_box_data_flags(command, data);
  command
      .add_option("--score", flags.score,
                  "Detectors: the lowest score of a detection; the training's if it is not given.")
      ->check(CLI::Range(0.0F, 1.0F));
  command
      .add_option("--nms", flags.nms,
                  "Detectors: the largest overlap of two detections of a class; the training's.")
      ->check(CLI::Range(0.0F, 1.0F));
  command.add_option("--most", flags.most, "Detectors: detections of an image, at most; the training's.")
      ->check(CLI::Range(1, 100'000));
  command
      .add_option("--results", flags.results,
                  "Detectors: also write the detections to this file, as pycocotools reads them.")
      ->type_name("FILE");
}

void evaluate_detector(const DetectorEvalJob& job, const DetectorEvalFlags& flags, const train::Team& team) {
  check_split(job.data.data, job.data.split);
  check_images_folder("--images", job.data.data, job.data.images);
  team.lead([&] {
    if (!flags.results.empty()) io::make_folder_for(flags.results);
  });
  const detect::EvaluateOptions options = {
      .threads = job.threads, .skip_bad = job.skip_bad, .max_pixels = job.max_pixels};
  auto model = train::make_alike(team, [&] { return detect::load_detector(job.model, job.placement); });
  auto& detector = model.facts.options;
  detector.score = flags.score.value_or(detector.score);
  detector.nms_iou = flags.nms.value_or(detector.nms_iou);
  detector.most = flags.most.value_or(detector.most);
  const data::BoxListOptions listing = {.known_classes = model.facts.classes,
                                        .skip_bad = job.skip_bad,
                                        .max_pixels = job.max_pixels,
                                        .threads = options.threads};
  const auto folder = train::make_alike(team, [&] { return list_box_data(job.data, "test", listing); });
  if (team.leads()) print_summary("evaluated", folder);
  train::check_same_data(team, job.data.data.front(),
                         [&] { return fmt::format("images ({})", data::fingerprint(folder)); });
  const io::StopOnSignal stop_on_signal;
  io::Progress bar("evaluate", std::ssize(folder.samples), "images", progress_of(team));
  const auto evaluation = detect::evaluate(
      model.detector, model.facts, folder, options,
      [&](std::int64_t images) {
        bar.advance(images);
        check_stop(team);
      },
      team);
  bar.finish();
  if (!team.leads()) return;
  for (const auto& skipped : evaluation.skipped) fmt::print(stderr, "left out: {}\n", skipped.reason);
  print(evaluation, folder);
  if (!job.out.empty()) {
    io::write_file(job.out, detect::evaluation_json(evaluation, folder,
                                                    {.weights = model.file.string(),
                                                     .network = model.detector.options().network.name}));
  }
  if (!flags.results.empty()) io::write_file(flags.results, detect::detections_json(evaluation, folder));
}

}  // namespace scatlight::cli
