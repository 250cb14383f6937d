#include "data/png.h"

#include <fmt/format.h>
#include <spng.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/orientation.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::array<std::uint8_t, 8> signature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

std::uint32_t read_number(Bytes bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
         std::uint32_t{bytes[at + 2]} << 8 | std::uint32_t{bytes[at + 3]};
}

std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

struct Chunk {
  std::string_view name = {};
  Bytes content = {};
  Bytes whole = {};  ///< With length, name and checksum; cut where the file is.

  /// Of pixels and of what they need. The others are of no use to a decoder.
  bool is_critical() const { return (name[0] & 0x20) == 0; }
  bool is_sound() const {
    const auto checked = whole.subspan(4, 4 + content.size());
    return whole.size() == checked.size() + 8 &&
           crc32(0, checked.data(), static_cast<uInt>(checked.size())) ==
               read_number(whole, 8 + content.size());
  }
};

template <class Visit>
void for_each_chunk(Bytes bytes, const Visit& visit) {
  for (auto rest = bytes.subspan(signature.size()); rest.size() >= 8;) {
    const std::size_t length = read_number(rest, 0);
    const Chunk chunk{.name = as_text(rest.subspan(4, 4)),
                      .content = rest.subspan(8, std::min(length, rest.size() - 8)),
                      .whole = rest.first(std::min(length + 12, rest.size()))};
    visit(chunk);
    if (chunk.name == "IEND") break;
    rest = rest.subspan(chunk.whole.size());
  }
}

/// Takes the text up to the next mark, and that mark, away from the front.
std::string_view take_until(char mark, std::string_view& text) {
  const auto part = text.substr(0, text.find(mark));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

/// Nothing for text that is broken, or longer than Pillow takes.
std::string inflate(std::string_view text) {
  std::string result(std::size_t{1} << 20, '\0');
  uLongf length = result.size();
  const auto from = as_bytes(text);
  const int status = uncompress(reinterpret_cast<Bytef*>(result.data()), &length, from.data(), from.size());
  result.resize(status == Z_OK ? length : 0);
  return result;
}

bool has_keyword(const Chunk& chunk, std::string_view keyword) {
  const auto text = as_text(chunk.content);
  return text.starts_with(keyword) && text.substr(keyword.size()).starts_with('\0');
}

/// The text of a tEXt, zTXt or iTXt chunk; nothing where there is none.
std::string read_text(const Chunk& chunk) {
  auto rest = as_text(chunk.content);
  take_until('\0', rest);  // the keyword
  bool is_compressed = chunk.name == "zTXt";
  if (is_compressed && !rest.empty()) rest.remove_prefix(1);  // the method, of which there is one
  if (chunk.name == "iTXt" && rest.size() >= 2) {
    is_compressed = rest[0] != 0;
    rest.remove_prefix(2);
    take_until('\0', rest);  // the language
    take_until('\0', rest);  // the keyword in that language
  }
  return is_compressed ? inflate(rest) : std::string(rest);
}

/// What ImageMagick writes: a line end, a name, a length, and bytes in hexadecimal, each on lines of their
/// own.
std::vector<std::uint8_t> read_raw_profile(std::string_view text) {
  for (int line = 0; line < 3; ++line) take_until('\n', text);
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits),
                       [](unsigned char c) { return std::isxdigit(c) != 0; });
  std::vector<std::uint8_t> bytes(digits.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::from_chars(&digits[2 * i], &digits[2 * i] + 2, bytes[i], 16);
  }
  return bytes;
}

int orientation_of(Bytes bytes) {
  Bytes exif;
  Chunk profile;
  Chunk xmp;
  for_each_chunk(bytes, [&](const Chunk& chunk) {
    if (chunk.is_critical() || !chunk.is_sound()) return;
    if (chunk.name == "eXIf") exif = chunk.content;
    if (chunk.name != "tEXt" && chunk.name != "zTXt" && chunk.name != "iTXt") return;
    if (has_keyword(chunk, "Raw profile type exif")) profile = chunk;
    if (has_keyword(chunk, "XML:com.adobe.xmp")) xmp = chunk;
  });
  if (!exif.empty()) return read_orientation(exif, read_text(xmp));
  return read_orientation(read_raw_profile(read_text(profile)), read_text(xmp));
}

void check(int result) {
  if (result != 0) throw Error(spng_strerror(result));
}

/// Gives libspng the critical chunks alone: it refuses a picture for a broken or a doubled one of the others.
class CriticalChunks {
 public:
  explicit CriticalChunks(Bytes bytes) {
    parts_.push_back(bytes.first(signature.size()));
    for_each_chunk(bytes, [&](const Chunk& chunk) {
      if (chunk.is_critical()) parts_.push_back(chunk.whole);
    });
  }

  static int read(spng_ctx*, void* user, void* to, std::size_t length) {
    auto& parts = static_cast<CriticalChunks*>(user)->parts_;
    auto& next = static_cast<CriticalChunks*>(user)->next_;
    for (auto* at = static_cast<std::uint8_t*>(to); length > 0;) {
      if (next == parts.size()) return SPNG_IO_EOF;
      const auto count = std::min(length, parts[next].size());
      std::memcpy(at, parts[next].data(), count);
      at += count;
      length -= count;
      parts[next] = parts[next].subspan(count);
      if (parts[next].empty()) ++next;
    }
    return 0;
  }

 private:
  std::vector<Bytes> parts_;
  std::size_t next_ = 0;
};

/// Bytes of the picture before compression: a filter byte and the samples of each row.
std::uint64_t raw_bytes(const spng_ihdr& header) {
  const std::uint64_t channels = header.color_type == SPNG_COLOR_TYPE_TRUECOLOR         ? 3
                                 : header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ? 2
                                 : header.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA ? 4
                                                                                        : 1;
  return header.height * (1 + (header.width * channels * header.bit_depth + 7) / 8);
}

}  // namespace

bool is_png(Bytes bytes) {
  return bytes.size() >= signature.size() && std::equal(signature.begin(), signature.end(), bytes.begin());
}

PictureHeader read_png_header(Bytes bytes) {
  constexpr std::size_t length = 24;  // signature, chunk length and name, width, height
  if (bytes.size() < length) throw Error("it ends within its PNG header");
  const auto width = read_number(bytes, 16);
  const auto height = read_number(bytes, 20);
  constexpr std::uint32_t largest = 0x7FFFFFFF;  // of the PNG standard
  if (width > largest || height > largest) throw Error("its PNG header gives a size beyond 2^31");
  return {.stored = {.width = static_cast<int>(width), .height = static_cast<int>(height)},
          .orientation = orientation_of(bytes)};
}

Image decode_png(Bytes bytes) {
  CriticalChunks chunks(bytes);
  const std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)> context(spng_ctx_new(0), spng_ctx_free);
  if (!context) throw Error("no memory for a PNG decoder");
  check(spng_set_png_stream(context.get(), CriticalChunks::read, &chunks));
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
  // The last checksums; all pixels are there, so the file may end before.
  const int rest = spng_decode_chunks(context.get());
  if (rest != SPNG_IO_EOF) check(rest);
  return image;
}

}  // namespace scatlight::data
