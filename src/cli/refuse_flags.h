#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace scatlight::cli {

/// Throws CLI::ValidationError, which ends with `why`, when one of the flags was given.
void refuse_flags(const CLI::App& command, const std::vector<std::string>& flags, const std::string& why);

/// Throws CLI::ValidationError for flags that were given: "FLAGS says nothing about NETWORK, which WHY".
void refuse_flags_of_network(bool given, const char* flags, const std::string& network,
                             const std::string& why);

}  // namespace scatlight::cli
