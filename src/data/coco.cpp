#include "data/coco.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "data/coco_records.h"
#include "data/folder.h"
#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;

/// The records of a file become pictures with labelled objects. What does not fit makes the picture bad that
/// it is of; where there is none, it is left out alone.
class Matcher {
 public:
  Matcher(const fs::path& json, const fs::path& images, const BoxListOptions& options)
      : json_(json), images_(images), options_(options), records_(read_coco_records(json)) {
    folder_.roots = {json};
    name_classes();
    add_bad_records();
    for (const auto& image : records_.images) add_image(image);
    for (const auto& annotation : records_.annotations) add_annotation(annotation);
  }

  BoxFolder finish() {
    std::ranges::sort(pictures_, {}, [](const AnnotatedPicture& picture) { return picture.sample.id; });
    for_each_picture(std::ssize(pictures_), options_, [&](std::int64_t i) {
      auto& picture = pictures_[static_cast<std::size_t>(i)];
      attempt(picture, [&] { compare_with_file(picture, options_); });
    });
    add_pictures(folder_, std::move(pictures_), options_);
    return std::move(folder_);
  }

 private:
  std::string where(std::string_view thing, std::int64_t id) const {
    return fmt::format("{}: {} {}", io::display_path(json_), thing, id);
  }

  void name_classes() {
    auto& categories = records_.categories;
    std::ranges::sort(categories, {}, &CocoCategory::id);
    std::set<std::string> names;
    for (std::size_t i = 0; i < categories.size(); ++i) {
      const auto here = where("category", categories[i].id);
      if (i > 0 && categories[i - 1].id == categories[i].id) fail_at(here, "its id is given twice");
      if (!names.insert(categories[i].name).second) {
        fail_at(here, fmt::format("its name '{}' is given twice", io::display(categories[i].name)));
      }
    }
    if (categories.empty()) fail_at(io::display_path(json_), "its list of categories is empty");
    for (const auto& [id, name] : categories) names_.emplace(id, name);
    if (!options_.known_classes) {
      for (const auto& [id, name] : categories) {
        folder_.classes.push_back(name);
        folder_.category_ids.push_back(id);
      }
      return;
    }
    folder_.classes = *options_.known_classes;
    std::int64_t unused = 0;
    for (const auto& name : folder_.classes) {
      const auto found = std::ranges::find(categories, name, &CocoCategory::name);
      if (found != categories.end()) {
        folder_.category_ids.push_back(found->id);
        continue;
      }
      do {
        ++unused;
      } while (names_.contains(unused));
      folder_.category_ids.push_back(unused);
    }
  }

  void leave_out(std::string reason) {
    if (!options_.skip_bad) throw Error(reason);
    folder_.skipped.push_back({.file = json_.native(), .reason = std::move(reason)});
  }

  void make_bad(AnnotatedPicture& picture, std::string reason) {
    if (!options_.skip_bad) throw Error(reason);
    if (picture.bad.empty()) picture.bad = std::move(reason);
  }

  void add_bad_records() {
    std::unordered_set<std::int64_t> sound;
    for (const auto& image : records_.images) sound.insert(image.id);
    for (auto& [image, reason] : records_.bad) {
      if (!options_.skip_bad) throw Error(reason);
      const bool is_first = !image || bad_images_.emplace(*image, reason).second;
      if (is_first && (!image || !sound.contains(*image))) leave_out(std::move(reason));
    }
  }

  void add_image(const CocoImage& image) {
    const auto here = where("image", image.id);
    if (places_.contains(image.id)) return leave_out(here + ": its id is given twice");
    if (!files_.insert(image.file_name).second) {
      return leave_out(fmt::format("{}: {} is listed twice", here, io::display(image.file_name)));
    }
    places_.emplace(image.id, pictures_.size());
    AnnotatedPicture picture{.where = here};
    picture.sample = {.file = images_ / image.file_name, .id = image.id, .size = image.size};
    const auto bad = bad_images_.find(image.id);
    if (bad != bad_images_.end()) picture.bad = bad->second;
    pictures_.push_back(std::move(picture));
  }

  void add_annotation(const CocoAnnotation& annotation) {
    const auto name = annotation.id ? fmt::format("annotation {}", *annotation.id)
                                    : fmt::format("annotation at place {}", annotation.place);
    const auto here = fmt::format("{}: {}", io::display_path(json_), name);
    const auto place = places_.find(annotation.image);
    if (place == places_.end()) {
      if (bad_images_.contains(annotation.image)) return;
      return leave_out(fmt::format("{}: there is no image {}", here, annotation.image));
    }
    auto& picture = pictures_[place->second];
    if (annotation.id && !annotations_.insert(*annotation.id).second) {
      return make_bad(picture, here + ": its id is given twice");
    }
    const auto category = names_.find(annotation.category);
    if (category == names_.end()) {
      return make_bad(picture, fmt::format("{}: there is no category {}", here, annotation.category));
    }
    attempt(picture, [&] {
      auto object = annotation.object;
      object.label = static_cast<int>(find_label(folder_.classes, category->second, here));
      picture.sample.objects.push_back(object);
      picture.names.push_back(name);
    });
  }

  const fs::path& json_;
  const fs::path& images_;
  const BoxListOptions& options_;
  CocoRecords records_;
  BoxFolder folder_;
  std::vector<AnnotatedPicture> pictures_;
  std::unordered_map<std::int64_t, std::string> names_;       ///< Of categories.
  std::unordered_map<std::int64_t, std::size_t> places_;      ///< Of images, among the pictures.
  std::unordered_map<std::int64_t, std::string> bad_images_;  ///< Why.
  std::unordered_set<std::string> files_;
  std::unordered_set<std::int64_t> annotations_;
};

}  // namespace

BoxFolder list_coco(const fs::path& json, const fs::path& images, const BoxListOptions& options) {
  return Matcher(json, images, options).finish();
}

fs::path default_coco_images(const fs::path& json) {
  constexpr std::string_view start = "instances_";
  const auto stem = json.stem().native();
  std::error_code ignored;
  if (stem.starts_with(start)) {
    for (const auto& name : {stem.substr(start.size()), std::string("JPEGImages")}) {
      auto folder = (json.parent_path() / ".." / name).lexically_normal();
      if (fs::is_directory(folder, ignored)) return folder;
    }
  }
  return json.parent_path();
}

}  // namespace scatlight::data
