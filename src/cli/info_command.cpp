#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "io/machine.h"
#include "scatlight/cuda.h"
#include "scatlight/scattering.h"

#ifndef SCATLIGHT_TORCH_VERSION
#define SCATLIGHT_TORCH_VERSION ""
#endif

namespace scatlight::cli {
namespace {

using Json = nlohmann::ordered_json;

/// The engine that a plan takes on this machine.
std::string chosen_engine() {
  return std::string(Scattering({.height = 32, .width = 32, .threads = 1}).engine());
}

Json facts() {
  const std::string torch = SCATLIGHT_TORCH_VERSION;
  return {{"version", SCATLIGHT_VERSION},
          {"engine", chosen_engine()},
          {"engines", Scattering::available_engines()},
          {"cuda", built_with_cuda()},
          {"gpus", cuda_device_count()},
          {"torch", torch.empty() ? Json(nullptr) : Json(torch)},
          {"processor", io::processor_name()},
          {"threads", io::processor_threads()},
          {"memory_bytes", io::memory_bytes()}};
}

void print(const Json& facts) {
  const auto torch = facts["torch"].is_null() ? std::string("not built in: no models, train, eval, predict")
                                              : facts["torch"].get<std::string>();
  const auto engines = facts["engines"].get<std::vector<std::string>>();
  fmt::print("scatlight  {}\n", facts["version"].get<std::string>());
  fmt::print("engine     {} (of {}; SCATLIGHT_ENGINE=NAME forces one)\n", facts["engine"].get<std::string>(),
             fmt::join(engines, ", "));
  fmt::print("gpu        {}\n", facts["cuda"].get<bool>()
                                    ? fmt::format("{} found (--device cuda)", facts["gpus"].get<int>())
                                    : std::string("not built in: no nvcc 13 when scatlight was built"));
  fmt::print("torch      {}\n", torch);
  fmt::print("processor  {}, {} threads\n", facts["processor"].get<std::string>(),
             facts["threads"].get<int>());
  fmt::print("memory     {:.1f} GiB\n", facts["memory_bytes"].get<double>() / (1 << 30));
}

}  // namespace

void add_info_command(CLI::App& app) {
  auto as_json = std::make_shared<bool>(false);
  auto* command =
      app.add_subcommand("info",
                         "Print the version, the engines and facts about the machine\n"
                         "The engine is the code that computes the transform: the best that this "
                         "processor has, or the one that the environment variable SCATLIGHT_ENGINE names.");
  command->add_flag("--json", *as_json, "Print one JSON object instead of text.");
  command->footer(R"(
Examples:
  scatlight info
  scatlight info --json
  SCATLIGHT_ENGINE=reference scatlight info)");
  command->callback([as_json] {
    if (*as_json) {
      fmt::print("{}\n", facts().dump(2));
    } else {
      print(facts());
    }
  });
}

}  // namespace scatlight::cli
