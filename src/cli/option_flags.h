#pragma once

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/option_list.h"
#include "data/image.h"

namespace scatlight::cli {

/// The name of an option's flag: --center-frequency.
std::string flag_name(std::string_view option);

/// Adds a flag whose values are the names of an enum. Its value must outlive the parsing.
template <class Enum>
void add_names_flag(CLI::App& command, const std::string& flag, Enum& value, const std::string& help) {
  const auto& names = Names<Enum>::all;
  command
      .add_option_function<std::string>(
          flag, [&value](const std::string& text) { value = from_name<Enum>(text); }, help)
      ->check(CLI::IsMember(std::vector<std::string>(names.begin(), names.end())))
      ->default_str(std::string(name_of(value)));
}

/// Adds the flag of one option. The options must outlive the parsing.
template <class T>
void add_option_flag(CLI::App& command, ScatteringOptions& options, const Option<T>& option) {
  auto& value = options.*option.member;
  const auto flag = flag_name(option.name);
  const std::string help(option.help);
  if constexpr (std::is_enum_v<T>) {
    add_names_flag(command, flag, value, help);
  } else {
    const T lowest = option.zero.empty() ? option.lowest : T{0};
    command.add_option(flag, value, help)->check(CLI::Range(lowest, option.highest))->capture_default_str();
  }
}

/// Adds the flags of all options of a role.
void add_option_flags(CLI::App& command, ScatteringOptions& options, OptionRole role);

/// The options of a role by their names, for a file of results. A 0 that stands for another value becomes
/// that value. A height of 0 means that images of several sizes are transformed.
nlohmann::ordered_json describe_options(const ScatteringOptions& options, OptionRole role);

/// Throws Error that names the file if images of this size are too small for the options.
void check_large_enough(data::ImageSize size, const ScatteringOptions& options,
                        const std::filesystem::path& file);

}  // namespace scatlight::cli
