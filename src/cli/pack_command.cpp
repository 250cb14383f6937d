#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/image_flags.h"
#include "data/folder.h"
#include "data/pack.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "io/progress.h"

namespace scatlight::cli {
namespace {

struct PackFlags {
  data::PackOptions options = {};
  std::string data = {};
  std::string out = {};
};

void pack(const PackFlags& flags) {
  auto options = flags.options;
  options.out = flags.out;
  const auto folder = data::list_image_folder(flags.data);
  print_summary("data", folder);
  io::Progress progress("pack", std::ssize(folder.samples));
  const io::StopOnSignal stop_on_signal;
  const auto result = data::pack(folder, options, [&] {
    progress.advance();
    io::StopOnSignal::check();
  });
  progress.finish();
  for (const auto& skipped : result.skipped) fmt::print(stderr, "left out: {}\n", skipped.reason);
  fmt::print("{}: {} in {}\n", io::display(flags.out), data::count(result.images, "image"),
             data::count(result.shards, "shard"));
  if (!result.skipped.empty()) fmt::print("{} left out\n", data::count(std::ssize(result.skipped), "file"));
}

}  // namespace

void add_pack_command(CLI::App& app) {
  auto flags = std::make_shared<PackFlags>();
  auto& options = flags->options;
  auto* command = app.add_subcommand(
      "pack",
      "Write a data set as WebDataset shards\n"
      "Large data sets are read faster from few large files than from many small ones, above all over a "
      "network. OUT gets tar archives in which KEY.cls beside each image holds the number of its class, in "
      "a random order, and classes.txt, which names the classes. `train` and `eval` read OUT as they read "
      "DATA, in the same order.");
  command->add_option("DATA", flags->data, "Images in folders or archives of the classes, or shards.")
      ->required()
      ->type_name("DIR");
  command->add_option("OUT", flags->out, "Folder to make.")->required()->type_name("DIR");
  command
      ->add_option("--shard-images", options.shard_images,
                   "Most images per shard; all shards get about the same number.")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  auto* short_side =
      command
          ->add_option(
              "--short-side", options.short_side,
              "Shrink larger pictures to this short side, in pixels, which saves space and time. Training "
              "crops parts of pictures and enlarges small crops, which then look blurred: 400 to 500 suit "
              "crops of 224. By default files are copied as they are.")
          ->check(CLI::Range(1, 65500));
  command->add_option("--quality", options.quality, "Quality of the JPEG files of shrunk pictures.")
      ->check(CLI::Range(1, 100))
      ->needs(short_side)
      ->capture_default_str();
  command->add_option("--seed", options.seed, "Another seed gives another order in the shards.")
      ->check(CLI::Range(std::int64_t{0}, largest_seed))
      ->capture_default_str();
  command->add_option("--threads", options.threads, "Threads; 0 means one per core.")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  add_max_pixels_flag(*command, options.max_pixels);
  command->add_flag("--skip-bad", options.skip_bad, "Leave out files that cannot be read, and name them.");
  command->footer(R"(
Examples:
  scatlight pack imagenet/train imagenet-shards/train
  scatlight pack imagenet/train small/train --short-side 400)");
  command->callback([flags] { pack(*flags); });
}

}  // namespace scatlight::cli
