#include "data/drawn_boxes.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "data/dead_leaves.h"
#include "data/drawn_set.h"
#include "data/leaf_canvas.h"
#include "data/leaves.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using leaves::Random;

constexpr double least_seen = 0.15;
constexpr double least_seen_well = 0.4;
constexpr float least_side = 1.0F / 32;  // of the picture's
constexpr const char* splits[] = {"train", "val"};

std::vector<Kind> outline_kinds(int classes) {
  std::vector<Kind> kinds;
  for (std::size_t i = 0; i < kind_names().size() && std::ssize(kinds) < classes; ++i) {
    if (is_outline(static_cast<Kind>(i))) kinds.push_back(static_cast<Kind>(i));
  }
  std::ranges::sort(kinds, {}, [](Kind kind) { return kind_names()[static_cast<std::size_t>(kind)]; });
  return kinds;
}

/// A leaf that falls on the ground, and its class if it is an object.
struct Fallen {
  leaves::Leaf leaf;
  std::optional<int> label;
};

std::vector<Fallen> draw_fallen(int classes, const leaves::Palette& palette, Random& random) {
  const auto kinds = outline_kinds(classes);
  std::vector<Fallen> fallen;
  const int count = random.integer(2, 6);
  for (int i = 0; i < count; ++i) {
    const int label = random.integer(0, classes - 1);
    const auto centre = leaves::anywhere(random, 0.05F);
    const float radius = random.radius(0.08F, 0.3F);
    fallen.push_back(
        {leaves::leaf_of(kinds[static_cast<std::size_t>(label)], centre, radius, palette, random), label});
    const int cover = random.integer(1, 4);
    for (int k = 0; k < cover; ++k) {
      const auto place = leaves::anywhere(random, 0);
      fallen.push_back({leaves::neutral_leaf(place, random.radius(0.025F, 0.15F), palette, random), {}});
    }
  }
  return fallen;
}

/// The pixels of a leaf.
struct Seen {
  int covered = 0;  ///< When it fell.
  int visible = 0;  ///< When all have fallen.
  int left = 0, top = 0, right = 0, bottom = 0;

  double share() const { return covered == 0 ? 0 : static_cast<double>(visible) / covered; }
  void add(int x, int y) {
    left = visible == 0 ? x : std::min(left, x);
    right = visible == 0 ? x + 1 : std::max(right, x + 1);
    top = visible == 0 ? y : std::min(top, y);
    bottom = std::max(bottom, y + 1);
    ++visible;
  }
};

std::vector<Seen> look_at(const std::vector<Fallen>& fallen, int size) {
  leaves::LeafMap map(size);
  std::vector<Seen> seen(fallen.size());
  for (std::size_t i = 0; i < fallen.size(); ++i) {
    seen[i].covered = map.lay(fallen[i].leaf, static_cast<int>(i) + 1);
  }
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const int number = map.numbers()[static_cast<std::size_t>(y) * static_cast<std::size_t>(size) +
                                       static_cast<std::size_t>(x)];
      if (number > 0) seen[static_cast<std::size_t>(number) - 1].add(x, y);
    }
  }
  return seen;
}

/// Takes away the objects that nobody could find; the others are seen all the better then.
void remove_hidden(std::vector<Fallen>& fallen, int size) {
  const auto seen = look_at(fallen, size);
  std::vector<Fallen> kept;
  for (std::size_t i = 0; i < fallen.size(); ++i) {
    if (!fallen[i].label || seen[i].share() >= least_seen) kept.push_back(fallen[i]);
  }
  fallen = std::move(kept);
}

std::vector<Object> find_objects(const std::vector<Fallen>& fallen, int size) {
  const auto seen = look_at(fallen, size);
  std::vector<Object> objects;
  for (std::size_t i = 0; i < fallen.size(); ++i) {
    if (!fallen[i].label) continue;
    const Rect box{.left = static_cast<float>(seen[i].left),
                   .top = static_cast<float>(seen[i].top),
                   .right = static_cast<float>(seen[i].right),
                   .bottom = static_cast<float>(seen[i].bottom)};
    const bool is_small = std::min(box.width(), box.height()) < least_side * static_cast<float>(size);
    objects.push_back({.box = box,
                       .label = *fallen[i].label,
                       .difficult = is_small || seen[i].share() < least_seen_well,
                       .area = double{box.width()} * box.height()});
  }
  return objects;
}

std::string to_xml(const std::vector<Object>& objects, const std::vector<std::string>& classes,
                   std::string_view name, const DrawnFolderOptions& options) {
  auto xml = fmt::format(
      "<annotation>\n  <folder>JPEGImages</folder>\n  <filename>{}.{}</filename>\n"
      "  <size><width>{}</width><height>{}</height><depth>3</depth></size>\n",
      name, ending_of(options.format), options.size, options.size);
  for (const auto& object : objects) {
    xml += fmt::format(
        "  <object>\n    <name>{}</name>\n    <difficult>{}</difficult>\n"
        "    <bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>\n  </object>\n",
        classes[static_cast<std::size_t>(object.label)], object.difficult ? 1 : 0, object.box.left + 1,
        object.box.top + 1, object.box.right, object.box.bottom);
  }
  return xml + "</annotation>\n";
}

/// The pictures of a split, and what is in them.
struct Split {
  std::string name;
  std::vector<std::vector<Object>> objects;  ///< (pictures)

  std::string picture(std::size_t i) const { return fmt::format("{}_{:05}", name, i); }
};

std::string to_coco(const Split& split, const std::vector<std::string>& classes,
                    const DrawnFolderOptions& options) {
  Json json = {{"images", Json::array()}, {"annotations", Json::array()}, {"categories", Json::array()}};
  for (std::size_t i = 0; i < classes.size(); ++i) {
    json["categories"].push_back({{"id", i + 1}, {"name", classes[i]}});
  }
  auto& annotations = json["annotations"];
  for (std::size_t i = 0; i < split.objects.size(); ++i) {
    json["images"].push_back(
        {{"id", i + 1},
         {"file_name", fmt::format("{}.{}", split.picture(i), ending_of(options.format))},
         {"width", options.size},
         {"height", options.size}});
    for (const auto& object : split.objects[i]) {
      const auto& box = object.box;
      annotations.push_back({{"id", annotations.size() + 1},
                             {"image_id", i + 1},
                             {"category_id", object.label + 1},
                             {"bbox", {box.left, box.top, box.width(), box.height()}},
                             {"area", object.area},
                             {"iscrowd", 0},
                             {"ignore", object.difficult ? 1 : 0}});
    }
  }
  return json.dump() + "\n";
}

}  // namespace

std::vector<std::string> box_class_names(int classes) {
  std::vector<std::string> names;
  for (const auto kind : outline_kinds(classes)) {
    names.emplace_back(kind_names()[static_cast<std::size_t>(kind)]);
  }
  return names;
}

BoxScene draw_box_scene(int classes, int size, std::uint64_t seed) {
  Random random(seed);
  const leaves::Palette palette(random);
  const auto light = leaves::Light::draw(random);
  leaves::Canvas canvas(size);
  canvas.paint_ground(palette, light, random);
  auto fallen = draw_fallen(classes, palette, random);
  remove_hidden(fallen, size);
  for (const auto& [leaf, label] : fallen) canvas.paint(leaf, light);
  return {.image = {.width = size, .height = size, .rgb = canvas.photograph(light, random)},
          .objects = find_objects(fallen, size)};
}

void draw_box_folder(const DrawnFolderOptions& options, const std::function<void()>& on_picture) {
  constexpr int most_classes = 6;
  check_drawn_range("classes", options.classes, 1, most_classes);
  const auto classes = box_class_names(options.classes);
  const auto main = fs::path("ImageSets") / "Main";
  Split sets[] = {{.name = splits[0], .objects = {}}, {.name = splits[1], .objects = {}}};

  const auto begin = [&](const fs::path& folder) {
    sets[0].objects.resize(static_cast<std::size_t>(options.train));
    sets[1].objects.resize(static_cast<std::size_t>(options.val));
    for (const auto& inner :
         {fs::path("Annotations"), fs::path("JPEGImages"), main, fs::path("annotations")}) {
      fs::create_directories(folder / inner);
    }
  };
  const auto draw = [&](const fs::path& folder, std::int64_t i) {
    auto& set = sets[i < options.train ? 0 : 1];
    const auto index = static_cast<std::size_t>(i < options.train ? i : i - options.train);
    const auto seed = picture_seed(options.seed, "boxes " + set.name, Kind::Discs, static_cast<int>(index));
    auto scene = draw_box_scene(options.classes, options.size, seed);
    const auto name = set.picture(index);
    write_drawn_picture(folder / "JPEGImages" / name, scene.image.rgb, options);
    write_drawn_text(folder / "Annotations" / (name + ".xml"), to_xml(scene.objects, classes, name, options));
    set.objects[index] = std::move(scene.objects);
  };
  const auto end = [&](const fs::path& folder) {
    std::string all;
    for (const auto& set : sets) {
      if (set.objects.empty()) continue;
      std::string names;
      for (std::size_t i = 0; i < set.objects.size(); ++i) names += set.picture(i) + "\n";
      all += names;
      write_drawn_text(folder / main / (set.name + ".txt"), names);
      write_drawn_text(folder / "annotations" / fmt::format("instances_{}.json", set.name),
                       to_coco(set, classes, options));
    }
    write_drawn_text(folder / main / "trainval.txt", all);
  };
  write_drawn_set(options,
                  {.marker = "dead_leaves_boxes.json",
                   .data = "dead leaves with boxes",
                   .pictures = std::int64_t{options.train} + options.val,
                   .begin = begin,
                   .draw = draw,
                   .end = end},
                  on_picture);
}

}  // namespace scatlight::data
