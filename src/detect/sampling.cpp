#include "detect/sampling.h"

#include <algorithm>
#include <utility>

namespace scatlight::detect {
namespace {

/// Moves a random choice to the front and drops the rest.
void choose(std::vector<std::size_t>& from, std::size_t count, data::CounterRandom& random) {
  if (count >= from.size()) return;
  for (std::size_t i = 0; i < count; ++i) std::swap(from[i], from[i + random.below(from.size() - i)]);
  from.resize(count);
}

}  // namespace

data::CounterRandom sampling_random(std::uint64_t seed, std::uint64_t epoch, std::uint64_t image) {
  return {seed ^ 0x73616D706C696E67, epoch, image};  // "sampling"
}

std::vector<std::size_t> sample(std::span<const Match> matches, int count, float share,
                                data::CounterRandom& random) {
  std::vector<std::size_t> positive;
  std::vector<std::size_t> negative;
  for (std::size_t i = 0; i < matches.size(); ++i) {
    if (matches[i].kind == MatchKind::Positive) positive.push_back(i);
    if (matches[i].kind == MatchKind::Negative) negative.push_back(i);
  }
  choose(positive, static_cast<std::size_t>(share * static_cast<float>(count)), random);
  choose(negative, static_cast<std::size_t>(count) - positive.size(), random);
  std::vector<std::size_t> chosen = std::move(positive);
  chosen.insert(chosen.end(), negative.begin(), negative.end());
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace scatlight::detect
