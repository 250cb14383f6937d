#include "cli/option_flags.h"

#include <nlohmann/json.hpp>

#include "core/geometry.h"
#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::cli {

std::string flag_name(std::string_view option) {
  std::string flag = fmt::format("--{}", option);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

void add_option_flags(CLI::App& command, ScatteringOptions& options, OptionRole role) {
  for_each_option([&](const auto& option) {
    if (option.role == role) add_option_flag(command, options, option);
  });
}

nlohmann::ordered_json describe_options(const ScatteringOptions& options, OptionRole role) {
  auto resolved = options;
  if (options.height == 0) resolved.height = resolved.width = smallest_side(options);
  resolved = resolve(resolved);
  nlohmann::ordered_json json;
  for_each_option([&]<class T>(const Option<T>& option) {
    if (option.role != role) return;
    const T value = resolved.*option.member;
    if constexpr (std::is_enum_v<T>) {
      json[option.name] = name_of(value);
    } else {
      json[option.name] = value;
    }
  });
  return json;
}

void check_large_enough(data::ImageSize size, const ScatteringOptions& options,
                        const std::filesystem::path& file) {
  const int least = smallest_side(options);
  if (std::min(size.width, size.height) >= least) return;
  throw Error(fmt::format("{}: {} x {} pixels are too few; {} scales need at least {} on both sides",
                          io::display_path(file), size.width, size.height, options.scales, least));
}

}  // namespace scatlight::cli
