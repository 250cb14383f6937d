#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/bench.h"
#include "cli/commands.h"
#include "cli/placement_flags.h"
#include "cli/run_flags.h"
#include "io/atomic_file.h"
#include "io/atomic_folder.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "io/machine.h"
#include "io/progress.h"
#include "nets/catalogue.h"
#include "scatlight/error.h"
#include "train/run_facts.h"
#include "train/threads.h"

namespace scatlight::cli {
namespace {

namespace fs = std::filesystem;
using train::Json;

constexpr double busy_load = 0.5;

struct BenchFlags {
  bench::BenchOptions options = {};
  std::optional<int> size, batch;  // what they are without depends on the features
  double memory = 11;              // GB
  PlacementFlags placement = {};
  int threads = 0;
  std::string out = {};
  bool as_json = false;
};

/// The paper's numbers for its images.
int default_size(bool features) { return features ? 800 : 224; }
int default_batch(bool features) { return features ? 4 : 64; }

bench::BenchOptions options_of(const BenchFlags& flags) {
  auto options = flags.options;
  options.size = flags.size.value_or(default_size(options.features));
  options.speed.batch = flags.batch.value_or(default_batch(options.features));
  options.memory_bytes = std::llround(flags.memory * 1e9);
  options.speed.placement.precision = precision_of(flags.placement);
  return options;
}

/// Takes hold of the folder before the work begins whose result it gets.
std::optional<io::AtomicFolder> begin_folder(const fs::path& folder) {
  if (folder.empty()) return std::nullopt;
  const bool is_free = !fs::exists(folder) || (fs::is_directory(folder) && fs::is_empty(folder));
  if (!is_free) throw Error(fmt::format("{} exists: --out makes a new folder", io::display_path(folder)));
  return std::make_optional<io::AtomicFolder>(folder);
}

/// A bar for each stage.
std::vector<bench::NetworkResult> run(const bench::BenchOptions& options) {
  const io::StopOnSignal stop_on_signal;
  std::optional<io::Progress> bar;
  const auto on_stage = [&](const char* stage, std::int64_t steps) {
    if (bar) bar->finish();
    bar.emplace(stage, steps, "rounds");
  };
  const auto on_step = [&] {
    bar->advance();
    io::StopOnSignal::check();
  };
  auto results = bench::run_bench(options, {.on_stage = on_stage, .on_step = on_step});
  bar->finish();
  return results;
}

std::string milliseconds(const bench::Times& times, std::int64_t batch) {
  return fmt::format("{:.2f}", 1e3 * times.median / static_cast<double>(batch));
}

void print(const std::vector<bench::NetworkResult>& results, const bench::BenchOptions& options,
           const std::string& precision) {
  const auto batch = options.speed.batch;
  const int size = options.size;
  fmt::print("{} of {} images of {} x {} pixels, {}\n\n",
             options.features ? "bases of detectors, batches" : "classifiers, batches", batch, size, size,
             precision);
  fmt::print("{:<20}  {:>10}  {:>10}  {:>11}  {:>10}\n", "inference, ms/image", "transform", "from maps",
             "from images", "as trained");
  for (const auto& [subject, inference, training, memory] : results) {
    const auto& folded = inference.folded;
    fmt::print("{:<20}  {:>10}  {:>10}  {:>11}  {:>10}\n", subject.options.name,
               folded.transform ? milliseconds(*folded.transform, batch) : "-",
               milliseconds(folded.network.from_maps, batch), milliseconds(folded.network.from_images, batch),
               milliseconds(inference.as_trained.network.from_images, batch));
  }
  const auto largest = fmt::format("largest in {:.4g} GB", options.memory_bytes / 1e9);
  fmt::print("\n{:<20}  {:>10}  {:>11}  {:>11}  {:>11}  {:>16}\n", "training, images/s", "from maps",
             "from images", "kept, MB", "counted, MB", largest);
  for (const auto& [subject, inference, training, memory] : results) {
    fmt::print("{:<20}  {:>10.2f}  {:>11.2f}  {:>11.3f}  {:>11.3f}  {:>16}\n", subject.options.name,
               batch / training.from_maps.median, batch / training.from_images.median,
               memory.kept_bytes_per_image / 1e6, memory.counted_bytes_per_image / 1e6,
               memory.largest.images);
  }
}

Json flags_json(const CLI::App& command, const bench::BenchOptions& options) {
  auto json = flags_to_json(command, {"config", "help", "json", "out"});
  json["network"] = options.networks;
  json["size"] = options.size;
  json["batch"] = options.speed.batch;
  return json;
}

void measure(const CLI::App& command, BenchFlags& flags) {
  auto options = options_of(flags);
  bench::check(options);
  auto folder = begin_folder(flags.out);
  options.speed.placement = open_placement(command, flags.placement, {});
  const int threads = train::use_threads(flags.threads);
  const double load = io::machine_load();
  if (load > busy_load)
    fmt::print(stderr, "the machine is busy: a load of {:.1f} over the last minute disturbs times\n", load);
  auto json = train::facts_of_call("bench", flags_json(command, options).dump(), threads);
  const auto results = run(options);
  json["conditions"] = bench::conditions_json(options, load);
  json["networks"] = bench::to_json(results, options);
  if (folder) {
    io::write_file(folder->partial() / "bench.json", train::to_text(json));
    folder->commit();
  }
  if (flags.as_json) {
    fmt::print("{}", train::to_text(json));
    return;
  }
  print(results, options, flags.placement.precision);
  if (folder) fmt::print("\n{}\n", io::display_path(fs::path(flags.out) / "bench.json"));
}

}  // namespace

void add_bench_command(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  auto& options = flags->options;
  const auto or_features = [](int (*usual)(bool)) {
    return fmt::format("{}; with --features {}", usual(false), usual(true));
  };
  auto* command = app.add_subcommand(
      "bench",
      "Measure speed and memory of networks\n"
      "The paper's table 2 on this machine: time of inference with and without the transform, speed of "
      "training, activations that training keeps, and the largest batch that it can take in a given memory. "
      "Networks take turns, so that a machine that slows down affects all of them. Weights and images are "
      "random.");
  command->add_option("NETWORK", options.networks, "Networks to compare.")
      ->check(CLI::IsMember(nets::network_names()))
      ->capture_default_str();
  command->add_flag(
      "--features", options.features,
      "Measure the bases of detectors instead of classifiers: the layers before the last group, all "
      "trained except the first group, with constant batch norms.");
  command->add_option("--size", flags->size, "Height and width of the images, in pixels.")
      ->check(CLI::Range(1, 8192))
      ->default_str(or_features(default_size));
  command->add_option("--batch", flags->batch, "Images per batch.")
      ->check(CLI::Range(1, 65536))
      ->default_str(or_features(default_batch));
  command->add_option("--memory", flags->memory, "Memory, in GB, for which the largest batch is searched.")
      ->check(CLI::Range(0.001, 9'999.0))
      ->capture_default_str();
  command->add_option("--rounds", options.speed.timing.rounds, "Rounds; the medians over them are reported.")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command
      ->add_option("--round-seconds", options.speed.timing.round_seconds,
                   "Length of a round: as many batches as take this long, at least one.")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  command->add_option("--seed", options.seed, "Another seed gives other weights and images.")
      ->check(CLI::Range(std::int64_t{0}, largest_seed))
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "Threads; 0 means one per core.")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  add_placement_flags(*command, flags->placement);
  command
      ->add_option("--out", flags->out,
                   "Folder to create for bench.json, which python -m scatlight.report shows.")
      ->type_name("DIR");
  command->add_flag("--json", flags->as_json, "Print one JSON object instead of text.");
  command->footer(R"(
Examples:
  scatlight bench --out bench
  scatlight bench scatresnet50 resnet50 --batch 8 --memory 4 --rounds 5
  scatlight bench --features --device cuda --json)");
  command->callback([flags, command] { measure(*command, *flags); });
}

}  // namespace scatlight::cli
