#pragma once

#include <CLI/App.hpp>
#include <nlohmann/json.hpp>
#include <string>

namespace scatlight::cli {

/// The flags of a command as {"flag": value}: those given and those with a default. Numbers are numbers,
/// lists are lists. Help, --config and the flags named in `left_out` are not among them.
nlohmann::ordered_json flags_to_json(const CLI::App& command, const std::vector<std::string>& left_out);

/// Sets the flags that were not given from what flags_to_json made in an earlier run. A flag that was given
/// with another value than then is an Error, unless it is among `free`. `what` names the earlier run.
void take_flags(CLI::App& command, const nlohmann::ordered_json& earlier,
                const std::vector<std::string>& free, const std::string& what);

}  // namespace scatlight::cli
