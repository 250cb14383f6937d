#include "data/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "data/jpeg.h"
#include "data/orientation.h"
#include "data/png.h"
#include "data/webp.h"
#include "io/display.h"
#include "io/file.h"
#include "scatlight/error.h"

namespace scatlight::data {

using Bytes = std::span<const std::uint8_t>;

/// The functions that read one format.
struct PictureFormat {
  std::string_view ending;
  bool (*matches)(Bytes);
  PictureHeader (*read_header)(Bytes);
  Image (*decode)(Bytes, int reduction);
  bool can_reduce = false;
};

namespace {

constexpr int largest_picture_side = 65500;  // libjpeg's own limit

constexpr std::array<PictureFormat, 3> formats = {{
    {"jpg", is_jpeg, read_jpeg_header, decode_jpeg, true},
    {"png", is_png, read_png_header, [](Bytes bytes, int) { return decode_png(bytes); }},
    {"webp", is_webp, read_webp_header, [](Bytes bytes, int) { return decode_webp(bytes); }},
}};

const PictureFormat& find_format(Bytes bytes) {
  if (bytes.empty()) throw Error("it is empty");
  const auto* format = std::ranges::find_if(formats, [&](const auto& known) { return known.matches(bytes); });
  if (format == formats.end()) throw Error("it is neither a JPEG nor a PNG nor a WebP");
  return *format;
}

/// Runs a step of decoding; its errors get the file's name.
template <class Step>
auto named(const std::string& name, Step&& step) {
  try {
    return step();
  } catch (const Error& error) {
    throw Error(fmt::format("cannot decode {}: {}", io::display(name), error.what()));
  }
}

}  // namespace

EncodedImage::EncodedImage(std::vector<std::uint8_t> bytes, std::string name, std::int64_t max_pixels)
    : bytes_(std::move(bytes)), name_(std::move(name)) {
  named(name_, [&] {
    format_ = &find_format(bytes_);
    header_ = format_->read_header(bytes_);
    check_size(max_pixels);
  });
}

EncodedImage EncodedImage::open(const std::filesystem::path& path, std::int64_t max_pixels) {
  return {io::read_bytes(path, largest_picture_file), path.native(), max_pixels};
}

void EncodedImage::check_size(std::int64_t max_pixels) const {
  const auto [width, height] = header_.stored;
  if (width < 1 || height < 1) throw Error(fmt::format("it has no pixels ({} x {})", width, height));
  if (std::max(width, height) > largest_picture_side || std::int64_t{width} * height > max_pixels) {
    throw Error(fmt::format("it has {} x {} pixels; at most {} per side and {} in all are accepted", width,
                            height, largest_picture_side, max_pixels));
  }
}

ImageSize EncodedImage::size() const { return upright_size(header_); }

std::string_view EncodedImage::ending() const { return format_->ending; }

bool EncodedImage::can_reduce() const { return format_->can_reduce; }

Image EncodedImage::decode(int reduction) const {
  return named(name_, [&] { return make_upright(format_->decode(bytes_, reduction), header_.orientation); });
}

Image decode_file(const std::filesystem::path& path, std::int64_t max_pixels) {
  return EncodedImage::open(path, max_pixels).decode();
}

int largest_reduction(int side, int least) {
  int reduction = 1;
  while (reduction < 8 && side >= 2 * reduction * least) reduction *= 2;
  return reduction;
}

PictureHeader read_picture_header(const std::filesystem::path& path, std::int64_t max_pixels) {
  constexpr std::uint64_t usual_header = 65536;
  const io::ReadOnlyFile file(path);
  std::vector<std::uint8_t> start(std::min(file.size(), usual_header));
  file.read(0, std::as_writable_bytes(std::span(start)));
  const bool is_whole = start.size() == file.size();
  try {
    if (is_whole || is_jpeg(start)) return EncodedImage(std::move(start), path.native(), max_pixels).header();
  } catch (const Error&) {
    if (is_whole) throw;  // else large records of a camera may stand before the size
  }
  return EncodedImage::open(path, max_pixels).header();
}

ImageSize read_image_size(const std::filesystem::path& path, std::int64_t max_pixels) {
  return upright_size(read_picture_header(path, max_pixels));
}

}  // namespace scatlight::data
