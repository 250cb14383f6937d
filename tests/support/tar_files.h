#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

// Pieces of tar archives, good and bad: what TarWriter refuses to write must be read, or refused, too.

namespace scatlight::test {

constexpr std::size_t tar_block = 512;

/// Writes the sum into the header that begins at `at`.
inline void repair_sum(std::string& archive, std::size_t at) {
  archive.replace(at + 148, 8, 8, ' ');
  unsigned sum = 0;
  for (std::size_t i = 0; i < tar_block; ++i) sum += static_cast<unsigned char>(archive[at + i]);
  archive.replace(at + 148, 7, fmt::format("{:06o}", sum) + '\0');
}

/// A header as before POSIX, with nothing but what all forms have.
inline std::string tar_header(std::string_view name, std::uint64_t size, char kind = '0') {
  std::string header(tar_block, '\0');
  header.replace(0, std::min<std::size_t>(name.size(), 100), name.substr(0, 100));
  header.replace(124, 11, fmt::format("{:011o}", size));
  header[156] = kind;
  repair_sum(header, 0);
  return header;
}

/// A header in which `text` stands at `at`, with the right sum.
inline std::string tar_header_with(std::string header, std::size_t at, std::string_view text) {
  header.replace(at, text.size(), text);
  repair_sum(header, 0);
  return header;
}

/// Content, filled up to a whole block.
inline std::string tar_content(std::string_view content) {
  std::string blocks(content);
  blocks.resize((content.size() + tar_block - 1) / tar_block * tar_block);
  return blocks;
}

inline std::string tar_member(std::string_view name, std::string_view content, char kind = '0') {
  return tar_header(name, content.size(), kind) + tar_content(content);
}

/// POSIX's header with records for the next member ('x') or for all ('g').
inline std::string pax_header(std::string_view key, std::string_view value, char kind = 'x') {
  const auto rest = fmt::format(" {}={}\n", key, value);
  auto length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length) ++length;
  return tar_member("pax", std::to_string(length) + rest, kind);
}

inline std::string tar_end() { return std::string(2 * tar_block, '\0'); }

}  // namespace scatlight::test
