#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/box_recipe.h"
#include "data/left_out.h"
#include "data/loader_options.h"
#include "data/objects.h"

namespace scatlight::data {

/// The sides of a canvas are multiples of this: what a network's strides divide.
inline constexpr int canvas_multiple = 32;

/// The smallest canvas that a result of this size fits on.
ImageSize canvas_of(ImageSize size);

struct BoxBatch {
  std::int64_t number = 0;   ///< Within the epoch, from 0. Resume after it with start_batch = number + 1.
  std::int64_t count = 0;    ///< Images; fewer where bad ones were left out.
  std::int64_t planned = 0;  ///< Images of the batch in all parts, bad ones included.
  int height = 0;            ///< Of the canvas, in which every picture lies at the upper left.
  int width = 0;             ///< The same.
  /// (count, 3, height, width), zeros beside and below a picture. Normalized, where Batch has bytes: a step
  /// of a detector has few pictures, and its time is not that of moving them.
  std::vector<float> images;
  std::vector<Framing> framings;             ///< (count): the pictures' sizes on the canvas, and from what
  std::vector<std::vector<Object>> objects;  ///< (count), in pixels of the canvas
  std::vector<std::int64_t> indices;         ///< (count): into the data set's samples
};

/// Delivers one epoch of pictures with objects, as Loader does of pictures alone. Wide and tall pictures are
/// in batches of their own, so that little of a canvas is empty; only what is left of both at the end of an
/// epoch is mixed. See LoaderOptions; batches are full but for the last ones.
class BoxLoader {
 public:
  /// The folder and the recipe must outlive the loader. Throws Error for options out of range, and, without
  /// skip_bad, for a picture that is too narrow for the recipe.
  BoxLoader(const BoxFolder& folder, const BoxRecipe& recipe, const LoaderOptions& options);
  ~BoxLoader();
  BoxLoader(const BoxLoader&) = delete;
  BoxLoader& operator=(const BoxLoader&) = delete;

  // As of Loader.
  std::optional<BoxBatch> next();
  void recycle(BoxBatch batch);
  std::int64_t batch_count() const;
  const std::vector<SkippedFile>& skipped() const;

 private:
  class Workers;
  std::unique_ptr<Workers> workers_;
};

/// Throws Error, which names the file, for the first picture that is too narrow for the recipe, in training
/// (`augment`) or in testing.
void require_framings(const BoxFolder& folder, const BoxRecipe& recipe, bool augment);

/// The images of each batch of an epoch, none of which is bad; the full batches first.
std::vector<std::int64_t> batch_sizes(const BoxFolder& folder, std::int64_t batch_size);

/// An order of samples cut into batches of `batch_size`, a sample being wide or not: a batch is full as soon
/// as there are enough of one kind, and the rest of both are cut into the fewest even parts.
std::vector<std::vector<std::int64_t>> group_by_aspect(const std::vector<std::int64_t>& order,
                                                       const std::vector<bool>& is_wide,
                                                       std::int64_t batch_size);

}  // namespace scatlight::data
