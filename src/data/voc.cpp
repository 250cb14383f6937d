#include "data/voc.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <pugixml.hpp>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "data/folder.h"
#include "data/left_out.h"
#include "io/display.h"
#include "io/file.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_xml = std::uint64_t{1} << 20;
constexpr std::uint64_t largest_split = std::uint64_t{256} << 20;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(spaces);
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(spaces) + 1 - first);
}

std::string_view text_of(const pugi::xml_node& node) { return trimmed(node.text().get()); }

/// A finite number that a picture can have.
double number_in(const pugi::xml_node& parent, const char* name, std::string_view where) {
  const auto node = parent.child(name);
  if (!node) fail_at(where, fmt::format("{} has no {}", parent.name(), name));
  const auto text = text_of(node);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(std::abs(number) <= largest_coordinate)) {
    fail_at(where, fmt::format("{} is '{}', but must be a number within {}", name, io::display(text),
                               largest_coordinate));
  }
  return number;
}

/// 0 x 0, which some programs write, is no size.
ImageSize read_size(const pugi::xml_node& annotation, std::string_view where) {
  const auto node = annotation.child("size");
  if (!node) return {};
  const double width = number_in(node, "width", where);
  const double height = number_in(node, "height", where);
  if (width == 0 && height == 0) return {};
  if (width < 1 || height < 1 || width != std::floor(width) || height != std::floor(height)) {
    fail_at(where, fmt::format("its size is {} x {} pixels", width, height));
  }
  return {.width = static_cast<int>(width), .height = static_cast<int>(height)};
}

bool read_difficult(const pugi::xml_node& object, std::string_view where) {
  const auto text = text_of(object.child("difficult"));
  if (text.empty() || text == "0") return false;
  if (text == "1") return true;
  fail_at(where, fmt::format("difficult is '{}', but must be 0 or 1", io::display(text)));
}

Rect read_box(const pugi::xml_node& object, std::string_view where) {
  const auto node = object.child("bndbox");
  if (!node) fail_at(where, "it has no bndbox");
  const double left = number_in(node, "xmin", where);
  const double top = number_in(node, "ymin", where);
  const double right = number_in(node, "xmax", where);
  const double bottom = number_in(node, "ymax", where);
  if (right < left) fail_at(where, fmt::format("xmax {} is less than xmin {}", right, left));
  if (bottom < top) fail_at(where, fmt::format("ymax {} is less than ymin {}", bottom, top));
  return {.left = static_cast<float>(left - 1),
          .top = static_cast<float>(top - 1),
          .right = static_cast<float>(right),
          .bottom = static_cast<float>(bottom)};
}

/// A picture whose labels are places in its own list of class names, one per object.
struct VocPicture {
  AnnotatedPicture picture = {};
  std::vector<std::string> classes = {};
};

void read_object(const pugi::xml_node& node, VocPicture& to) {
  auto& objects = to.picture.sample.objects;
  auto name = fmt::format("object {}", objects.size() + 1);
  const auto where = [&] { return fmt::format("{}: {}", to.picture.where, name); };
  const auto class_name = text_of(node.child("name"));
  if (class_name.empty()) fail_at(where(), "its name is empty");
  if (!io::is_utf8(class_name)) fail_at(where(), "its name is not UTF-8");
  name += fmt::format(" ({})", io::display(class_name));
  const auto box = read_box(node, where());
  objects.push_back({.box = box,
                     .label = static_cast<int>(to.classes.size()),
                     .difficult = read_difficult(node, where()),
                     .area = double{box.width()} * box.height()});
  to.classes.emplace_back(class_name);
  to.picture.names.push_back(std::move(name));
}

void read_xml(const fs::path& file, VocPicture& to) {
  const auto text = io::read_text(file, largest_xml);
  pugi::xml_document document;
  const auto result = document.load_buffer(text.data(), text.size());
  if (!result) {
    fail_at(to.picture.where,
            fmt::format("it is cut or broken at byte {} ({})", result.offset, result.description()));
  }
  const auto annotation = document.child("annotation");
  if (!annotation) fail_at(to.picture.where, "there is no annotation in it");
  to.picture.sample.size = read_size(annotation, to.picture.where);
  for (const auto& object : annotation.children("object")) read_object(object, to);
}

/// The picture of a name, with an ending in small or in capital letters.
fs::path find_picture(const fs::path& root, const std::string& name) {
  const auto stem = root / "JPEGImages" / name;
  for (const bool is_capital : {false, true}) {
    for (const auto known : list_image_endings()) {
      std::string ending(known);
      if (is_capital)
        std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::toupper(c); });
      auto file = stem;
      file += ending;
      std::error_code ignored;
      if (fs::exists(file, ignored)) return file;
    }
  }
  throw Error(
      fmt::format("{}: no picture of this name ({} are read)", io::display_path(stem), image_endings()));
}

std::vector<std::string> list_splits(const fs::path& folder) {
  std::vector<std::string> all;
  std::vector<std::string> of_all_classes;  // VOC has 60 more, such as dog_train
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() != ".txt") continue;
    all.push_back(at->path().stem().native());
    if (all.back().find('_') == std::string::npos) of_all_classes.push_back(all.back());
  }
  auto& splits = of_all_classes.empty() ? all : of_all_classes;
  std::ranges::sort(splits);
  return splits;
}

fs::path split_file(const fs::path& root, const std::string& split) {
  return root / "ImageSets" / "Main" / (split + ".txt");
}

std::vector<std::string> read_split(const fs::path& root, const std::string& split) {
  const auto file = split_file(root, split);
  const auto folder = file.parent_path();
  check_relative(split, io::display_path(folder));
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    const auto splits = list_splits(folder);
    throw Error(
        splits.empty()
            ? fmt::format("{}: there is no split in it; expected are Annotations, JPEGImages and "
                          "ImageSets/Main/*.txt in {}",
                          io::display_path(folder), io::display_path(root))
            : fmt::format("{}: no such split; there are {}", io::display_path(file), list_some(splits)));
  }
  const auto text = io::read_text(file, largest_split);
  std::vector<std::string> names;
  std::set<std::string_view> seen;
  auto rest = std::string_view(text);
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);  // the mark that Windows puts before UTF-8
  for (std::int64_t line = 1; !rest.empty(); ++line) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto name = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (name.empty()) continue;
    const auto where = fmt::format("{}: line {}", io::display_path(file), line);
    check_relative(name, where);
    if (!seen.insert(name).second) fail_at(where, fmt::format("{} is listed twice", io::display(name)));
    names.emplace_back(name);
  }
  if (names.empty()) fail_at(io::display_path(file), "there is no name in it");
  return names;
}

std::vector<std::string> classes_of(const std::vector<VocPicture>& pictures) {
  std::set<std::string> classes;
  for (const auto& [picture, names] : pictures) {
    if (picture.bad.empty()) classes.insert(names.begin(), names.end());
  }
  return {classes.begin(), classes.end()};
}

}  // namespace

BoxFolder list_voc(const fs::path& root, const std::string& split, const BoxListOptions& options) {
  const auto names = read_split(root, split);
  std::vector<VocPicture> pictures(names.size());
  for_each_picture(std::ssize(names), options, [&](std::int64_t i) {
    const auto& name = names[static_cast<std::size_t>(i)];
    auto& voc = pictures[static_cast<std::size_t>(i)];
    const auto xml = root / "Annotations" / (name + ".xml");
    voc.picture.where = io::display_path(xml);
    voc.picture.sample.file = xml;  // until the picture is found
    voc.picture.sample.id = i + 1;
    attempt(voc.picture, [&] {
      read_xml(xml, voc);
      voc.picture.sample.file = find_picture(root, name);
      compare_with_file(voc.picture, options);
    });
  });

  BoxFolder folder{.roots = {split_file(root, split)},
                   .classes = options.known_classes.value_or(classes_of(pictures))};
  for (std::int64_t id = 1; id <= std::ssize(folder.classes); ++id) folder.category_ids.push_back(id);
  std::vector<AnnotatedPicture> labelled;
  for (auto& voc : pictures) {
    attempt(voc.picture, [&] {
      for (auto& object : voc.picture.sample.objects) {
        const auto& name = voc.classes[static_cast<std::size_t>(object.label)];
        object.label = static_cast<int>(find_label(folder.classes, name, voc.picture.where));
      }
    });
    labelled.push_back(std::move(voc.picture));
  }
  add_pictures(folder, std::move(labelled), options);
  return folder;
}

}  // namespace scatlight::data
