#include "data/png.h"

#include <fmt/format.h>
#include <spng.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>

#include "scatlight/error.h"

namespace scatlight::data {
namespace {

constexpr std::array<std::uint8_t, 8> signature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
constexpr std::size_t largest_chunk = std::size_t{64}
                                      << 20;  // of text and the like, that is read and dropped

void check(int result) {
  if (result != 0) throw Error(spng_strerror(result));
}

/// Bytes of the picture before compression: a filter byte and the samples of each row.
std::uint64_t raw_bytes(const spng_ihdr& header) {
  const std::uint64_t channels = header.color_type == SPNG_COLOR_TYPE_TRUECOLOR         ? 3
                                 : header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ? 2
                                 : header.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA ? 4
                                                                                        : 1;
  return header.height * (1 + (header.width * channels * header.bit_depth + 7) / 8);
}

}  // namespace

bool is_png(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= signature.size() && std::equal(signature.begin(), signature.end(), bytes.begin());
}

ImageSize read_png_size(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t length = 24;  // signature, chunk length and name, width, height
  if (bytes.size() < length) throw Error("it ends within its PNG header");
  const auto number = [&](std::size_t at) {
    return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
           std::uint32_t{bytes[at + 2]} << 8 | std::uint32_t{bytes[at + 3]};
  };
  const auto width = number(16);
  const auto height = number(20);
  constexpr std::uint32_t largest = 0x7FFFFFFF;  // of the PNG standard
  if (width > largest || height > largest) throw Error("its PNG header gives a size beyond 2^31");
  return {.width = static_cast<int>(width), .height = static_cast<int>(height)};
}

Image decode_png(std::span<const std::uint8_t> bytes) {
  const std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)> context(spng_ctx_new(0), spng_ctx_free);
  if (!context) throw Error("no memory for a PNG decoder");
  check(spng_set_chunk_limits(context.get(), largest_chunk, largest_chunk));
  check(spng_set_png_buffer(context.get(), bytes.data(), bytes.size()));
  spng_ihdr header = {};
  check(spng_get_ihdr(context.get(), &header));
  // Deflate makes nothing smaller than 1032 to 1, so a file that claims a size which its bytes cannot fill is
  // known before memory is taken.
  if (raw_bytes(header) / 1032 > bytes.size()) {
    throw Error(fmt::format("truncated: a PNG of {} x {} pixels does not fit into {} bytes", header.width,
                            header.height, bytes.size()));
  }
  std::size_t length = 0;
  check(spng_decoded_image_size(context.get(), SPNG_FMT_RGB8, &length));
  Image image{.width = static_cast<int>(header.width), .height = static_cast<int>(header.height)};
  image.rgb.resize(length);
  check(spng_decode_image(context.get(), image.rgb.data(), length, SPNG_FMT_RGB8, 0));
  check(spng_decode_chunks(context.get()));  // up to the end mark, so that a cut tail is seen
  return image;
}

}  // namespace scatlight::data
