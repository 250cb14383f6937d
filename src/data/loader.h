#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/decode.h"
#include "data/folder.h"
#include "data/recipe.h"

namespace scatlight::data {

struct LoaderOptions {
  /// At most: an epoch is cut into the fewest batches, as even as they can be.
  std::int64_t batch_size = 256;
  int threads = 0;         ///< That decode; 0 means one for each core.
  std::uint64_t seed = 0;  ///< Of order and augmentation.
  std::int64_t epoch = 0;  ///< Each epoch has its own order and augmentation.
  bool augment = false;    ///< Recipe::augment (training) instead of Recipe::evaluate.
  bool shuffle = false;    ///< Samples in a random order, else in the data set's.
  bool skip_bad = false;   ///< Leave out files that cannot be decoded, and record them.
  int prefetch = 2;        ///< Batches in memory that are being made or wait; at least 1.
  std::int64_t max_pixels = default_max_pixels;  ///< Of a picture; a file with more is bad.
  std::int64_t start_batch = 0;  ///< First batch to deliver, for an exact resume within an epoch.
};

struct Batch {
  std::int64_t number = 0;    ///< Within the epoch, from 0. Resume after it with start_batch = number + 1.
  std::int64_t count = 0;     ///< Images; fewer where bad ones were left out.
  std::vector<float> images;  ///< (count, 3, size, size)
  std::vector<std::int64_t> labels;   ///< (count)
  std::vector<std::int64_t> indices;  ///< (count): into the data set's samples.
};

/// Delivers one epoch of a data set in batches, made ahead by worker threads. The batches and their order are
/// bit-equal whatever the number of threads. Memory: `prefetch` batches of images, and one encoded and
/// decoded picture a thread. next(), recycle() and skipped() belong to one consumer at a time.
class Loader {
 public:
  /// The folder and the recipe must outlive the loader. Throws Error for options out of range.
  Loader(const ImageFolder& folder, const Recipe& recipe, const LoaderOptions& options);

  /// Stops the workers, also in the middle of an epoch; waits for at most the pictures that they are
  /// decoding.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next batch, or nothing after the last. A bad file is an Error that names it, thrown when its batch's
  /// turn comes, so always the same file's; the loader is at its end then. With skip_bad, batches in which
  /// nothing is left are not delivered.
  std::optional<Batch> next();

  /// Gives a batch's memory back for a later one. Optional.
  void recycle(Batch batch);

  /// Batches of the epoch, those before start_batch included.
  std::int64_t batch_count() const;

  /// The files left out so far, in the order of the batches delivered.
  const std::vector<SkippedFile>& skipped() const;

 private:
  class Workers;
  std::unique_ptr<Workers> workers_;
};

/// A part of a sequence.
struct Part {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// The fewest parts of at most `largest` that `count` samples can be cut into: their number, and part `index`
/// of them. The parts differ by one sample at most, so that none is left out and none is tiny.
std::int64_t part_count(std::int64_t count, std::int64_t largest);
Part even_part(std::int64_t count, std::int64_t largest, std::int64_t index);

/// The order in which an epoch visits `count` samples: a permutation that depends on seed and epoch alone.
std::vector<std::int64_t> shuffled_order(std::int64_t count, std::uint64_t seed, std::int64_t epoch);

}  // namespace scatlight::data
