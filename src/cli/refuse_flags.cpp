#include "cli/refuse_flags.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace scatlight::cli {

void refuse_flags(const CLI::App& command, const std::vector<std::string>& flags, const std::string& why) {
  for (const auto& flag : flags) {
    if (command.get_option(flag)->count() > 0)
      throw CLI::ValidationError(fmt::format("{} does not apply here: {}", flag, why));
  }
}

void refuse_flags_of_network(bool given, const char* flags, const std::string& network,
                             const std::string& why) {
  if (given)
    throw CLI::ValidationError(fmt::format("{} says nothing about {}, which {}", flags, network, why));
}

}  // namespace scatlight::cli
