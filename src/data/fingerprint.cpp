#include "data/fingerprint.h"

#include <fmt/format.h>

#include <system_error>

#include "io/display.h"
#include "io/hash.h"
#include "scatlight/error.h"

namespace scatlight::data {

std::string fingerprint(const ImageFolder& folder) {
  io::Hash hash;
  // Zeros, which no name holds, keep neighbours apart.
  for (const auto& name : folder.classes) hash.add(name + '\0');
  for (const auto& [file, label] : folder.samples) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(file, error);
    if (error) throw Error(fmt::format("cannot read {}: {}", io::display_path(file), error.message()));
    hash.add(fmt::format("{}{}{}{}{}{}", file.lexically_relative(folder.root).native(), '\0', bytes, '\0',
                         label, '\0'));
  }
  return hash.text();
}

}  // namespace scatlight::data
