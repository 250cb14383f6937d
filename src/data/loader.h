#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/folder.h"
#include "data/left_out.h"
#include "data/loader_options.h"
#include "data/recipe.h"

namespace scatlight::data {

struct Batch {
  std::int64_t number = 0;   ///< Within the epoch, from 0. Resume after it with start_batch = number + 1.
  std::int64_t count = 0;    ///< Images; fewer where bad ones were left out.
  std::int64_t planned = 0;  ///< Images of the batch in all parts, bad ones included.
  std::vector<std::uint8_t> images;   ///< (count, size, size, 3): the recipe's, before its normalizer.
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
  /// nothing is left are not delivered, unless there are several parts.
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

}  // namespace scatlight::data
