#include "io/display.h"

#include <fmt/format.h>

#include <cstddef>

namespace scatlight::io {
namespace {

struct Character {
  char32_t code = 0;
  std::size_t length = 0;  ///< In bytes; 0 when they are no UTF-8.
};

/// The first character of text that is not empty.
Character decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
  char32_t code = first & (0x7F >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};  // by length
  const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < least[length] || code > 0x10FFFF || is_surrogate) return {};
  return {code, length};
}

bool is_control(char32_t code) { return code < 0x20 || (code >= 0x7F && code <= 0x9F); }

/// Marks, embeddings, overrides and isolates of the bidirectional algorithm, and line and paragraph ends.
bool moves_text(char32_t code) {
  return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto length = decode_utf8(text.substr(at)).length;
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string display(std::string_view text) {
  constexpr std::size_t longest = 300;
  std::string line;
  for (std::size_t at = 0; at < text.size();) {
    const auto [code, length] = decode_utf8(text.substr(at));
    const auto bytes = text.substr(at, length == 0 ? 1 : length);
    if (at + bytes.size() > longest) return line + "...";
    if (length == 0 || code < 0x80) {
      line += length == 0 || is_control(code) ? fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[0]))
                                              : std::string(bytes);
    } else {
      line += is_control(code) || moves_text(code) ? fmt::format("\\u{:04x}", static_cast<unsigned>(code))
                                                   : std::string(bytes);
    }
    at += bytes.size();
  }
  return line;
}

std::string display_path(const std::filesystem::path& path) { return display(path.native()); }

}  // namespace scatlight::io
