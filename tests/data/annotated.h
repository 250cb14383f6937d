#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <vector>

#include "data/image.h"
#include "data/pictures.h"
#include "support/temporary_folder.h"

namespace scatlight::test {

/// A picture of one colour as PNG.
inline std::string plain_png(int width, int height) {
  const data::Image image{.width = width,
                          .height = height,
                          .rgb = std::vector<std::uint8_t>(static_cast<std::size_t>(3 * width * height), 90)};
  return std::string(as_text(to_png(image)));
}

/// An object of a VOC file.
inline std::string voc_object(std::string_view name, int xmin, int ymin, int xmax, int ymax,
                              std::string_view more = "") {
  return fmt::format(
      "<object><name>{}</name>{}<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"
      "</object>",
      name, more, xmin, ymin, xmax, ymax);
}

inline std::string voc_size(int width, int height) {
  return fmt::format("<size><width>{}</width><height>{}</height><depth>3</depth></size>", width, height);
}

/// A folder as Pascal VOC's, of pictures of 40 x 30 pixels.
class VocFolder : public TemporaryFolder {
 public:
  /// Adds a picture to the split "train". `content` is the inside of its annotation.
  void add_picture(const std::string& name, const std::string& content) {
    add("JPEGImages/" + name + ".png", plain_png(40, 30));
    add("Annotations/" + name + ".xml", "<annotation>" + content + "</annotation>\n");
    names_ += name + "\n";
    add("ImageSets/Main/train.txt", names_);
  }

 private:
  std::string names_;
};

}  // namespace scatlight::test
