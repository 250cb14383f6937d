#include "data/fingerprint.h"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <system_error>

#include "io/display.h"
#include "io/hash.h"
#include "scatlight/error.h"

namespace scatlight::data {

namespace {

std::uintmax_t bytes_of(const std::filesystem::path& file) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file, error);
  if (error) throw Error(fmt::format("cannot read {}: {}", io::display_path(file), error.message()));
  return bytes;
}

}  // namespace

std::string fingerprint(const ImageFolder& folder) {
  io::Hash hash;
  // Zeros, which no name holds, keep neighbours apart.
  for (const auto& name : folder.classes) hash.add(name + '\0');
  for (const auto& [file, label] : folder.samples) {
    hash.add(fmt::format("{}{}{}{}{}{}", file.lexically_relative(folder.root).native(), '\0', bytes_of(file),
                         '\0', label, '\0'));
  }
  return hash.text();
}

std::string fingerprint(const BoxFolder& folder) {
  io::Hash hash;
  for (const auto& name : folder.classes) hash.add(name + '\0');
  for (const auto& [file, id, size, objects] : folder.samples) {
    hash.add(fmt::format("{}{}{} {} {}{}", file.filename().native(), '\0', id, bytes_of(file), objects.size(),
                         '\0'));
    for (const auto& [box, label, difficult, crowd, area] : objects) {
      hash.add(fmt::format("{} {} {} {} {} {} {} {}{}", box.left, box.top, box.right, box.bottom, label,
                           difficult, crowd, area, '\0'));
    }
  }
  return hash.text();
}

}  // namespace scatlight::data
