#include "cli/usage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "cli/help.h"
#include "cli/suggest.h"
#include "io/display.h"

namespace scatlight::cli {
namespace {

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> flag_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// The option that CLI11's message is about: it names it somewhere as a word of its own.
const CLI::Option* option_in(const CLI::App& command, const std::string& message) {
  for (const CLI::Option* option : command.get_options()) {
    const auto name = option->get_name();
    if (message.starts_with(name + ":") || message.starts_with("Could not convert: " + name + " = "))
      return option;
  }
  return nullptr;
}

std::string unexpected_line(const CLI::App& command, bool is_root) {
  const auto rest = command.remaining();
  const auto flag =
      std::find_if(rest.begin(), rest.end(), [](const auto& word) { return word.starts_with("-"); });
  if (flag != rest.end()) {
    const auto name = flag->substr(0, flag->find('='));
    return fmt::format("unknown flag {}{}", name, did_you_mean(name, flag_names(command)));
  }
  if (rest.empty()) return "a word too many";
  if (!is_root) return fmt::format("unexpected word {}", rest.front());
#ifndef SCATLIGHT_HAS_TORCH
  constexpr std::array<std::string_view, 6> need_torch = {"models", "train",   "train-detector",
                                                          "eval",   "predict", "bench"};
  if (std::ranges::count(need_torch, rest.front()) > 0)
    return fmt::format("the command {} needs torch, which this scatlight was built without", rest.front());
#endif
  const auto names = command_names(command);
  return fmt::format("unknown command {}{}", rest.front(), did_you_mean(rest.front(), names));
}

std::string bad_value_line(const CLI::Option& option) {
  std::string given = option.get_name();
  for (const auto& value : option.results()) given += " " + value;
  return fmt::format("{} is not accepted: give {}", given, accepted_by(option));
}

/// True when the check is one whose condition accepted_by() describes.
bool has_range_or_choices(const CLI::Option& option) {
  const auto type = option.get_type_name();
  return !choices_of(option).empty() || type.find("in [") != std::string::npos ||
         type.ends_with("NEGATIVE") || type.ends_with("POSITIVE");
}

/// True when the value given to `option` is what is wrong.
bool is_bad_value(const CLI::ParseError& error, const CLI::Option& option) {
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) return true;
  return dynamic_cast<const CLI::ValidationError*>(&error) != nullptr && has_range_or_choices(option);
}

}  // namespace

std::string missing_command_line(const CLI::App& app) {
  return fmt::format("no command given: give one of {} (see `{} --help`)",
                     fmt::join(command_names(app), ", "), app.get_name());
}

std::string usage_line(const CLI::App& app, const CLI::ParseError& error) {
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  std::string line = error.what();
  const CLI::Option* option = option_in(command, line);
  if (dynamic_cast<const CLI::ConfigError*>(&error) != nullptr) return line;
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    line = unexpected_line(command, chosen.empty());
  } else if (option != nullptr && is_bad_value(error, *option)) {
    line = bad_value_line(*option);
  }
  const auto name = chosen.empty() ? app.get_name() : app.get_name() + " " + command.get_name();
  return fmt::format("{} (`{} --help` says what is accepted)", io::display(line), name);
}

}  // namespace scatlight::cli
