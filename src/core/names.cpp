#include "scatlight/names.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "scatlight/error.h"

namespace scatlight {

std::size_t index_of_name(std::string_view what, std::span<const std::string_view> names,
                          std::string_view text) {
  const auto found = std::ranges::find(names, text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string accepted;
  for (const auto name : names) accepted += fmt::format("{}'{}'", accepted.empty() ? "" : ", ", name);
  throw Error(fmt::format("{} is '{}'; it must be one of {}", what, text, accepted));
}

}  // namespace scatlight
