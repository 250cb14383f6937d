#include "io/path_error.h"

#include <fmt/format.h>

#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::io {

void fail_at(const std::filesystem::path& path, std::string_view reason) {
  throw Error(fmt::format("{}: {}", display_path(path), reason));
}

}  // namespace scatlight::io
