#pragma once

#include <cstddef>

namespace scatlight::io {

/// Bytes of a header of a tar archive, and what its files are filled up to.
inline constexpr std::size_t tar_block = 512;

}  // namespace scatlight::io
