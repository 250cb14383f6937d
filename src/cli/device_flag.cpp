#include "cli/device_flag.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <string>

namespace scatlight::cli {
namespace {

/// False for a name that is none.
bool parse(const std::string& name, std::optional<int>& gpu) {
  gpu.reset();
  if (name == "cpu") return true;
  if (!name.starts_with("cuda")) return false;
  gpu = 0;
  if (name == "cuda") return true;
  const auto* const end = name.data() + name.size();
  const auto number = name.find(':') == 4 ? name.data() + 5 : end;
  const auto [after, error] = std::from_chars(number, end, *gpu);
  return error == std::errc() && after == end && *gpu >= 0;
}

}  // namespace

void add_device_flag(CLI::App& command, std::optional<int>& gpu) {
  command
      .add_option_function<std::string>(
          "--device", [&gpu](const std::string& name) { parse(name, gpu); },
          "Where to compute: cpu, cuda (the first GPU; under torchrun each process has its own) or cuda:N.")
      ->check(CLI::Validator(
          [](const std::string& name) {
            std::optional<int> ignored;
            return parse(name, ignored) ? std::string() : fmt::format("{} is not cpu, cuda or cuda:N", name);
          },
          "", "device"))
      ->default_str("cpu");
}

std::optional<int> gpu_of(const CLI::App& command, std::optional<int> gpu, const TeamPlace& place) {
  if (place.group.empty() || !gpu) return gpu;
  const auto& given = command.get_option("--device")->results().back();
  if (given != "cuda") {
    throw CLI::ValidationError(fmt::format(
        "--device {} is not accepted under torchrun: give cuda, of which each process takes a GPU of its own",
        given));
  }
  return place.local_rank;
}

}  // namespace scatlight::cli
