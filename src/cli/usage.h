#pragma once

#include <CLI/App.hpp>
#include <string>

namespace scatlight::cli {

/// One line for a command line that cannot be used: what was given, and what is accepted.
std::string usage_line(const CLI::App& app, const CLI::ParseError& error);

/// The complaint when no command was given.
std::string missing_command_line(const CLI::App& app);

}  // namespace scatlight::cli
