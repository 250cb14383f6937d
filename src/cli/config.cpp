#include "cli/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>

#include "cli/help.h"
#include "cli/suggest.h"
#include "io/display.h"
#include "io/file.h"
#include "scatlight/error.h"

// After the others: toml++ defines macros.
#include <toml++/toml.h>

namespace scatlight::cli {
namespace {

constexpr std::uint64_t largest_file = 1 << 20;

/// One key of one file, on its way into an option.
class Setting {
 public:
  Setting(const std::filesystem::path& file, const std::string& key, const toml::node& value)
      : file_(file), key_(key), value_(value) {}

  [[noreturn]] void fail(const std::string& reason) const {
    throw CLI::ConfigError(
        fmt::format("{}:{}: {}", io::display_path(file_), value_.source().begin.line, reason),
        CLI::ExitCodes::ConfigError);
  }

  /// The command line wins, but a wrong file is an error even then.
  void apply(CLI::Option& option, bool overruled) const {
    const auto texts = to_texts(option);
    if (overruled) return;
    try {
      for (const auto& text : texts) option.add_result(text);
      option.run_callback();
    } catch (const CLI::ParseError&) {
      fail(fmt::format("{} = {} is not accepted: give {}", key_, shown(), accepted_by(option)));
    }
  }

 private:
  /// The value as it would stand on the command line.
  std::vector<std::string> to_texts(const CLI::Option& option) const {
    const auto* list = value_.as_array();
    if (list == nullptr) return {to_text(option, value_)};
    if (option.get_items_expected_max() <= 1) wrong_type(option);
    std::vector<std::string> texts;
    for (const auto& element : *list) texts.push_back(to_text(option, element));
    return texts;
  }

  std::string to_text(const CLI::Option& option, const toml::node& value) const {
    const std::string type = option.get_type_name();
    const bool number = type.starts_with("FLOAT");
    const bool whole = type.starts_with("INT") || type.starts_with("UINT");
    const bool flag = is_flag(option);
    if (flag && value.is_boolean())
      return option.get_flag_value(key_, value.as_boolean()->get() ? "true" : "false");
    if ((number || whole) && value.is_integer()) return fmt::format("{}", value.as_integer()->get());
    if (number && value.is_floating_point()) return fmt::format("{}", value.as_floating_point()->get());
    if (!flag && !number && !whole && value.is_string()) return value.as_string()->get();
    wrong_type(option);
  }

  [[noreturn]] void wrong_type(const CLI::Option& option) const {
    const bool flag = is_flag(option);
    fail(fmt::format("{} = {} is not accepted: give {}", key_, shown(),
                     flag ? "true or false" : accepted_by(option)));
  }

  std::string shown() const {
    std::ostringstream text;
    value_.visit([&](const auto& node) {
      using Node = std::remove_cvref_t<decltype(node)>;
      if constexpr (toml::is_value<Node>) {
        text << node;
      } else {
        text << (toml::is_array<Node> ? "[...]" : "{...}");
      }
    });
    return io::display(text.str());
  }

  const std::filesystem::path& file_;
  const std::string& key_;
  const toml::node& value_;
};

toml::table read_table(const std::filesystem::path& file) try {
  return toml::parse(io::read_text(file, largest_file));
} catch (const toml::parse_error& error) {
  throw CLI::ConfigError(fmt::format("{}:{}: {}", io::display_path(file), error.source().begin.line,
                                     io::display(error.description())),
                         CLI::ExitCodes::ConfigError);
} catch (const Error& error) {
  throw CLI::ConfigError(error.what(), CLI::ExitCodes::ConfigError);
}

/// The options that the command line gives, and those that one of them excludes.
std::set<const CLI::Option*> overruled_options(CLI::App& command) {
  std::set<const CLI::Option*> overruled;
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0) continue;
    overruled.insert(option);
    std::ranges::copy(option->get_excludes(), std::inserter(overruled, overruled.end()));
  }
  return overruled;
}

void apply_file(CLI::App& command, const std::filesystem::path& file) {
  const auto table = read_table(file);
  const auto keys = config_keys(command);
  const auto overruled = overruled_options(command);
  for (const auto& [toml_key, value] : table) {
    const std::string key(toml_key.str());
    const Setting setting(file, key, value);
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      setting.fail(
          fmt::format("unknown key {}{} (keys equal the flags of `scatlight {} --help` without dashes)",
                      io::display(key), did_you_mean(key, keys), command.get_name()));
    }
    auto* option = command.get_option("--" + key);
    setting.apply(*option, overruled.contains(option));
  }
}

}  // namespace

std::vector<std::string> config_keys(const CLI::App& command) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : command.get_options()) {
    if (option == command.get_help_ptr()) continue;
    for (const auto& name : option->get_lnames()) {
      if (name != "config") keys.push_back(name);
    }
  }
  return keys;
}

void add_config_option(CLI::App& command) {
  command
      .add_option_function<std::string>(
          "--config", [&command](const std::string& file) { apply_file(command, file); },
          "Read flags from this TOML file; its keys equal the long flags without dashes (size = 160). Flags "
          "given here "
          "win.")
      ->type_name("FILE");
}

}  // namespace scatlight::cli
