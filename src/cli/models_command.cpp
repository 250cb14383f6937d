#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/input_flags.h"
#include "detect/cost.h"
#include "nets/architecture.h"
#include "nets/catalogue.h"
#include "nets/cost.h"

namespace scatlight::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ModelsFlags {
  std::vector<std::string> networks;
  InputFlags input = {};
  int size = 224;
  int classes = 1000;
  bool json = false;
  bool detectors = false;
  int short_side = 800;
  int long_side = 1216;
};

/// The networks that the flags say something about.
std::vector<std::string> names_with(const InputFlags& flags) {
  auto names = nets::network_names();
  std::erase_if(names, [&](const auto& name) {
    try {
      with_input(nets::network_options(name), flags);
      return false;
    } catch (const CLI::ValidationError&) {
      return true;
    }
  });
  return names;
}

void print_models(const ModelsFlags& flags) {
  Json table = Json::array();
  if (!flags.json) {
    fmt::print("{:<20}  {:>12}  {:>13}  {:>11}  {:>12}  {:>11}\n", "network", "parameters", "multiply-adds",
               "front end", "input", "saved");
  }
  for (const auto& name : flags.networks.empty() ? names_with(flags.input) : flags.networks) {
    auto options = with_input(nets::network_options(name), flags.input);
    options.height = options.width = flags.size;
    options.classes = flags.classes;
    const auto cost = nets::cost(options);
    if (flags.json) {
      table.push_back({{"name", name},
                       {"parameters", cost.parameters},
                       {"multiply_adds", cost.multiply_adds},
                       {"front_end_multiply_adds", cost.front_end_multiply_adds},
                       {"input_values", cost.input_values},
                       {"saved_bytes", cost.saved_bytes}});
    } else {
      fmt::print("{:<20}  {:>12}  {:>11.1f} M  {:>9.1f} M  {:>12}  {:>8.1f} MB\n", name, cost.parameters,
                 cost.multiply_adds / 1e6, cost.front_end_multiply_adds / 1e6, cost.input_values,
                 cost.saved_bytes / 1e6);
    }
  }
  if (flags.json) fmt::print("{}\n", table.dump(2));
}

/// Those that a detector can be made of.
std::vector<std::string> detector_names(const InputFlags& flags) {
  auto names = names_with(flags);
  std::erase_if(names, [&](const auto& name) {
    return !nets::has_detection_parts(with_input(nets::network_options(name), flags));
  });
  return names;
}

void print_detectors(const ModelsFlags& flags) {
  Json table = Json::array();
  if (!flags.json) {
    fmt::print("{:<20}  {:>12}  {:>10}  {:>10}  {:>12}  {:>12}  {:>12}\n", "network", "parameters", "base",
               "proposals", "per region", "saved", "per region");
  }
  for (const auto& name : flags.networks.empty() ? detector_names(flags.input) : flags.networks) {
    detect::DetectorNetworkOptions options = {.network =
                                                  with_input(nets::network_options(name), flags.input)};
    options.network.classes = flags.classes;
    const auto cost = detect::detector_cost(options, {}, flags.short_side, flags.long_side);
    if (flags.json) {
      table.push_back({{"name", name},
                       {"parameters", cost.parameters},
                       {"base_multiply_adds", cost.base_multiply_adds},
                       {"proposal_multiply_adds", cost.proposal_multiply_adds},
                       {"region_multiply_adds", cost.region_multiply_adds},
                       {"picture_bytes", cost.picture_bytes},
                       {"region_bytes", cost.region_bytes}});
    } else {
      fmt::print("{:<20}  {:>12}  {:>8.1f} G  {:>8.1f} G  {:>10.3f} G  {:>9.1f} MB  {:>9.3f} MB\n", name,
                 cost.parameters, cost.base_multiply_adds / 1e9, cost.proposal_multiply_adds / 1e9,
                 cost.region_multiply_adds / 1e9, static_cast<double>(cost.picture_bytes) / 1e6,
                 static_cast<double>(cost.region_bytes) / 1e6);
    }
  }
  if (flags.json) fmt::print("{}\n", table.dump(2));
}

}  // namespace

void add_models_command(CLI::App& app) {
  auto flags = std::make_shared<ModelsFlags>();
  auto* command = app.add_subcommand(
      "models",
      "List the networks and what they cost\n"
      "Per image: multiply-adds of the convolutions and affine layers, those of the front end (of the "
      "scattering by FFTs, as in kymatio), the numbers that the network reads (pixels or maps), and the "
      "activations that training saves for the backward pass.");
  command->add_option("NETWORK", flags->networks, "Networks to list; all of them when none is given.")
      ->check(CLI::IsMember(nets::network_names()));
  add_input_flags(*command, flags->input);
  command->add_option("--size", flags->size, "Height and width of the images, in pixels.")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command->add_option("--classes", flags->classes, "Number of classes.")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  auto* detectors =
      command->add_flag("--detectors", flags->detectors,
                        "List detectors: multiply-adds of the base, of the region proposal network and per "
                        "region, and what training saves with the paper's frozen layers (the first group, "
                        "and batch norms).");
  command->add_option("--short-side", flags->short_side, "For detectors: height of the canvas, in pixels.")
      ->check(CLI::Range(32, 8192))
      ->needs(detectors)
      ->capture_default_str();
  command->add_option("--long-side", flags->long_side, "For detectors: width of the canvas, in pixels.")
      ->check(CLI::Range(32, 8192))
      ->needs(detectors)
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Print a JSON array instead of a table.");
  command->footer(R"(
Examples:
  scatlight models
  scatlight models scatresnet50 resnet50 --size 320 --classes 10
  scatlight models scatresnet-small --input dct --dct-channels 24
  scatlight models --detectors --short-side 600 --long-side 1000)");
  command->callback([flags] {
    if (flags->detectors) {
      print_detectors(*flags);
    } else {
      print_models(*flags);
    }
  });
}

}  // namespace scatlight::cli
