#pragma once

// Trained networks for use in a program: what `scatlight predict` does. It is a library of its own,
// scatlight::models (find_package(scatlight COMPONENTS models)), and brings torch with it.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scatlight/error.h"
#include "scatlight/export.h"

namespace scatlight {

/// An 8-bit sRGB picture in memory.
class SCATLIGHT_API Picture {
 public:
  /// Decodes a JPEG, PNG or WebP file of at most 512 MiB, upright as its EXIF says. Throws Error with the
  /// reason: a file that cannot be read, is damaged or of another kind, has more than 178,956,970 pixels.
  static Picture read(const std::filesystem::path& file);

  /// Decodes such a file from memory. Errors call it `name`.
  static Picture decode(std::span<const std::byte> file, const std::string& name = "the picture");

  /// A copy of pixels (height, width, 3) of R, G, B, contiguous. Throws Error for other sizes.
  Picture(std::span<const std::uint8_t> rgb, int height, int width);

  /// A copy of numbers from 0 to 1, rounded to 8 bits, since networks are trained on pictures of 8 bits.
  /// Throws Error for numbers outside this range.
  Picture(std::span<const float> rgb, int height, int width);

  int height() const { return height_; }
  int width() const { return width_; }
  std::span<const std::uint8_t> rgb() const { return rgb_; }  ///< (height, width, 3), contiguous

 private:
  Picture(int height, int width, std::vector<std::uint8_t> rgb);

  int height_;
  int width_;
  std::vector<std::uint8_t> rgb_;
};

struct ModelOptions {
  std::optional<int> gpu = {};  ///< Where to compute: the GPU of this number, or the CPU.
  bool bfloat16 = false;        ///< Convolutions in bfloat16 instead of float32.
  int threads = 0;              ///< Of torch, for the whole process; 0: one per core.
  int batch = 32;               ///< Pictures that a classifier computes together, at most.
};

/// Whether a model file holds a detector; otherwise it holds a classifier. Throws Error for any other file.
SCATLIGHT_API bool is_detector(const std::filesystem::path& model);

/// A network that `scatlight train` wrote. One call at a time may use it.
class SCATLIGHT_API Classifier {
 public:
  struct Prediction {
    int label = 0;  ///< Index into classes().
    double probability = 0;
  };

  /// Reads a model.safetensors. Throws Error for another file, for options out of range, for a GPU that does
  /// not exist and when memory runs out.
  explicit Classifier(const std::filesystem::path& model, const ModelOptions& options = {});
  ~Classifier();
  Classifier(Classifier&&) noexcept;
  Classifier& operator=(Classifier&&) noexcept;

  const std::vector<std::string>& classes() const;

  /// (pictures, classes), contiguous. Pictures may have any size: they are resized and cropped as in
  /// `scatlight eval`. Throws Error for a network whose outputs are not finite.
  std::vector<double> probabilities(std::span<const Picture> pictures);

  /// The `top` most probable classes of a picture, the most probable first.
  std::vector<Prediction> classify(const Picture& picture, int top = 5);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A network that `scatlight train-detector` wrote. One call at a time may use it.
class SCATLIGHT_API Detector {
 public:
  struct Object {
    int label = 0;     ///< Index into classes().
    double score = 0;  ///< From 0 to 1.
    float left = 0;    ///< In pixels of the picture, whose left edge is 0; so are the others.
    float top = 0;
    float right = 0;
    float bottom = 0;
  };

  /// As Classifier's.
  explicit Detector(const std::filesystem::path& model, const ModelOptions& options = {});
  ~Detector();
  Detector(Detector&&) noexcept;
  Detector& operator=(Detector&&) noexcept;

  const std::vector<std::string>& classes() const;

  /// The objects with a score above `score`, the best first. Throws Error for a score that is not from 0 to
  /// 1, and for a picture so narrow that the network could see nothing in it.
  std::vector<Object> detect(const Picture& picture, double score = 0.5);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace scatlight
