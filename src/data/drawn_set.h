#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/drawn_folder.h"

namespace scatlight::data {

/// What the drawn data sets have in common: they are made on threads, and are whole or not there.
struct DrawnSet {
  std::string marker;         ///< Name of the file by which such a set is known, and which holds its options.
  std::string data;           ///< What is drawn, for that file.
  std::int64_t pictures = 0;  ///< Drawn by draw(folder, i), which writes files; on any thread.
  std::function<void(const std::filesystem::path& folder)> begin;
  std::function<void(const std::filesystem::path& folder, std::int64_t picture)> draw;
  std::function<void(const std::filesystem::path& folder)> end;
};

/// See draw_folder(). Options are checked but for `classes`.
void write_drawn_set(const DrawnFolderOptions& options, const DrawnSet& set,
                     const std::function<void()>& on_picture);

/// Throws Error: "what is 9, but must be from 2 to 8".
void check_drawn_range(const char* what, std::int64_t given, std::int64_t low, std::int64_t high);

/// Writes a square picture as PATH.jpg or PATH.png.
void write_drawn_picture(const std::filesystem::path& path, std::span<const std::uint8_t> pixels,
                         const DrawnFolderOptions& options);
void write_drawn_text(const std::filesystem::path& path, std::string_view text);

/// "jpg" or "png"
std::string_view ending_of(FileFormat format);

}  // namespace scatlight::data
