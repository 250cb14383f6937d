#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "nets/catalogue.h"
#include "nets/cost.h"

namespace scatlight::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ModelsFlags {
  std::vector<std::string> networks;
  int size = 224;
  int classes = 1000;
  bool json = false;
};

void print_models(const ModelsFlags& flags) {
  Json table = Json::array();
  if (!flags.json) {
    fmt::print("{:<20}  {:>12}  {:>13}  {:>12}  {:>11}\n", "network", "parameters", "multiply-adds", "input",
               "saved");
  }
  for (const auto& name : flags.networks.empty() ? nets::network_names() : flags.networks) {
    auto options = nets::network_options(name);
    options.height = options.width = flags.size;
    options.classes = flags.classes;
    const auto cost = nets::cost(options);
    if (flags.json) {
      table.push_back({{"name", name},
                       {"parameters", cost.parameters},
                       {"multiply_adds", cost.multiply_adds},
                       {"input_values", cost.input_values},
                       {"saved_bytes", cost.saved_bytes}});
    } else {
      fmt::print("{:<20}  {:>12}  {:>11.1f} M  {:>12}  {:>8.1f} MB\n", name, cost.parameters,
                 cost.multiply_adds / 1e6, cost.input_values, cost.saved_bytes / 1e6);
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
      "For one image: multiply-adds of the convolutions and affine layers, the numbers that the network "
      "reads "
      "(pixels or scattering maps), and the activations that training saves for the backward pass.");
  command->add_option("NETWORK", flags->networks, "Networks to list; all of them when none is given.")
      ->check(CLI::IsMember(nets::network_names()));
  command->add_option("--size", flags->size, "Height and width of the images, in pixels.")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command->add_option("--classes", flags->classes, "Number of classes.")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Print a JSON array instead of a table.");
  command->footer(R"(
Examples:
  scatlight models
  scatlight models scatresnet50 resnet50 --size 320 --classes 10)");
  command->callback([flags] { print_models(*flags); });
}

}  // namespace scatlight::cli
