#include "data/box_listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/parallel_for.h"
#include "data/orientation.h"
#include "io/display.h"
#include "io/machine.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

constexpr float trimmed_without_asking = 1;  // 0-based boxes in a 1-based format, and rounding

std::string text_of(ImageSize size) { return fmt::format("{} x {}", size.width, size.height); }

/// Boxes of the stored picture follow it where it is turned.
void turn_upright(AnnotatedPicture& picture, const PictureHeader& header) {
  const auto annotated = std::exchange(picture.sample.size, upright_size(header));
  if (annotated == ImageSize{} || annotated == picture.sample.size) return;
  if (annotated != header.stored) {
    fail_at(picture.where, fmt::format("it says that {} has {} pixels, but the file has {}",
                                       io::display_path(picture.sample.file.filename()), text_of(annotated),
                                       text_of(picture.sample.size)));
  }
  for (auto& object : picture.sample.objects) {
    object.box = make_upright(object.box, header.stored, header.orientation);
  }
  picture.changes.turned = 1;
}

/// How far a box reaches over the edge.
float excess(const Rect& box, ImageSize size) {
  return std::max({-box.left, -box.top, box.right - static_cast<float>(size.width),
                   box.bottom - static_cast<float>(size.height)});
}

void trim_boxes(AnnotatedPicture& picture, bool skip_bad) {
  const auto size = picture.sample.size;
  std::vector<Object> kept;
  for (std::size_t i = 0; i < picture.sample.objects.size(); ++i) {
    auto object = picture.sample.objects[i];
    const auto over = excess(object.box, size);
    const auto trimmed = object.box.within(static_cast<float>(size.width), static_cast<float>(size.height));
    const bool is_nothing =
        trimmed.width() <= 0 || trimmed.height() <= 0;  // outside, or too thin for a float
    if (over > 0 || is_nothing) {
      if (!skip_bad && (over > trimmed_without_asking || is_nothing)) {
        fail_at(picture.where,
                fmt::format("{}: its box {}, {}, {}, {} (left, top, right, bottom) is not within {} pixels",
                            picture.names[i], object.box.left, object.box.top, object.box.right,
                            object.box.bottom, text_of(size)));
      }
      if (trimmed.width() < 1 || trimmed.height() < 1) {
        ++picture.changes.dropped;
        continue;
      }
      const double share =
          double{trimmed.width()} * trimmed.height() / (double{object.box.width()} * object.box.height());
      object.area *= share;
      object.box = trimmed;
      ++picture.changes.trimmed;
    }
    kept.push_back(object);
  }
  picture.sample.objects = std::move(kept);
}

}  // namespace

void fail_at(std::string_view where, std::string_view reason) {
  throw Error(fmt::format("{}: {}", where, reason));
}

void check_relative(std::string_view name, std::string_view where) {
  const std::filesystem::path path(name);
  if (name.empty()) fail_at(where, "its file name is empty");
  if (path.is_absolute() || name.find('\0') != name.npos || std::ranges::find(path, "..") != path.end()) {
    fail_at(where, fmt::format("the file name '{}' leads out of the data set", io::display(name)));
  }
}

void attempt(AnnotatedPicture& picture, const std::function<void()>& step) {
  if (!picture.bad.empty()) return;
  try {
    step();
  } catch (const Error& error) {
    picture.bad = error.what();
  }
}

void compare_with_file(AnnotatedPicture& picture, const BoxListOptions& options) {
  const auto objects = picture.sample.objects.size();
  if (objects > most_objects) {
    fail_at(picture.where, fmt::format("it has {} objects, at most {} are accepted", objects, most_objects));
  }
  turn_upright(picture, read_picture_header(picture.sample.file, options.max_pixels));
  trim_boxes(picture, options.skip_bad);
}

void for_each_picture(std::int64_t count, const BoxListOptions& options,
                      const std::function<void(std::int64_t)>& step) {
  parallel_for(options.threads > 0 ? options.threads : io::processor_threads(), count, step);
}

void add_pictures(BoxFolder& folder, std::vector<AnnotatedPicture> pictures, const BoxListOptions& options) {
  auto& counts = folder.counts;
  for (auto& picture : pictures) {
    if (!picture.bad.empty()) {
      if (!options.skip_bad) throw Error(picture.bad);
      folder.skipped.push_back({.file = picture.sample.file.native(), .reason = picture.bad});
      continue;
    }
    const auto& objects = picture.sample.objects;
    ++counts.images;
    counts.empty += std::ranges::all_of(objects, &Object::crowd) ? 1 : 0;
    counts.objects += std::ssize(objects);
    counts.difficult += std::ranges::count_if(objects, &Object::difficult);
    counts.crowd += std::ranges::count_if(objects, &Object::crowd);
    counts.trimmed += picture.changes.trimmed;
    counts.dropped += picture.changes.dropped;
    counts.turned += picture.changes.turned;
    folder.samples.push_back(std::move(picture.sample));
  }
}

BoxFolder list_pictures(const std::vector<std::filesystem::path>& files, const BoxListOptions& options) {
  std::vector<AnnotatedPicture> pictures(files.size());
  for_each_picture(std::ssize(files), options, [&](std::int64_t i) {
    auto& picture = pictures[static_cast<std::size_t>(i)];
    picture.sample.file = files[static_cast<std::size_t>(i)];
    picture.sample.id = i + 1;
    attempt(picture, [&] { compare_with_file(picture, options); });
  });
  BoxFolder folder;
  add_pictures(folder, std::move(pictures), options);
  return folder;
}

}  // namespace scatlight::data
