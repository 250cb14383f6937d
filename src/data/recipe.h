#pragma once

#include <array>
#include <optional>

#include "data/auto_augment.h"
#include "data/decode.h"
#include "data/image.h"
#include "data/normalizer.h"
#include "data/random.h"
#include "data/resize.h"

namespace scatlight::data {

/// How a picture becomes a network's input. The defaults are the paper's (section 3, as torchvision's
/// ImageNet training): RandomResizedCrop and flip for training; short side resized to 256, centre 224 for
/// testing.
struct RecipeOptions {
  int size = 224;                   ///< Of the result, in pixels per side.
  int resize = 0;                   ///< Short side before the centre crop; 0: size * 256 / 224.
  double smallest_area = 0.08;      ///< Of a random crop, as a share of the picture.
  double largest_area = 1;          ///< The same.
  double smallest_ratio = 3.0 / 4;  ///< Width by height of a random crop.
  double largest_ratio = 4.0 / 3;   ///< The same.
  /// In place of a random crop, the picture as for testing, with so many black pixels on each side, of which
  /// size x size are cut out at a random place: torchvision's RandomCrop with padding. 0: a random crop.
  int shift = 0;
  double flip = 0.5;                          ///< Probability of mirroring left to right.
  Policy policy = Policy::None;               ///< What else is done to a training picture.
  double erase = 0;                           ///< Probability of a rectangle of the mean colour in it.
  std::array<float, 3> mean = imagenet_mean;  ///< Subtracted from R, G, B in [0, 1].
  std::array<float, 3> deviation = imagenet_deviation;  ///< What is left is divided by these.
  bool reduced_decoding =
      true;  ///< Training may decode JPEG at 1/2, 1/4, 1/8 where the crop stays large enough.
};

/// The paper's recipe for training and for testing. Immutable, so one may serve many threads.
/// Results are of size x size; the normalizer makes them a network's numbers.
class Recipe {
 public:
  /// Throws Error for options out of range.
  explicit Recipe(const RecipeOptions& options);

  /// With `resize` resolved.
  const RecipeOptions& options() const { return options_; }

  /// The last step of testing and training: ToTensor, Normalize.
  const Normalizer& normalizer() const { return normalizer_; }

  /// Testing: Resize(short side), CenterCrop(size), bit-equal to torchvision's on Pillow images. The picture
  /// is never enlarged or shrunk other than by that one resize.
  Image evaluate(const Image& image) const;

  /// Training: RandomResizedCrop(size) or Resize, CenterCrop and RandomCrop(size, padding=shift), then
  /// RandomHorizontalFlip, the policy's operations and RandomErasing. The crop is drawn as torchvision draws
  /// it (ten tries, then the largest centre crop of an allowed ratio). A large JPEG is decoded at the lowest
  /// resolution that leaves at least `size` pixels in each side of the crop.
  Image augment(const EncodedImage& encoded, CounterRandom& random) const;

  /// The crop that augment() draws, in pixels of the whole picture.
  Window draw_crop(ImageSize size, CounterRandom& random) const;

  /// The rectangle that is erased in a picture of `size`, drawn as torchvision's RandomErasing draws it: ten
  /// tries at a share of 0.02 to 0.33 and a ratio of 0.3 to 3.3, then nothing.
  static std::optional<Window> draw_erased(ImageSize size, CounterRandom& random);

 private:
  Image shifted(const Image& image, CounterRandom& random) const;
  Image cropped(const EncodedImage& encoded, const Window& crop) const;
  void erase(Image& image, const Window& window) const;

  RecipeOptions options_;
  Normalizer normalizer_;
};

}  // namespace scatlight::data
