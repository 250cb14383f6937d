#include "data/drawn_folder.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "core/parallel_for.h"
#include "data/dead_leaves.h"
#include "data/encode.h"
#include "io/atomic_folder.h"
#include "io/display.h"
#include "io/machine.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* marker = "dead_leaves.json";

void check_range(const char* what, std::int64_t given, std::int64_t low, std::int64_t high) {
  if (given < low || given > high) {
    throw Error(fmt::format("{} is {}, but must be from {} to {}", what, given, low, high));
  }
}

void check(const DrawnFolderOptions& options) {
  check_range("classes", options.classes, 2, static_cast<std::int64_t>(kind_names().size()));
  check_range("train", options.train, 1, 1'000'000);
  check_range("val", options.val, 0, 1'000'000);
  check_range("size", options.size, 16, 4096);
  check_range("quality", options.quality, 1, 100);
  check_range("threads", options.threads, 0, 1024);
}

/// Refuses a folder that holds anything, unless it is an earlier data set and may be replaced.
void check_target(const DrawnFolderOptions& options) {
  const fs::path& folder = options.folder;
  if (!fs::exists(folder)) return;
  if (!fs::is_directory(folder))
    throw Error(fmt::format("{} is a file, not a folder", io::display_path(folder)));
  if (fs::is_empty(folder)) return;
  if (!fs::exists(folder / marker)) {
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

/// One picture to draw.
struct Task {
  const char* split;
  Kind kind;
  int index;
};

std::vector<Task> tasks_of(const DrawnFolderOptions& options) {
  std::vector<Task> tasks;
  for (const auto& [split, count] : {std::pair{"train", options.train}, std::pair{"val", options.val}}) {
    for (int kind = 0; kind < options.classes; ++kind) {
      for (int index = 0; index < count; ++index) tasks.push_back({split, static_cast<Kind>(kind), index});
    }
  }
  return tasks;
}

fs::path class_folder(const Task& task) {
  return fs::path(task.split) / kind_names()[static_cast<std::size_t>(task.kind)];
}

void draw_file(const DrawnFolderOptions& options, const fs::path& folder, const Task& task) {
  const bool jpeg = options.format == FileFormat::Jpeg;
  const auto seed = picture_seed(options.seed, task.split, task.kind, task.index);
  const auto pixels = draw_dead_leaves(task.kind, options.size, seed);
  const auto bytes = jpeg ? encode_jpeg(pixels, options.size, options.size, options.quality)
                          : encode_png(pixels, options.size, options.size);
  const auto name = fmt::format("{:05}.{}", task.index, jpeg ? "jpg" : "png");
  write_file(folder / class_folder(task) / name, reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string describe(const DrawnFolderOptions& options) {
  return fmt::format(
      "{{\"data\": \"dead leaves\", \"classes\": {}, \"train\": {}, \"val\": {}, \"size\": {}, \"seed\": {}, "
      "\"format\": \"{}\", \"quality\": {}}}\n",
      options.classes, options.train, options.val, options.size, options.seed,
      options.format == FileFormat::Jpeg ? "jpg" : "png", options.quality);
}

}  // namespace

void draw_folder(const DrawnFolderOptions& options, const std::function<void()>& on_picture) try {
  check(options);
  if (options.folder.empty()) throw Error("the folder to draw into has an empty name");
  io::AtomicFolder folder(options.folder);
  check_target(options);
  const auto tasks = tasks_of(options);
  for (const Task& task : tasks) {
    if (task.index == 0) fs::create_directories(folder.partial() / class_folder(task));
  }
  const int threads = options.threads > 0 ? options.threads : io::processor_threads();
  parallel_for(threads, static_cast<std::int64_t>(tasks.size()), [&](std::int64_t i) {
    draw_file(options, folder.partial(), tasks[static_cast<std::size_t>(i)]);
    on_picture();
  });
  const auto description = describe(options);
  write_file(folder.partial() / marker, description.data(), description.size());
  if (options.overwrite) {
    folder.replace();
  } else {
    folder.commit();
  }
} catch (const fs::filesystem_error& error) {
  throw Error(fmt::format("cannot write {}: {}", io::display_path(error.path1()), error.code().message()));
}

}  // namespace scatlight::data
