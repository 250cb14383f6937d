#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/jpeg.h"

namespace scatlight::data {

/// A JPEG or PNG file in memory, recognised by its content, whose header was read and whose size is sane: at
/// most 65,500 pixels a side and 2^28 in all. Every error of the file names it and the reason.
///
/// What becomes of the kinds of pictures:
/// - JPEG (baseline, progressive, arithmetic; 8 bits): accurate integer DCT and smooth chroma upsampling, as
///   Pillow and torchvision. Grey is repeated. CMYK and YCCK are taken as Adobe's inverted inks and converted
///   with Pillow's arithmetic. EXIF's orientation is applied (torchvision's folder loader does not).
///   A picture that ends early or has broken codes is an error (see jpeg.h).
/// - PNG: see png.h. The rare eXIf chunk and colour profiles are not applied.
class EncodedImage {
 public:
  /// `name` is the file's name for errors.
  EncodedImage(std::vector<std::uint8_t> bytes, std::string name);

  /// Reads a file of at most 512 MiB.
  static EncodedImage open(const std::filesystem::path& path);

  /// Of the upright picture.
  ImageSize size() const { return size_; }

  /// True for JPEG.
  bool can_reduce() const { return is_jpeg_; }

  /// Decodes the upright picture. A JPEG can be decoded to 1/2, 1/4 or 1/8 of each side (rounded up) by
  /// leaving out the fine coefficients of its DCT, which is several times faster; `reduction` is 1 for other
  /// formats.
  Image decode(int reduction = 1) const;

 private:
  void read_header();
  void check_size() const;

  std::vector<std::uint8_t> bytes_;
  std::string name_;
  bool is_jpeg_ = false;
  JpegHeader jpeg_ = {};
  ImageSize size_ = {};
};

/// The upright picture of a file.
Image decode_file(const std::filesystem::path& path);

/// The upright size, from the header alone; reads no more of the file than needed.
ImageSize read_image_size(const std::filesystem::path& path);

}  // namespace scatlight::data
