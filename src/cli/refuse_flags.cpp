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

}  // namespace scatlight::cli
