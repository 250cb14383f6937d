#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace scatlight::io {

/// Text from outside (a file name, a name inside a file) as it may stand in a one-line message: what is not
/// UTF-8, control characters (those of Unicode, too) and characters that turn the direction of writing become
/// \xNN or \uNNNN, and all beyond 300 bytes is cut, so that a hostile name can neither break the line nor
/// drive a terminal nor pass for another name.
std::string display(std::string_view text);
std::string display_path(const std::filesystem::path& path);

bool is_utf8(std::string_view text);

}  // namespace scatlight::io
