#include "data/fingerprint.h"

#include <fmt/format.h>

#include <filesystem>

#include "io/hash.h"

namespace scatlight::data {

std::string fingerprint(const ImageFolder& folder) {
  io::Hash hash;
  // Zeros, which no name holds, keep neighbours apart.
  for (const auto& name : folder.classes) hash.add(name + '\0');
  for (const auto& sample : folder.samples) {
    const auto name = std::filesystem::path(sample.name).lexically_relative(folder.root);
    hash.add(fmt::format("{}{}{}{}{}{}", name.native(), '\0', size_of(sample), '\0', sample.label, '\0'));
  }
  return hash.text();
}

std::string fingerprint(const BoxFolder& folder) {
  io::Hash hash;
  for (const auto& name : folder.classes) hash.add(name + '\0');
  for (const auto& [file, id, size, objects] : folder.samples) {
    hash.add(fmt::format("{}{}{} {} {}{}", file.filename().native(), '\0', id,
                         size_of({.name = file.native()}), objects.size(), '\0'));
    for (const auto& [box, label, difficult, crowd, area] : objects) {
      hash.add(fmt::format("{} {} {} {} {} {} {} {}{}", box.left, box.top, box.right, box.bottom, label,
                           difficult, crowd, area, '\0'));
    }
  }
  return hash.text();
}

}  // namespace scatlight::data
