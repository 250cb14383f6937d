#include "data/drawn_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "core/parallel_for.h"
#include "data/encode.h"
#include "io/atomic_folder.h"
#include "io/display.h"
#include "io/machine.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 2> markers = {"dead_leaves.json", "dead_leaves_boxes.json"};

void check(const DrawnFolderOptions& options) {
  check_drawn_range("train", options.train, 1, 1'000'000);
  check_drawn_range("val", options.val, 0, 1'000'000);
  check_drawn_range("size", options.size, 16, 4096);
  check_drawn_range("quality", options.quality, 1, 100);
  check_drawn_range("threads", options.threads, 0, 1024);
  if (options.folder.empty()) throw Error("the folder to draw into has an empty name");
}

/// Refuses a folder that holds anything, unless it is an earlier data set and may be replaced.
void check_target(const DrawnFolderOptions& options) {
  const fs::path& folder = options.folder;
  if (!fs::exists(folder)) return;
  if (!fs::is_directory(folder))
    throw Error(fmt::format("{} is a file, not a folder", io::display_path(folder)));
  if (fs::is_empty(folder)) return;
  if (std::ranges::none_of(markers, [&](const char* marker) { return fs::exists(folder / marker); })) {
    throw Error(fmt::format("{} is not empty and is no drawn data set: choose another folder",
                            io::display_path(folder)));
  }
  if (!options.overwrite) {
    throw Error(fmt::format("{} already holds a drawn data set: choose another folder or --overwrite",
                            io::display_path(folder)));
  }
}

void write_file(const fs::path& path, const char* bytes, std::size_t size) {
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file.write(bytes, static_cast<std::streamsize>(size));
  file.close();
  if (!file) throw Error(fmt::format("cannot write {}: {}", io::display_path(path), std::strerror(errno)));
}

std::string describe(const DrawnFolderOptions& options, std::string_view data) {
  return fmt::format(
      "{{\"data\": \"{}\", \"classes\": {}, \"train\": {}, \"val\": {}, \"size\": {}, \"seed\": {}, "
      "\"format\": \"{}\", \"quality\": {}}}\n",
      data, options.classes, options.train, options.val, options.size, options.seed,
      ending_of(options.format), options.quality);
}

}  // namespace

void check_drawn_range(const char* what, std::int64_t given, std::int64_t low, std::int64_t high) {
  if (given < low || given > high) {
    throw Error(fmt::format("{} is {}, but must be from {} to {}", what, given, low, high));
  }
}

std::string_view ending_of(FileFormat format) { return format == FileFormat::Jpeg ? "jpg" : "png"; }

void write_drawn_picture(const fs::path& path, std::span<const std::uint8_t> pixels,
                         const DrawnFolderOptions& options) {
  const auto bytes = options.format == FileFormat::Jpeg
                         ? encode_jpeg(pixels, options.size, options.size, options.quality)
                         : encode_png(pixels, options.size, options.size);
  const fs::path file = fmt::format("{}.{}", path.native(), ending_of(options.format));
  write_file(file, reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void write_drawn_text(const fs::path& path, std::string_view text) {
  write_file(path, text.data(), text.size());
}

void write_drawn_set(const DrawnFolderOptions& options, const DrawnSet& set,
                     const std::function<void()>& on_picture) try {
  check(options);
  io::AtomicFolder folder(options.folder);
  check_target(options);
  set.begin(folder.partial());
  const int threads = options.threads > 0 ? options.threads : io::processor_threads();
  parallel_for(threads, set.pictures, [&](std::int64_t i) {
    set.draw(folder.partial(), i);
    on_picture();
  });
  set.end(folder.partial());
  write_drawn_text(folder.partial() / set.marker, describe(options, set.data));
  if (options.overwrite) {
    folder.replace();
  } else {
    folder.commit();
  }
} catch (const fs::filesystem_error& error) {
  throw Error(fmt::format("cannot write {}: {}", io::display_path(error.path1()), error.code().message()));
}

}  // namespace scatlight::data
