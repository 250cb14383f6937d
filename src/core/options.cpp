#include "scatlight/options.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <thread>
#include <type_traits>

#include "core/geometry.h"
#include "core/option_list.h"

namespace scatlight {
namespace {

template <class T>
std::string accepted(const Option<T>& option) {
  if (option.highest == std::numeric_limits<T>::max())
    return fmt::format("at least {}{}", option.lowest, option.unit);
  const auto range = fmt::format("between {} and {}{}", option.lowest, option.highest, option.unit);
  return option.zero.empty() ? range : fmt::format("{}, or 0 for {}", range, option.zero);
}

// NaN is in no range.
template <class T>
void check_range(const Option<T>& option, const ScatteringOptions& options) {
  const T value = options.*option.member;
  if constexpr (std::is_enum_v<T>) {
    const auto number = static_cast<std::int64_t>(value);
    const auto last = std::ssize(Names<T>::all) - 1;
    if (number >= 0 && number <= last) return;
    throw Error(fmt::format("{} is number {}; it must be between 0 and {}", option.name, number, last));
  } else {
    if (value >= option.lowest && value <= option.highest) return;
    if (value == 0 && !option.zero.empty()) return;
    throw Error(fmt::format("{} is {}; {} must be {}", option.name, value, option.symbol, accepted(option)));
  }
}

int smallest_side_of(const ScatteringOptions& checked) {
  return (checked.boundary == Boundary::Padded ? 3 : 1) << checked.scales;
}

void check_side(const char* name, int size, const ScatteringOptions& options) {
  const int block = 1 << options.scales;
  const int least = smallest_side_of(options);
  const bool is_padded = options.boundary == Boundary::Padded;
  if (size >= least && (!is_padded || size % block == 0)) return;
  if (is_padded) {
    throw Error(
        fmt::format("{} is {}; with the boundary 'padded' it must be a multiple of 2^J = {} and at least {}",
                    name, size, block, least));
  }
  throw Error(fmt::format("{} is {}; it must be at least 2^J = {} (J = {} scales)", name, size, least,
                          options.scales));
}

}  // namespace

ScatteringOptions resolve(ScatteringOptions options) {
  for_each_option([&](const auto& option) { check_range(option, options); });
  check_side("height", options.height, options);
  check_side("width", options.width, options);

  const int block = 1 << options.scales;
  if (options.stride == 0) options.stride = block;
  if (options.stride > block || !std::has_single_bit(static_cast<unsigned>(options.stride))) {
    throw Error(
        fmt::format("stride is {}; it must be a power of two between 1 and 2^J = {}", options.stride, block));
  }
  if (options.slant == 0) options.slant = 4.0 / options.angles;
  if (options.threads == 0) {
    options.threads = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1,
                                 option_of(&ScatteringOptions::threads).highest);
  }
  return options;
}

ScatteringShape shape_of(const ScatteringOptions& options) {
  const auto resolved = resolve(options);
  const Geometry geometry(resolved);
  return {.maps = count_maps(resolved),
          .height = geometry.rows.output,
          .width = geometry.columns.output,
          .padded_height = geometry.rows.padded,
          .padded_width = geometry.columns.padded};
}

std::vector<Path> paths_of(const ScatteringOptions& options) { return make_paths(resolve(options)); }

int smallest_side(const ScatteringOptions& options) {
  check_range(option_of(&ScatteringOptions::scales), options);
  check_range(option_of(&ScatteringOptions::boundary), options);
  return smallest_side_of(options);
}

}  // namespace scatlight
