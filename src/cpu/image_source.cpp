#include "cpu/image_source.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace scatlight::cpu {

std::vector<std::int32_t> sources_of(const Axis& axis, const TileAxis& tiles, int tile, Boundary boundary) {
  const auto of_plane = axis.sources(boundary);
  auto sources = tiles.positions(tile);
  for (auto& position : sources) position = of_plane[position];
  return sources;
}

ColumnSources::ColumnSources(const std::vector<std::int32_t>& sources) {
  const auto add = [](std::vector<Run>& to, std::int32_t column, std::int32_t source) {
    if (!to.empty() && to.back().begin + to.back().length == column &&
        to.back().source + to.back().length == source) {
      ++to.back().length;
    } else {
      to.push_back({.begin = column, .source = source, .length = 1});
    }
  };
  std::vector<Run> all;
  for (std::int32_t column = 0; column < std::ssize(sources); ++column) {
    if (sources[column] < 0) {
      zeros.push_back(column);
    } else {
      add(all, column, sources[column]);
    }
  }

  // The longest first: what a shorter one has in common with it repeats it.
  std::ranges::sort(all, [](const Run& a, const Run& b) {
    return std::tie(b.length, a.begin) < std::tie(a.length, b.begin);
  });
  std::unordered_map<std::int32_t, std::int32_t> column_of;
  for (const Run& run : all) {
    for (std::int32_t i = 0; i < run.length; ++i) {
      const auto [held, is_new] = column_of.try_emplace(run.source + i, run.begin + i);
      if (is_new) {
        add(runs, run.begin + i, run.source + i);
      } else {
        repeats.push_back({.column = run.begin + i, .of = held->second});
      }
    }
  }
}

}  // namespace scatlight::cpu
