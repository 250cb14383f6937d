#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace scatlight::cli {

/// The accepted name that is most like the given one, or nothing when none is close: at most a third of the
/// letters (and always up to two) may differ.
std::string nearest_name(std::string_view given, const std::vector<std::string>& accepted);

/// ": did you mean NAME?" or nothing.
std::string did_you_mean(std::string_view given, const std::vector<std::string>& accepted);

}  // namespace scatlight::cli
