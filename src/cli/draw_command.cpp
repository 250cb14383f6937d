#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "data/drawn_boxes.h"
#include "data/drawn_folder.h"
#include "data/shapes.h"
#include "io/interrupt.h"
#include "io/progress.h"

namespace scatlight::cli {
namespace {

struct DrawFlags {
  bool boxes = false;
  std::optional<int> classes, train, val, size;  // what they are without depends on `boxes`
  data::DrawnFolderOptions options;
  std::string folder;
  std::string format = "jpg";
};

void draw(const DrawFlags& flags) {
  const auto& usual = flags.boxes ? data::default_box_options : data::DrawnFolderOptions();
  auto options = flags.options;
  options.folder = flags.folder;
  options.classes = flags.classes.value_or(usual.classes);
  options.train = flags.train.value_or(usual.train);
  options.val = flags.val.value_or(usual.val);
  options.size = flags.size.value_or(usual.size);
  options.format = flags.format == "png" ? data::FileFormat::Png : data::FileFormat::Jpeg;
  const std::int64_t sets = flags.boxes ? 1 : options.classes;
  io::Progress progress("draw", sets * (std::int64_t{options.train} + options.val));
  const io::StopOnSignal stop_on_signal;
  const auto on_picture = [&] {
    progress.advance();
    io::StopOnSignal::check();
  };
  flags.boxes ? data::draw_box_folder(options, on_picture) : data::draw_folder(options, on_picture);
  progress.finish();
}

std::string kinds_text() {
  std::string text;
  for (const auto name : data::kind_names()) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

}  // namespace

void add_draw_command(CLI::App& app) {
  auto flags = std::make_shared<DrawFlags>();
  auto& options = flags->options;
  auto* command =
      app.add_subcommand("draw",
                         "Draw a data set for image classification, or for detection\n"
                         "Pictures are scenes of dead leaves: shapes of all sizes that hide each other, "
                         "lit and coloured like photographs. Classes differ by the outline or the texture "
                         "of some leaves; colour does not help. The same seed gives the same files.");
  const int kinds = static_cast<int>(data::kind_names().size());
  const data::DrawnFolderOptions usual;
  const auto& of_boxes = data::default_box_options;
  const auto or_boxes = [](int number, int boxes) {
    return fmt::format("{}; with --boxes {}", number, boxes);
  };
  command
      ->add_option("OUT", flags->folder,
                   "Folder to make: OUT/train/CLASS/*, OUT/val/CLASS/*, or with --boxes OUT/JPEGImages/*.")
      ->required()
      ->type_name("DIR");
  command->add_flag(
      "--boxes", flags->boxes,
      "Draw several classes per picture, with boxes: OUT is a data set in the formats of Pascal VOC "
      "(Annotations, ImageSets) and COCO (annotations/instances_train.json).");
  command
      ->add_option("--classes", flags->classes,
                   "Number of classes, the first of: " + kinds_text() +
                       ". With --boxes only those with an outline count.")
      ->check(CLI::Range(1, kinds))
      ->default_str(or_boxes(usual.classes, of_boxes.classes));
  command->add_option("--train", flags->train, "Training pictures per class; with --boxes, in all.")
      ->check(CLI::Range(1, 1'000'000))
      ->default_str(or_boxes(usual.train, of_boxes.train));
  command->add_option("--val", flags->val, "Validation pictures per class; with --boxes, in all.")
      ->check(CLI::Range(0, 1'000'000))
      ->default_str(or_boxes(usual.val, of_boxes.val));
  command->add_option("--size", flags->size, "Height and width in pixels.")
      ->check(CLI::Range(16, 4096))
      ->default_str(or_boxes(usual.size, of_boxes.size));
  command->add_option("--seed", options.seed, "Another seed gives other pictures.")
      ->check(CLI::Range(std::int64_t{0}, largest_seed))
      ->capture_default_str();
  command->add_option("--format", flags->format, "File format.")
      ->check(CLI::IsMember({"jpg", "png"}))
      ->capture_default_str();
  command->add_option("--quality", options.quality, "Quality of JPEG files.")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--threads", options.threads, "Threads; 0 means one per core.")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_flag("--overwrite", options.overwrite, "Replace OUT if it holds an earlier drawn data set.");
  command->footer(R"(
Examples:
  scatlight draw shapes
  scatlight draw boxes --boxes
  scatlight draw shapes --classes 12 --train 1000 --val 200 --size 96 --format png --seed 7)");
  command->callback([flags] { draw(*flags); });
}

}  // namespace scatlight::cli
