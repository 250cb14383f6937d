#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace scatlight::detect {

/// Sorts items; equal ones keep their order. Replaces std::stable_sort, whose C++20 form in
/// libstdc++ 12 calls a function that C++17 deprecated, which the linter reports.
template <class Item, class Precedes>
void stable_sort(std::vector<Item>& items, Precedes precedes) {
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    if (precedes(items[a], items[b])) return true;
    return !precedes(items[b], items[a]) && a < b;
  });
  std::vector<Item> sorted;
  sorted.reserve(items.size());
  for (const auto i : order) sorted.push_back(items[i]);
  items.swap(sorted);
}

}  // namespace scatlight::detect
