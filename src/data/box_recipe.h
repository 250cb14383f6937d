#pragma once

#include <array>
#include <span>
#include <vector>

#include "data/decode.h"
#include "data/image.h"
#include "data/normalizer.h"
#include "data/objects.h"
#include "data/random.h"
#include "data/resize.h"

namespace scatlight::data {

/// How a picture with objects becomes a detector's input. The defaults are the paper's for VOC (section 3.2).
struct BoxRecipeOptions {
  int short_side = 600;                       ///< Of the result, in pixels, ...
  int long_side = 1200;                       ///< ... unless the long side would be longer than this.
  double most_aspect = 2;                     ///< Training: of a picture longer than that a part is taken.
  double flip = 0.5;                          ///< Training: probability of mirroring left to right.
  std::array<float, 3> mean = imagenet_mean;  ///< Subtracted from R, G, B in [0, 1].
  std::array<float, 3> deviation = imagenet_deviation;  ///< What is left is divided by these.
  bool reduced_decoding = true;  ///< Training may decode JPEG at 1/2, 1/4, 1/8 where it stays large enough.
};

/// A result's shorter side; no network of this project sees an object in less.
inline constexpr int least_short_side = 32;

/// What becomes of one picture: `window` of it is resized to `size`, and mirrored.
struct Framing {
  Window window = {};
  ImageSize size = {};
  bool mirrored = false;

  /// Pixels of the result for one of the picture.
  double scale_x() const { return static_cast<double>(size.width) / window.width; }
  double scale_y() const { return static_cast<double>(size.height) / window.height; }
};

/// Where objects lie in the result, areas scaled, too. Objects of which less than a pixel of the picture is
/// in the window in either direction, and not all, are left out.
std::vector<Object> follow(std::span<const Object> objects, const Framing& framing);

/// The recipe for training and for testing. A picture's framing is known before it is decoded. Immutable, so
/// one may serve many threads.
class BoxRecipe {
 public:
  /// Throws Error for options out of range.
  explicit BoxRecipe(const BoxRecipeOptions& options);

  const BoxRecipeOptions& options() const { return options_; }

  /// Testing: the whole picture. Throws Error with the reason alone for a picture so narrow that its result
  /// would have a side below least_short_side.
  Framing evaluate(ImageSize picture) const;

  /// Training: mirrored at random, and of a picture longer than `most_aspect` a random window. It has all
  /// objects, if it can, else it has a random one of them, or lies within it. The size does not depend on
  /// chance. Throws Error as evaluate() does.
  Framing augment(ImageSize picture, std::span<const Object> objects, CounterRandom& random) const;

  /// Decodes a picture and writes its result to the upper left of a canvas (3, height, width) of R, G, B,
  /// zeros elsewhere. `exact` forbids reduced decoding.
  void paint(const EncodedImage& encoded, const Framing& framing, bool exact, std::span<float> canvas,
             ImageSize size) const;

  /// Does the same with a picture that is already decoded.
  void paint(const Image& picture, const Framing& framing, std::span<float> canvas, ImageSize size) const;

 private:
  /// Does the same with a picture that was reduced to a share of its sides.
  void paint(const Image& picture, double share, const Framing& framing, std::span<float> canvas,
             ImageSize size) const;
  ImageSize resized(ImageSize window) const;

  BoxRecipeOptions options_;
  Normalizer normalizer_;
};

}  // namespace scatlight::data
