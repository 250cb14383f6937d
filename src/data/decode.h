#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/image.h"

namespace scatlight::data {

struct PictureFormat;

/// The limit of pixels where none is given: a third of 2^29, the size from which Pillow, and so torchvision,
/// refuses a picture as a decompression bomb. A photograph of 150 megapixels fits.
inline constexpr std::int64_t default_max_pixels = 178'956'970;

/// The limit cannot be set higher than this.
inline constexpr std::int64_t largest_max_pixels = std::int64_t{1} << 29;

/// In bytes; larger files are not read.
inline constexpr std::uint64_t largest_picture_file = std::uint64_t{512} << 20;

/// A JPEG, PNG or WebP file in memory, recognised by its content, whose header was read and whose size is
/// sane: at most 65,500 pixels per side and `max_pixels` in all. Every error of the file names it and the
/// reason.
///
/// What becomes of the kinds of pictures:
/// - JPEG (baseline, progressive, arithmetic; 8 bits): accurate integer DCT and smooth chroma upsampling, as
///   Pillow and torchvision. Grey is repeated. CMYK and YCCK are taken as Adobe's inverted inks and converted
///   with Pillow's arithmetic. A picture that lacks pixels is an error (see data/jpeg.h).
/// - PNG: see data/png.h. WebP, of an animation the first frame: see data/webp.h.
/// - The orientation of EXIF or XMP is applied to all (torchvision's folder loader does not). Colour profiles
///   are not.
///
/// Memory while decoding, for each pixel of the file: 3 bytes for the result, 3 more where it is turned; 2
/// for each component of a JPEG of several scans; 4 for a lossless WebP. That is 11 at the most, 2.0 GB for a
/// progressive CMYK JPEG at the default limit.
class EncodedImage {
 public:
  /// `name` is the file's name for errors.
  EncodedImage(std::vector<std::uint8_t> bytes, std::string name,
               std::int64_t max_pixels = default_max_pixels);

  /// Reads a file of at most 512 MiB.
  static EncodedImage open(const std::filesystem::path& path, std::int64_t max_pixels = default_max_pixels);

  /// The file itself.
  std::span<const std::uint8_t> bytes() const { return bytes_; }

  /// The usual ending of such files, by the content: "jpg", "png" or "webp".
  std::string_view ending() const;

  const PictureHeader& header() const { return header_; }

  /// The size of the upright picture.
  ImageSize size() const;

  /// True for JPEG.
  bool can_reduce() const;

  /// Decodes the upright picture. A JPEG can be decoded to 1/2, 1/4 or 1/8 of each side (rounded up) by
  /// leaving out the fine coefficients of its DCT, which is several times faster; `reduction` is 1 for other
  /// formats.
  Image decode(int reduction = 1) const;

 private:
  void check_size(std::int64_t max_pixels) const;

  std::vector<std::uint8_t> bytes_;
  std::string name_;
  const PictureFormat* format_ = nullptr;
  PictureHeader header_ = {};
};

/// The upright picture of a file.
Image decode_file(const std::filesystem::path& path, std::int64_t max_pixels = default_max_pixels);

/// The largest reduction that leaves at least `least` of `side` pixels.
int largest_reduction(int side, int least);

/// Reads no more of a JPEG than its header; the records that say how a PNG or a WebP is oriented may stand
/// behind its pixels.
PictureHeader read_picture_header(const std::filesystem::path& path,
                                  std::int64_t max_pixels = default_max_pixels);

/// The upright size.
ImageSize read_image_size(const std::filesystem::path& path, std::int64_t max_pixels = default_max_pixels);

}  // namespace scatlight::data
