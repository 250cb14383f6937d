#include "data/drawn_folder.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "data/dead_leaves.h"
#include "data/drawn_set.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;

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

}  // namespace

void draw_folder(const DrawnFolderOptions& options, const std::function<void()>& on_picture) {
  check_drawn_range("classes", options.classes, 2, std::ssize(kind_names()));
  const auto tasks = tasks_of(options);
  const auto begin = [&](const fs::path& folder) {
    for (const Task& task : tasks) {
      if (task.index == 0) fs::create_directories(folder / class_folder(task));
    }
  };
  const auto draw = [&](const fs::path& folder, std::int64_t i) {
    const auto& task = tasks[static_cast<std::size_t>(i)];
    const auto seed = picture_seed(options.seed, task.split, task.kind, task.index);
    write_drawn_picture(folder / class_folder(task) / fmt::format("{:05}", task.index),
                        draw_dead_leaves(task.kind, options.size, seed), options);
  };
  write_drawn_set(options,
                  {.marker = "dead_leaves.json",
                   .data = "dead leaves",
                   .pictures = std::ssize(tasks),
                   .begin = begin,
                   .draw = draw,
                   .end = [](const fs::path&) {}},
                  on_picture);
}

}  // namespace scatlight::data
