#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace scatlight::cli {

/// The long flags of a command that a config file may set, without their dashes.
std::vector<std::string> config_keys(const CLI::App& command);

/// Adds --config FILE.toml to a command. The keys of the file equal the command's long flags without dashes;
/// flags on the command line win. Call it after all other options were added. While the command line is
/// parsed, a file that cannot be read or parsed, an unknown key, and a value of the wrong type or out of
/// range throw CLI::ConfigError with one line that names the file, the line and the key.
void add_config_option(CLI::App& command);

}  // namespace scatlight::cli
