#pragma once

#include <cstdint>
#include <vector>

#include "data/decode.h"

// What the loaders of pictures have in common: their options, and how an epoch is cut into batches.

namespace scatlight::data {

struct LoaderOptions {
  /// At most: an epoch is cut into the fewest batches, as even as they can be.
  std::int64_t batch_size = 256;
  int threads = 0;         ///< That decode; 0 means one per core.
  std::uint64_t seed = 0;  ///< Of order and augmentation.
  std::int64_t epoch = 0;  ///< Each epoch has its own order and augmentation.
  bool augment = false;    ///< The recipe's augment (training) instead of its evaluate.
  bool shuffle = false;    ///< Samples in a random order, else in the data set's.
  bool skip_bad = false;   ///< Leave out files that cannot be decoded, and record them.
  int prefetch = 2;        ///< Batches in memory that are being made or wait; at least 1.
  std::int64_t max_pixels = default_max_pixels;  ///< Of a picture; a file with more is bad.
  std::int64_t start_batch = 0;  ///< First batch to deliver, for an exact resume within an epoch.

  // Loaders of several processes share each batch. Where there are several parts, batches in which nothing is
  // left are delivered too, so that all loaders deliver equally many.
  int part = 0;   ///< The part of every batch that this one delivers, of `parts`, even to a sample.
  int parts = 1;  ///< At least 1.
};

/// With `threads` resolved. Throws Error for options out of range; an epoch has `batches` batches.
LoaderOptions check_loader_options(LoaderOptions options, std::int64_t batches);

constexpr std::int64_t largest_batch_size = 1 << 20;

/// Throws Error, which names `what`, unless least <= value <= most.
void check_range(const char* what, std::int64_t value, std::int64_t least, std::int64_t most);

/// Throws Error unless 1 <= batch_size <= largest_batch_size: what the number of batches follows from.
void check_batch_size(std::int64_t batch_size);

/// A part of a sequence.
struct Part {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// The fewest parts of at most `largest` that `count` samples can be cut into: their number, and part `index`
/// of them. The parts differ by one sample at most, so that none is left out and none is tiny.
std::int64_t part_count(std::int64_t count, std::int64_t largest);
Part even_part(std::int64_t count, std::int64_t largest, std::int64_t index);

/// The part of a batch of `count` samples that a loader delivers.
Part own_part(std::int64_t count, const LoaderOptions& options);

/// The order in which an epoch visits `count` samples: a permutation that depends on seed and epoch alone.
std::vector<std::int64_t> shuffled_order(std::int64_t count, std::uint64_t seed, std::int64_t epoch);

/// The same, or that of the data set where the options do not shuffle.
std::vector<std::int64_t> epoch_order(std::int64_t count, const LoaderOptions& options);

}  // namespace scatlight::data
