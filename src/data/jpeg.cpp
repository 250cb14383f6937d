#include "data/jpeg.h"

#include <fmt/format.h>
#include <turbojpeg.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "data/orientation.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

constexpr std::string_view exif_mark{"Exif\0\0", 6};

/// One decompressor a thread: it keeps nothing of a picture, and making it costs more than a small picture.
tjhandle decompressor() {
  struct Destroy {
    void operator()(void* handle) const { tjDestroy(handle); }
  };
  thread_local const std::unique_ptr<void, Destroy> handle(tjInitDecompress());
  if (!handle) throw Error("no memory for a JPEG decoder");
  return handle.get();
}

bool is_frame_header(int marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

void read_frame_header(std::span<const std::uint8_t> segment, int marker, JpegHeader& header) {
  if (segment.size() < 6) throw Error("its JPEG frame header is too short");
  header.height = segment[1] << 8 | segment[2];
  header.width = segment[3] << 8 | segment[4];
  header.components = segment[5];
  header.arithmetic = marker >= 0xC9;
}

/// Pillow's arithmetic, exactly. JPEG files hold inverted inks, by Adobe's convention.
void convert_inverted_cmyk(std::span<const std::uint8_t> cmyk, std::span<std::uint8_t> rgb) {
  for (std::size_t i = 0, pixels = rgb.size() / 3; i < pixels; ++i) {
    const int paper = cmyk[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const int product = (255 - cmyk[4 * i + c]) * paper + 128;
      rgb[3 * i + c] =
          static_cast<std::uint8_t>(std::clamp(paper - ((product >> 8) + product) / 256, 0, 255));
    }
  }
}

/// Complaints of libjpeg about files that many cameras and programs write. All pixels are there.
bool is_harmless(std::string_view complaint) {
  return complaint.find("extraneous bytes before marker") != complaint.npos ||
         complaint.starts_with("Invalid SOS parameters") || complaint.starts_with("Unknown Adobe color");
}

void decompress(std::span<const std::uint8_t> bytes, int width, int height, TJPF format,
                std::uint8_t* pixels) {
  const auto handle = decompressor();
  constexpr int flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS;
  if (tjDecompress2(handle, bytes.data(), bytes.size(), pixels, width, 0, height, format, flags) != 0) {
    // The last complaint is the one that is kept. A file that ends early always has its end as the last.
    const std::string_view complaint = tjGetErrorStr2(handle);
    if (!is_harmless(complaint)) throw Error(std::string(complaint));
  }
}

}  // namespace

bool is_jpeg(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

JpegHeader read_jpeg_header(std::span<const std::uint8_t> bytes) {
  JpegHeader header;
  bool has_orientation = false;
  std::size_t at = 2;
  while (true) {
    if (at >= bytes.size()) throw Error("it ends within its JPEG header");
    if (bytes[at] != 0xFF) throw Error(fmt::format("no JPEG marker where one belongs, at byte {}", at));
    while (at < bytes.size() && bytes[at] == 0xFF) ++at;  // a marker may be padded
    if (bytes.size() - at < 3) throw Error("it ends within its JPEG header");
    const int marker = bytes[at];
    const std::size_t length = static_cast<std::size_t>(bytes[at + 1]) << 8 | bytes[at + 2];
    if (marker == 0xD9 || marker == 0xDA) throw Error("its JPEG header has no frame");
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {
      throw Error(fmt::format("its JPEG header has a misplaced marker {:02X}", marker));
    }
    if (length < 2 || length > bytes.size() - at - 1) throw Error("it ends within its JPEG header");
    const auto segment = bytes.subspan(at + 3, length - 2);
    if (is_frame_header(marker)) {
      read_frame_header(segment, marker, header);
      return header;
    }
    if (marker == 0xE1 && !has_orientation && segment.size() > exif_mark.size() &&
        std::equal(exif_mark.begin(), exif_mark.end(), segment.begin())) {
      header.orientation = read_exif_orientation(segment.subspan(exif_mark.size()));
      has_orientation = true;
    }
    at += 1 + length;
  }
}

Image decode_jpeg(std::span<const std::uint8_t> bytes, const JpegHeader& header, int reduction) {
  // Each 8 x 8 block takes a bit at the very least (arithmetic codes may take less), so a file that claims a
  // size which its bytes cannot fill is known before memory is taken.
  const std::uint64_t blocks =
      (std::uint64_t(header.width) + 7) / 8 * ((std::uint64_t(header.height) + 7) / 8);
  if (!header.arithmetic && blocks / 8 > bytes.size()) {
    throw Error(fmt::format("truncated: a JPEG of {} x {} pixels does not fit into {} bytes", header.width,
                            header.height, bytes.size()));
  }
  Image image{.width = (header.width + reduction - 1) / reduction,
              .height = (header.height + reduction - 1) / reduction};
  const auto pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  image.rgb.resize(3 * pixels);
  if (header.components == 4) {
    std::vector<std::uint8_t> cmyk(4 * pixels);
    decompress(bytes, image.width, image.height, TJPF_CMYK, cmyk.data());
    convert_inverted_cmyk(cmyk, image.rgb);
  } else {
    decompress(bytes, image.width, image.height, TJPF_RGB, image.rgb.data());
  }
  return image;
}

}  // namespace scatlight::data
