#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "data/drawn_folder.h"
#include "data/shapes.h"
#include "io/interrupt.h"
#include "io/progress.h"

namespace scatlight::cli {
namespace {

struct DrawFlags {
  data::DrawnFolderOptions options;
  std::string folder;
  std::string format = "jpg";
};

void draw(const DrawFlags& flags) {
  auto options = flags.options;
  options.folder = flags.folder;
  options.format = flags.format == "png" ? data::FileFormat::Png : data::FileFormat::Jpeg;
  io::Progress progress("draw", static_cast<std::int64_t>(options.classes) * (options.train + options.val));
  const io::StopOnSignal stop_on_signal;
  data::draw_folder(options, [&] {
    progress.advance();
    io::StopOnSignal::check();
  });
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
                         "Draw a data set for image classification\n"
                         "Pictures are scenes of dead leaves: shapes of all sizes that hide each other, "
                         "lit and coloured like photographs. Classes differ by the outline or the texture "
                         "of some leaves; colour tells nothing. The same seed gives the same files.");
  const int kinds = static_cast<int>(data::kind_names().size());
  command->add_option("OUT", flags->folder, "Folder to make: OUT/train/CLASS/*, OUT/val/CLASS/*.")
      ->required()
      ->type_name("DIR");
  command->add_option("--classes", options.classes, "Number of classes, the first of: " + kinds_text() + ".")
      ->check(CLI::Range(2, kinds))
      ->capture_default_str();
  command->add_option("--train", options.train, "Training pictures of each class.")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--val", options.val, "Validation pictures of each class.")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command->add_option("--size", options.size, "Height and width in pixels.")
      ->check(CLI::Range(16, 4096))
      ->capture_default_str();
  command->add_option("--seed", options.seed, "Another seed gives other pictures.")
      ->check(CLI::Range(std::int64_t{0}, largest_seed))
      ->capture_default_str();
  command->add_option("--format", flags->format, "File format.")
      ->check(CLI::IsMember({"jpg", "png"}))
      ->capture_default_str();
  command->add_option("--quality", options.quality, "Quality of JPEG files.")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--threads", options.threads, "Threads; 0 means one for each core.")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_flag("--overwrite", options.overwrite, "Replace OUT if it holds an earlier drawn data set.");
  command->footer(R"(
Examples:
  scatlight draw shapes
  scatlight draw shapes --classes 12 --train 1000 --val 200 --size 96 --format png --seed 7)");
  command->callback([flags] { draw(*flags); });
}

}  // namespace scatlight::cli
