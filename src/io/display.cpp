#include "io/display.h"

#include <fmt/format.h>

namespace scatlight::io {

std::string display(std::string_view text) {
  constexpr std::size_t longest = 300;
  std::string line;
  for (const char c : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  if (text.size() > longest) line += "...";
  return line;
}

std::string display_path(const std::filesystem::path& path) { return display(path.native()); }

}  // namespace scatlight::io
