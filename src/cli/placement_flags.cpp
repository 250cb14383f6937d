#include "cli/placement_flags.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "cli/device_flag.h"

namespace scatlight::cli {

void add_placement_flags(CLI::App& command, PlacementFlags& flags) {
  add_device_flag(command, flags.gpu);
  command
      .add_option("--precision", flags.precision,
                  "Type that convolutions compute in: float32, or bfloat16, which halves the memory of "
                  "activations and is faster on GPUs and on CPUs that support it. Weights stay float32.")
      ->check(CLI::IsMember({"float32", "bfloat16"}))
      ->capture_default_str();
}

at::ScalarType precision_of(const PlacementFlags& flags) {
  return flags.precision == "bfloat16" ? at::kBFloat16 : at::kFloat;
}

torch_ops::Placement open_placement(const CLI::App& command, const PlacementFlags& flags,
                                    const TeamPlace& place) {
  const torch_ops::Placement placement = {.device = torch_ops::open_device(gpu_of(command, flags.gpu, place)),
                                          .precision = precision_of(flags)};
  if (place.rank == 0 && torch_ops::is_slow(placement)) {
    fmt::print(
        stderr,
        "warning: this processor has no instructions for bfloat16; --precision float32 is faster here\n");
  }
  return placement;
}

}  // namespace scatlight::cli
