#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "io/safetensors.h"

namespace scatlight::io {

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  ///< In the order of the text; offset and bytes are what the text says.
  Metadata metadata;
};

/// Reads the JSON of a header. Checks its form and limits (see SafetensorsReader), not yet the offsets.
/// The text is read as a stream of events, so a header made to grow in memory meets a limit first.
SafetensorsHeader parse_safetensors_header(const std::filesystem::path& path, std::string_view text);

/// The JSON of a header for tensors whose offset and bytes are set, padded with spaces to a multiple of 8.
/// Throws std::invalid_argument for text that is not UTF-8.
std::string format_safetensors_header(const std::vector<TensorInfo>& tensors, const Metadata& metadata);

}  // namespace scatlight::io
