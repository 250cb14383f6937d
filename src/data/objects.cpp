#include "data/objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

bool is_empty(const BoxSample& sample) { return std::ranges::all_of(sample.objects, &Object::crowd); }

void add(BoxCounts& to, const BoxCounts& more) {
  to.images += more.images;
  to.empty += more.empty;
  to.objects += more.objects;
  to.difficult += more.difficult;
  to.crowd += more.crowd;
  to.trimmed += more.trimmed;
  to.dropped += more.dropped;
  to.turned += more.turned;
}

/// Moves the counts of a picture that goes from one data set to another.
void move_counts(const BoxSample& sample, BoxCounts& from, BoxCounts& to) {
  const auto move = [](std::int64_t number, std::int64_t& here, std::int64_t& there) {
    here -= number;
    there += number;
  };
  move(1, from.images, to.images);
  move(is_empty(sample) ? 1 : 0, from.empty, to.empty);
  move(std::ssize(sample.objects), from.objects, to.objects);
  move(std::ranges::count_if(sample.objects, &Object::difficult), from.difficult, to.difficult);
  move(std::ranges::count_if(sample.objects, &Object::crowd), from.crowd, to.crowd);
}

/// Objects of each class that are trained on.
std::vector<std::int64_t> count_by_class(const BoxFolder& folder) {
  std::vector<std::int64_t> counts(folder.classes.size());
  for (const auto& sample : folder.samples) {
    for (const auto& object : sample.objects) {
      if (!object.crowd) ++counts[static_cast<std::size_t>(object.label)];
    }
  }
  return counts;
}

std::vector<std::string> classes_without_object(const BoxFolder& folder) {
  const auto counts = count_by_class(folder);
  std::vector<std::string> without;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) without.push_back(folder.classes[i]);
  }
  return without;
}

bool agree(const BoxFolder& a, const BoxFolder& b) {
  return a.classes == b.classes && a.category_ids == b.category_ids;
}

std::string display_roots(const BoxFolder& folder) {
  std::vector<std::string> names;
  names.reserve(folder.roots.size());
  for (const auto& root : folder.roots) names.push_back(root.native());
  return list_some(names);
}

}  // namespace

BoxFolder join(std::vector<BoxFolder> folders) {
  if (folders.size() == 1) return std::move(folders.front());
  BoxFolder all;
  const bool is_one = std::ranges::all_of(folders, [&](const auto& one) { return agree(one, folders[0]); });
  for (auto& folder : folders) {
    std::vector<int> labels;  // of this one's classes, among all
    for (const auto& name : folder.classes) {
      const auto found = std::ranges::find(all.classes, name);
      labels.push_back(static_cast<int>(found - all.classes.begin()));
      if (found == all.classes.end()) {
        all.classes.push_back(name);
        const auto place = labels.size() - 1;
        all.category_ids.push_back(is_one ? folder.category_ids[place] : std::ssize(all.classes));
      }
    }
    for (auto& sample : folder.samples) {
      sample.id = std::ssize(all.samples) + 1;
      for (auto& object : sample.objects) object.label = labels[static_cast<std::size_t>(object.label)];
      all.samples.push_back(std::move(sample));
    }
    add(all.counts, folder.counts);
    all.roots.insert(all.roots.end(), folder.roots.begin(), folder.roots.end());
    all.skipped.insert(all.skipped.end(), folder.skipped.begin(), folder.skipped.end());
  }
  return all;
}

BoxFolder take_out(BoxFolder& folder, const std::vector<bool>& is_taken) {
  BoxFolder taken{.roots = folder.roots, .classes = folder.classes, .category_ids = folder.category_ids};
  std::vector<BoxSample> rest;
  for (std::size_t place = 0; place < folder.samples.size(); ++place) {
    auto& sample = folder.samples[place];
    if (is_taken[place]) {
      move_counts(sample, folder.counts, taken.counts);
      taken.samples.push_back(std::move(sample));
    } else {
      rest.push_back(std::move(sample));
    }
  }
  folder.samples = std::move(rest);
  return taken;
}

std::int64_t drop_empty(BoxFolder& folder) {
  std::vector<bool> empty;
  empty.reserve(folder.samples.size());
  for (const auto& sample : folder.samples) empty.push_back(is_empty(sample));
  return std::ssize(take_out(folder, empty).samples);
}

std::vector<std::string> drop_unused_classes(BoxFolder& folder) {
  const auto counts = count_by_class(folder);
  const auto is_used = [&](std::size_t label) { return counts[label] > 0; };
  if (std::ranges::count(counts, 0) == std::ssize(counts)) return {};
  std::vector<std::string> classes;
  std::vector<std::string> dropped;
  std::vector<std::int64_t> ids;
  std::vector<int> labels;  // by the earlier ones
  for (std::size_t i = 0; i < counts.size(); ++i) {
    labels.push_back(static_cast<int>(classes.size()));
    (is_used(i) ? classes : dropped).push_back(folder.classes[i]);
    if (is_used(i)) ids.push_back(folder.category_ids[i]);
  }
  for (auto& sample : folder.samples) {
    const auto crowds = std::erase_if(
        sample.objects, [&](const auto& object) { return !is_used(static_cast<std::size_t>(object.label)); });
    folder.counts.objects -= static_cast<std::int64_t>(crowds);
    folder.counts.crowd -= static_cast<std::int64_t>(crowds);
    for (auto& object : sample.objects) object.label = labels[static_cast<std::size_t>(object.label)];
  }
  folder.classes = std::move(classes);
  folder.category_ids = std::move(ids);
  return dropped;
}

void require_objects(const BoxFolder& folder) {
  const auto without = classes_without_object(folder);
  if (without.size() == folder.classes.size()) {
    throw Error(fmt::format("{}: there is no object to train on in {}", display_roots(folder),
                            count(std::ssize(folder.samples), "image")));
  }
  if (!without.empty()) {
    throw Error(fmt::format("{}: there is no object of {} ({})", display_roots(folder),
                            count(std::ssize(without), "class"), list_some(without)));
  }
}

std::string describe(const BoxFolder& folder) {
  const auto& counts = folder.counts;
  auto text = fmt::format("{} of {} ({}), {}", count(counts.images, "image"),
                          count(std::ssize(folder.classes), "class"), list_some(folder.classes),
                          count(counts.objects, "object"));
  const char* separator = "; ";
  const auto tell = [&](std::int64_t number, std::string_view thing, std::string_view what) {
    if (number == 0) return;
    text += fmt::format("{}{}{}", separator, count(number, thing), what);
    separator = ", ";
  };
  tell(counts.empty, "image", " without objects");
  tell(counts.difficult, "object", " difficult");
  tell(counts.crowd, "crowd", "");
  tell(counts.trimmed, "box", " trimmed at the edge");
  tell(counts.dropped, "box", " dropped beyond it");
  tell(counts.turned, "image", " with boxes turned upright");
  const auto without = classes_without_object(folder);
  if (!without.empty()) text += fmt::format("{}none of {}", separator, list_some(without));
  return text;
}

}  // namespace scatlight::data
