#pragma once

#include <filesystem>
#include <string_view>

namespace scatlight::io {

/// Throws Error with the text "PATH: REASON", the path as a message may show it.
[[noreturn]] void fail_at(const std::filesystem::path& path, std::string_view reason);

}  // namespace scatlight::io
