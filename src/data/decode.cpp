#include "data/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data/orientation.h"
#include "data/png.h"
#include "io/display.h"
#include "io/file.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

constexpr std::uint64_t largest_file = std::uint64_t{512} << 20;
constexpr int largest_side = 65500;  // libjpeg's own limit
constexpr std::int64_t most_pixels = std::int64_t{1} << 28;

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

EncodedImage::EncodedImage(std::vector<std::uint8_t> bytes, std::string name)
    : bytes_(std::move(bytes)), name_(std::move(name)) {
  named(name_, [this] {
    read_header();
    check_size();
  });
}

EncodedImage EncodedImage::open(const std::filesystem::path& path) {
  return {io::read_bytes(path, largest_file), path.native()};
}

void EncodedImage::read_header() {
  if (bytes_.empty()) throw Error("it is empty");
  is_jpeg_ = is_jpeg(bytes_);
  if (is_jpeg_) {
    jpeg_ = read_jpeg_header(bytes_);
    size_ = {.width = jpeg_.width, .height = jpeg_.height};
    if (swaps_sides(jpeg_.orientation)) std::swap(size_.width, size_.height);
  } else if (is_png(bytes_)) {
    size_ = read_png_size(bytes_);
  } else {
    throw Error("it is neither a JPEG nor a PNG");
  }
}

void EncodedImage::check_size() const {
  if (size_.width < 1 || size_.height < 1) {
    throw Error(fmt::format("it has no pixels ({} x {})", size_.width, size_.height));
  }
  if (std::max(size_.width, size_.height) > largest_side ||
      std::int64_t{size_.width} * size_.height > most_pixels) {
    throw Error(fmt::format("it has {} x {} pixels; at most {} a side and {} in all are accepted",
                            size_.width, size_.height, largest_side, most_pixels));
  }
}

Image EncodedImage::decode(int reduction) const {
  return named(name_, [&] {
    if (!is_jpeg_) return decode_png(bytes_);
    return make_upright(decode_jpeg(bytes_, jpeg_, reduction), jpeg_.orientation);
  });
}

Image decode_file(const std::filesystem::path& path) { return EncodedImage::open(path).decode(); }

ImageSize read_image_size(const std::filesystem::path& path) {
  constexpr std::uint64_t usual_header = 65536;
  const io::ReadOnlyFile file(path);
  std::vector<std::uint8_t> start(std::min(file.size(), usual_header));
  file.read(0, std::as_writable_bytes(std::span(start)));
  try {
    return EncodedImage(std::move(start), path.native()).size();
  } catch (const Error&) {
    if (file.size() <= usual_header) throw;
  }
  // Large records of a camera may stand before the size.
  return EncodedImage::open(path).size();
}

}  // namespace scatlight::data
