#include "cli/suggest.h"

#include <algorithm>
#include <numeric>

namespace scatlight::cli {
namespace {

/// Letters to insert, delete or replace (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (const char letter : a) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (letter == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_name(std::string_view given, const std::vector<std::string>& accepted) {
  // Nobody mistypes a very long name, and the table of distances grows with its square.
  if (given.size() > 100) return {};
  std::string best;
  std::size_t least = std::max<std::size_t>(2, given.size() / 3) + 1;
  for (const auto& name : accepted) {
    const auto distance = edit_distance(given, name);
    if (distance < least && distance < name.size()) {
      least = distance;
      best = name;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view given, const std::vector<std::string>& accepted) {
  const auto name = nearest_name(given, accepted);
  return name.empty() ? "" : ": did you mean " + name + "?";
}

}  // namespace scatlight::cli
