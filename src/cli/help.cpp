#include "cli/help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>
#include <string_view>

namespace scatlight::cli {
namespace {

constexpr std::size_t page_columns = 100;
constexpr std::size_t text_column = 26;

/// Breaks text into lines that fit a page, each line after the first indented. Line breaks in the text stay.
std::string wrap(std::string_view text, std::size_t indent) {
  std::string page;
  std::istringstream paragraphs{std::string(text)};
  for (std::string paragraph; std::getline(paragraphs, paragraph);) {
    std::istringstream words(paragraph);
    std::size_t column = indent;
    if (!page.empty()) page += "\n" + std::string(indent, ' ');
    for (std::string word; words >> word;) {
      if (column > indent && column + 1 + word.size() > page_columns) {
        page += "\n" + std::string(indent, ' ');
        column = indent;
      }
      if (column > indent) {
        page += ' ';
        ++column;
      }
      page += word;
      column += word.size();
    }
  }
  return page;
}

/// A name at the left and wrapped text at the right, on a line of its own where the name is long.
std::string entry(const std::string& name, const std::string& text) {
  std::string line = "  " + name;
  if (text.empty()) return line + "\n";
  if (line.size() + 2 > text_column) {
    line += "\n" + std::string(text_column, ' ');
  } else {
    line.resize(text_column, ' ');
  }
  return line + wrap(text, text_column) + "\n";
}

/// CLI11 keeps the type and the checks in one text: "INT:INT in [2 - 12]", "TEXT:{jpg,png}".
struct TypeText {
  std::string type;
  std::string check;
};

TypeText split_type(const CLI::Option& option) {
  const std::string text = option.get_type_name();
  const auto colon = text.find(':');
  if (colon == std::string::npos) return {.type = text, .check = {}};
  return {.type = text.substr(0, colon), .check = text.substr(colon + 1)};
}

/// "INT in [2 - 12]" -> "2 to 12"
std::string range_of(const std::string& check) {
  if (check == "NONNEGATIVE") return "at least 0";
  if (check == "POSITIVE") return "above 0";
  const auto open = check.find("in [");
  const auto dash = check.find(" - ", open);
  const auto close = check.find(']', dash);
  if (open == std::string::npos || dash == std::string::npos || close == std::string::npos) return {};
  const auto low = check.substr(open + 4, dash - open - 4);
  const auto high = check.substr(dash + 3, close - dash - 3);
  // Bounds at the type's own limit say nothing.
  if (high.size() > 16) return "at least " + low;
  return low + " to " + high;
}

std::string join(const std::vector<std::string>& words, std::string_view separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

/// Many choices are listed in the text, few stand beside the flag.
bool has_many_choices(const CLI::Option& option) {
  constexpr std::size_t room_beside_flag = 60;
  return join(choices_of(option), "|").size() > room_beside_flag;
}

std::string placeholder(const CLI::Option& option) {
  const auto choices = choices_of(option);
  if (has_many_choices(option)) return "NAME";
  if (!choices.empty()) return join(choices, "|");
  auto type = split_type(option).type;
  if (type == "INT" || type == "UINT") return "N";
  if (type == "FLOAT") return "X";
  return type;
}

/// "(2 to 12, default 8)", "(one of ..., required)"
std::string range_and_default(const CLI::Option& option) {
  std::vector<std::string> facts;
  if (has_many_choices(option)) facts.push_back("one of " + join(choices_of(option), ", "));
  const auto range = range_of(split_type(option).check);
  if (!range.empty()) facts.push_back(range);
  if (option.get_required()) facts.emplace_back("required");
  const auto usual = option.get_default_str();
  if (!usual.empty() && usual != "\"\"" && usual != "[]") facts.push_back("default " + usual);
  return facts.empty() ? "" : " (" + join(facts, ", ") + ")";
}

}  // namespace

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

std::vector<std::string> choices_of(const CLI::Option& option) {
  const auto check = split_type(option).check;
  const auto open = check.find('{');
  const auto close = check.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return {};
  std::vector<std::string> choices;
  std::istringstream list(check.substr(open + 1, close - open - 1));
  for (std::string choice; std::getline(list, choice, ',');) {
    const auto arrow = choice.find("->");  // a transformer names what a choice becomes
    choices.push_back(choice.substr(0, arrow));
  }
  return choices;
}

std::string accepted_by(const CLI::Option& option) {
  const auto choices = choices_of(option);
  if (!choices.empty()) return "one of " + join(choices, ", ");
  if (is_flag(option)) return "no value";
  const auto [type, check] = split_type(option);
  std::string what = "text";
  if (type == "INT" || type == "UINT") what = "a whole number";
  if (type == "FLOAT") what = "a number";
  const auto range = range_of(check);
  if (range.empty()) return what;
  return what + (range.starts_with('a') ? " " : " from ") + range;
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  const bool flag = is_flag(*option);
  std::string name = is_positional ? option->get_name(true, false) : option->get_name(false, true);
  if (!is_positional && !flag) name += " " + placeholder(*option);
  if (option->get_expected_max() == CLI::detail::expected_max_vector_size) name += "...";
  return entry(name, option->get_description() + (flag ? "" : range_and_default(*option)));
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  // A page has a paragraph; the list has its first sentence.
  const auto text = command->get_description();
  return entry(command->get_name(), text.substr(0, text.find('\n')));
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  const auto text = app->get_description();
  return text.empty() ? "" : wrap(text, 0) + "\n\n";
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  if (app->get_parent() != nullptr) name = app->get_parent()->get_name() + " " + app->get_name();
  std::string line = "Usage: " + name;
  for (const CLI::Option* option : app->get_options()) {
    if (!option->get_positional()) continue;
    const bool many = option->get_expected_max() == CLI::detail::expected_max_vector_size;
    const auto text = option->get_name(true, false) + (many ? "..." : "");
    line += option->get_required() ? " " + text : " [" + text + "]";
  }
  for (const CLI::Option* option : app->get_options()) {
    if (option->get_positional() || !option->get_required()) continue;
    line += " " + option->get_name(false, false) + " " + placeholder(*option);
  }
  if (app->get_subcommands({}).empty()) return line + " [options]\n";
  return line + " COMMAND [options]\n";
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  const auto text = app->get_footer();
  return text.empty() ? "" : text.substr(text.find_first_not_of('\n')) + "\n";
}

}  // namespace scatlight::cli
