#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/left_out.h"

// What a detector learns from and is measured against: pictures with boxes around objects.

namespace scatlight::data {

/// A rectangle in pixels of an upright picture, half-open: pixel x lies in it for left <= x < right.
struct Rect {
  float left = 0;
  float top = 0;
  float right = 0;
  float bottom = 0;

  float width() const { return right - left; }
  float height() const { return bottom - top; }
  float area() const { return width() * height(); }

  /// The part within a picture.
  Rect within(float picture_width, float picture_height) const {
    return {.left = std::clamp(left, 0.0F, picture_width),
            .top = std::clamp(top, 0.0F, picture_height),
            .right = std::clamp(right, 0.0F, picture_width),
            .bottom = std::clamp(bottom, 0.0F, picture_height)};
  }
  friend bool operator==(const Rect&, const Rect&) = default;
};

struct Object {
  Rect box = {};
  int label = 0;           ///< Index into the classes.
  bool difficult = false;  ///< Trained on, but not counted in tests.
  bool crowd = false;      ///< Many in one box: not trained on, and may be found many times.
  double area = 0;         ///< In pixels: what the annotation says, or the box's.
  friend bool operator==(const Object&, const Object&) = default;
};

struct BoxSample {
  std::filesystem::path file;
  std::int64_t id = 0;  ///< COCO's image id; in a VOC split the number of its line, from 1.
  ImageSize size = {};  ///< Of the upright picture.
  std::vector<Object> objects = {};
};

/// What a listing found, and what it did to boxes.
struct BoxCounts {
  std::int64_t images = 0;
  std::int64_t empty = 0;      ///< Images with no object that is trained on.
  std::int64_t objects = 0;    ///< All boxes, the next two included.
  std::int64_t difficult = 0;  ///< Objects.
  std::int64_t crowd = 0;      ///< Objects.
  std::int64_t trimmed = 0;    ///< Boxes that reached over the picture's edge.
  std::int64_t dropped = 0;    ///< Boxes of which less than a pixel was left by that.
  std::int64_t turned = 0;     ///< Images whose boxes were those of the picture before it was turned upright.
  friend bool operator==(const BoxCounts&, const BoxCounts&) = default;
};

/// A data set with boxes on disk.
struct BoxFolder {
  std::vector<std::filesystem::path> roots = {};  ///< Lists of VOC folders, such as test.txt; COCO files.
  std::vector<std::string> classes = {};
  std::vector<std::int64_t> category_ids = {};  ///< (classes): the annotation file's own, for results.
  std::vector<BoxSample> samples = {};          ///< By id.
  BoxCounts counts = {};
  std::vector<SkippedFile> skipped = {};  ///< With skip_bad.
  double held_out = 0;  ///< It is this share of a data set (data/hold_out.h); 0: it is whole.
};

/// Several data sets as one; a single one stays as it is. Classes that all have in common keep their labels
/// and ids, else those of later ones come behind those of earlier ones, and ids are numbers from 1. Images
/// are numbered from 1.
BoxFolder join(std::vector<BoxFolder> folders);

/// Moves some pictures, told by their places, into a data set of their own. What the listing did to boxes is
/// still told of the rest.
BoxFolder take_out(BoxFolder& folder, const std::vector<bool>& is_taken);

/// Takes the pictures without an object that is trained on out of a data set. Returns how many they were.
std::int64_t drop_empty(BoxFolder& folder);

/// Takes the classes without an object that is trained on out of a data set that has other classes, such as a
/// parent category that nothing is labelled with. Returns their names.
std::vector<std::string> drop_unused_classes(BoxFolder& folder);

/// Throws Error, which names the data set, when it cannot be trained on: it has no object, or none of a
/// class.
void require_objects(const BoxFolder& folder);

/// For example "205 images of 3 classes (Platelets, RBC, WBC), 2738 objects; 1 image without objects, 2 boxes
/// trimmed".
std::string describe(const BoxFolder& folder);

}  // namespace scatlight::data
