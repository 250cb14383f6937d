#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/help.h"

// The scripts are made from the app itself, so they know exactly the commands and flags of the program that
// printed them. Where a word is neither a command nor a flag nor a choice, the shell completes files.

namespace scatlight::cli {
namespace {

/// One flag of a command.
struct Flag {
  std::string name;  // with its dashes
  std::string description;
  bool takes_value = false;
  std::vector<std::string> choices;
};

struct Command {
  std::string name;
  std::string description;
  std::vector<Flag> flags;
  std::vector<std::string> words;  // that its first argument may be, when it is a choice
};

/// The first sentence, without letters that mean something to a shell's quotes.
std::string brief(const std::string& text) {
  std::string line;
  for (const char letter : text.substr(0, std::min(text.find('\n'), text.find(". ")))) {
    line += letter == '\'' || letter == '"' || letter == '[' || letter == ']' || letter == ':' ||
                    letter == '`' || letter == '$' || letter == '\\'
                ? ' '
                : letter;
  }
  return line;
}

Command describe(const CLI::App& app) {
  Command command{
      .name = app.get_name(), .description = brief(app.get_description()), .flags = {}, .words = {}};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() && command.words.empty()) command.words = choices_of(*option);
    for (const auto& name : option->get_lnames()) {
      command.flags.push_back({.name = "--" + name,
                               .description = brief(option->get_description()),
                               .takes_value = !is_flag(*option),
                               .choices = choices_of(*option)});
    }
  }
  return command;
}

std::vector<Command> describe_all(const CLI::App& app) {
  std::vector<Command> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(describe(*command));
  return commands;
}

std::string flag_names(const Command& command) {
  std::string names;
  for (const auto& flag : command.flags) names += (names.empty() ? "" : " ") + flag.name;
  return names;
}

std::string bash_script(const Command& root, const std::vector<Command>& commands) {
  std::string names;
  std::string cases;
  for (const auto& command : commands) {
    names += (names.empty() ? "" : " ") + command.name;
    cases += fmt::format("    {}) words=\"{}\"; flags=\"{}\" ;;\n", command.name,
                         fmt::join(command.words, " "), flag_names(command));
  }
  std::string values;
  for (const auto& command : commands) {
    for (const auto& flag : command.flags) {
      if (!flag.takes_value) continue;
      values += fmt::format("    {}:{}) words=\"{}\"; flags=\"\" ;;\n", command.name, flag.name,
                            fmt::join(flag.choices, " "));
    }
  }
  return fmt::format(R"(# bash completion of scatlight: source <(scatlight completion bash)
_scatlight() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" command="${{COMP_WORDS[1]}}"
  local words="" flags=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{0} {1}" -- "$current"))
    return
  fi
  case "$command" in
{2}  esac
  case "$command:$previous" in
{3}  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}}
complete -o default -o bashdefault -F _scatlight scatlight
)",
                     names, flag_names(root), cases, values);
}

std::string zsh_script(const Command& root, const std::vector<Command>& commands) {
  std::string list;
  std::string cases;
  for (const auto& command : commands) {
    list += fmt::format("    '{}:{}'\n", command.name, command.description);
    std::string arguments;
    for (const auto& flag : command.flags) {
      std::string value;
      if (flag.takes_value)
        value =
            flag.choices.empty() ? ":value:_files" : fmt::format(":value:({})", fmt::join(flag.choices, " "));
      arguments += fmt::format(" \\\n        '{}[{}]{}'", flag.name, flag.description, value);
    }
    const auto words = command.words.empty() ? "_files" : fmt::format("({})", fmt::join(command.words, " "));
    cases += fmt::format("      {})\n      _arguments{} \\\n        '*:argument:{}' ;;\n", command.name,
                         arguments, words);
  }
  std::string root_flags;
  for (const auto& flag : root.flags) root_flags += fmt::format(" '{}[{}]'", flag.name, flag.description);
  return fmt::format(R"(#compdef scatlight
# zsh completion of scatlight: scatlight completion zsh > "${{fpath[1]}}/_scatlight"
_scatlight() {{
  local -a commands
  commands=(
{0}  )
  local context state line
  _arguments -C{1} '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $line[1] in
{2}      esac ;;
  esac
}}
if [ "$funcstack[1]" = _scatlight ]; then _scatlight "$@"; else compdef _scatlight scatlight; fi
)",
                     list, root_flags, cases);
}

std::string fish_script(const Command& root, const std::vector<Command>& commands) {
  std::string script = "# fish completion of scatlight: scatlight completion fish | source\n";
  for (const auto& flag : root.flags) {
    script += fmt::format("complete -c scatlight -n __fish_use_subcommand -l {} -d '{}'\n",
                          flag.name.substr(2), flag.description);
  }
  for (const auto& command : commands) {
    script += fmt::format("complete -c scatlight -n __fish_use_subcommand -f -a {} -d '{}'\n", command.name,
                          command.description);
    const auto condition = fmt::format("-n '__fish_seen_subcommand_from {}'", command.name);
    if (!command.words.empty()) {
      script +=
          fmt::format("complete -c scatlight {} -f -a '{}'\n", condition, fmt::join(command.words, " "));
    }
    for (const auto& flag : command.flags) {
      std::string value;
      if (flag.takes_value)
        value = flag.choices.empty() ? " -r" : fmt::format(" -x -a '{}'", fmt::join(flag.choices, " "));
      script += fmt::format("complete -c scatlight {} -l {}{} -d '{}'\n", condition, flag.name.substr(2),
                            value, flag.description);
    }
  }
  return script;
}

}  // namespace

void add_completion_command(CLI::App& app) {
  auto shell = std::make_shared<std::string>();
  auto* command = app.add_subcommand("completion",
                                     "Print a script that completes commands, flags and files in a shell\n"
                                     "The script is made by this program from its own commands and flags.");
  command->add_option("SHELL", *shell, "The shell.")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(R"(
Examples:
  source <(scatlight completion bash)                 in ~/.bashrc
  scatlight completion zsh > "${fpath[1]}/_scatlight"
  scatlight completion fish > ~/.config/fish/completions/scatlight.fish)");
  command->callback([&app, shell] {
    const auto root = describe(app);
    const auto commands = describe_all(app);
    const auto script = *shell == "bash"  ? bash_script(root, commands)
                        : *shell == "zsh" ? zsh_script(root, commands)
                                          : fish_script(root, commands);
    std::fputs(script.c_str(), stdout);
  });
}

}  // namespace scatlight::cli
