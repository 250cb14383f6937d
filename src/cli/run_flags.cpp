#include "cli/run_flags.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "cli/help.h"
#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::cli {
namespace {

using Json = nlohmann::ordered_json;

/// "DATA" -> "data", "--label-smoothing" -> "label-smoothing"
std::string key_of(const CLI::Option& option) {
  if (!option.get_lnames().empty()) return option.get_lnames().front();
  return CLI::detail::to_lower(option.get_name(true, false));
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Json to_value(const CLI::Option& option, const std::string& text) {
  const std::string type = option.get_type_name();
  if (type.starts_with("FLOAT")) return std::stod(text);
  if (type.starts_with("INT") || type.starts_with("UINT")) return std::stoll(text);
  return text;
}

/// The values that were given, or the default ones, which CLI11 has as "[1,2,3]" where they are a list.
std::vector<std::string> texts_of(const CLI::Option& option) {
  if (option.count() > 0) return option.results();
  const auto usual = option.get_default_str();
  if (usual.empty()) return {};
  if (!usual.starts_with('[')) return {usual};
  return CLI::detail::split(usual.substr(1, usual.size() - 2), ',');
}

/// Null for an option that was not given and has no default.
Json to_json(const CLI::Option& option) {
  if (is_flag(option)) return option.count() > 0 && option.as<bool>();
  const auto texts = texts_of(option);
  if (texts.empty()) return {};
  if (option.get_items_expected_max() == 1) return to_value(option, texts.back());
  Json list = Json::array();
  for (const auto& text : texts) list.push_back(to_value(option, text));
  return list;
}

void take(CLI::Option& option, const Json& value) {
  const auto text = [](const Json& item) { return item.is_string() ? item.get<std::string>() : item.dump(); };
  if (value.is_array()) {
    for (const auto& item : value) option.add_result(text(item));
  } else {
    option.add_result(text(value));
  }
  option.run_callback();
}

std::string shown(const CLI::Option& option, const Json& value) {
  if (is_flag(option)) return fmt::format("{} {}", option.get_name(), value == true ? "given" : "not given");
  return fmt::format("{} {}", option.get_name(), io::display(value.is_null() ? "not given" : value.dump()));
}

}  // namespace

Json flags_to_json(const CLI::App& command, const std::vector<std::string>& left_out) {
  Json json = Json::object();
  for (const CLI::Option* option : command.get_options()) {
    const auto key = key_of(*option);
    if (option == command.get_help_ptr() || key == "config" || contains(left_out, key)) continue;
    const auto value = to_json(*option);
    if (!value.is_null()) json[key] = value;
  }
  return json;
}

void take_flags(CLI::App& command, const Json& earlier, const std::vector<std::string>& free,
                const std::string& what) try {
  auto untouched = earlier;
  for (CLI::Option* option : command.get_options()) {
    const auto key = key_of(*option);
    const auto value = earlier.contains(key) ? earlier[key] : Json();
    untouched.erase(key);
    if (option->count() == 0) {
      if (!value.is_null() && value != false) take(*option, value);
    } else if (!contains(free, key) && to_json(*option) != value) {
      throw Error(fmt::format("{} has {}, and {} was given: leave it out, or start a new run", what,
                              shown(*option, value), shown(*option, to_json(*option))));
    }
  }
  if (!untouched.empty()) {
    throw Error(fmt::format("{} has a flag that this version does not know: --{}", what,
                            io::display(untouched.begin().key())));
  }
} catch (const CLI::ParseError&) {
  throw Error(fmt::format("{} has damaged flags", what));
} catch (const Json::exception&) {
  throw Error(fmt::format("{} has damaged flags", what));
}

}  // namespace scatlight::cli
