#include "data/archive_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "core/parallel_for.h"
#include "data/archive.h"
#include "io/display.h"
#include "io/file.h"
#include "io/machine.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

std::string_view member_of(const Sample& sample) {
  return std::string_view(sample.name).substr(sample.part->archive->path().native().size() + 1);
}

std::string class_of(const ArchiveContent& content) { return content.file->path().stem().native(); }

/// The same error every time, whichever thread meets one first.
std::vector<ArchiveContent> list_all(const std::vector<fs::path>& archives) {
  std::vector<ArchiveContent> contents(archives.size());
  std::vector<std::string> errors(archives.size());
  parallel_for(io::processor_threads(), std::ssize(archives), [&](std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    try {
      contents[i] = list_archive(archives[i]);
    } catch (const Error& error) {
      errors[i] = error.what();
    }
  });
  for (const auto& error : errors) {
    if (!error.empty()) throw Error(error);
  }
  return contents;
}

void check_not_empty(const ArchiveContent& content) {
  if (content.form != ArchiveForm::Nothing) return;
  const bool holds_archives = content.left_out.others.contains(".tar");
  throw Error(fmt::format("{}: it holds no image ({})", io::display_path(content.file->path()),
                          holds_archives
                              ? "but archives: unpack it, and give the folder that they are in then"
                              : describe_no_image(content.left_out)));
}

/// A file with the images of several classes in folders is no class.
void check_one_class(const ArchiveContent& content) {
  const auto is_below_class = [class_folder = class_of(content) + "/"](const Sample& image) {
    return member_of(image).starts_with(class_folder);
  };
  const auto folder_of = [](const Sample& image) {
    const auto name = member_of(image);
    return name.substr(0, name.rfind('/') + 1);
  };
  const auto& images = content.images;
  if (std::ranges::all_of(images, is_below_class)) return;
  const auto other = std::ranges::adjacent_find(images, std::ranges::not_equal_to(), folder_of);
  if (other == images.end()) return;
  throw Error(fmt::format(
      "{}: its images lie in several folders, as {} and {}; expected is one archive a class, or "
      "with .cls files beside the images",
      io::display_path(content.file->path()), io::display(other->name), io::display(std::next(other)->name)));
}

void take_classes(ImageFolder& folder, std::vector<ArchiveContent> contents,
                  const std::optional<Names>& known) {
  std::ranges::sort(contents, {}, class_of);
  if (known) {
    folder.classes = *known;
  } else {
    for (const auto& content : contents) folder.classes.push_back(class_of(content));
    const auto twice = std::ranges::unique(folder.classes);
    folder.classes.erase(twice.begin(), twice.end());
  }
  for (auto& content : contents) {
    check_one_class(content);
    const auto label = find_label(folder.classes, class_of(content), io::display_path(folder.root));
    for (auto& image : content.images) {
      image.label = label;
      folder.samples.push_back(std::move(image));
    }
  }
}

Names read_class_list(const fs::path& file) {
  constexpr std::uint64_t largest = std::uint64_t{64} << 20;
  const auto text = io::read_text(file, largest);
  Names names;
  std::set<std::string_view> seen;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    auto line = std::string_view(text).substr(from, end - from);
    if (line.ends_with('\r')) line.remove_suffix(1);
    names.emplace_back(line);
    const bool is_new = seen.insert(line).second;
    if (line.empty() || !is_new) {
      throw Error(
          fmt::format("{}: line {} {}", io::display_path(file), names.size(),
                      line.empty() ? "is empty" : fmt::format("names '{}' again", io::display(line))));
    }
    from = end + 1;
  }
  if (names.empty()) throw Error(fmt::format("{}: it names no class", io::display_path(file)));
  return names;
}

/// Gives the numbers of the classes of shards their labels, in ascending order.
class Numbers {
 public:
  Numbers(const fs::path& root, std::optional<Names> names, const std::optional<Names>& known)
      : root_(root), names_(std::move(names)), known_(known) {}

  /// `sample` is the first of its number.
  std::int64_t label_of(const Sample& sample) {
    const auto number = sample.label;
    if (names_ && number >= std::ssize(*names_)) {
      throw Error(fmt::format("{}: its class is {}, but {} names {}, from 0 on", io::display(sample.name),
                              number, class_list_name, count(std::ssize(*names_), "class")));
    }
    const auto name = names_ ? (*names_)[static_cast<std::size_t>(number)] : std::to_string(number);
    if (known_) {
      const auto where =
          io::display_path(root_) + (names_ ? "" : fmt::format(", which has no {}", class_list_name));
      return find_label(*known_, name, where);
    }
    if (number > next_ && !names_) {
      throw Error(
          fmt::format("{}: its class is {}, but no image is of class {}; without {} classes have the numbers "
                      "0, 1, ... and no gap",
                      io::display(sample.name), number, next_, class_list_name));
    }
    if (number > next_) refuse_empty();
    return next_++;
  }

  /// All classes, when the last number has its label.
  Names classes() const {
    if (known_) return *known_;
    if (names_ && next_ < std::ssize(*names_)) refuse_empty();
    if (names_) return *names_;
    Names names;
    for (std::int64_t number = 0; number < next_; ++number) names.push_back(std::to_string(number));
    return names;
  }

 private:
  [[noreturn]] void refuse_empty() const {
    throw Error(fmt::format("{}: no image is of class {}, which is '{}' in {}", io::display_path(root_),
                            next_, io::display((*names_)[static_cast<std::size_t>(next_)]), class_list_name));
  }

  const fs::path& root_;
  const std::optional<Names> names_;
  const std::optional<Names>& known_;
  std::int64_t next_ = 0;
};

void take_shards(ImageFolder& folder, std::vector<ArchiveContent> contents,
                 const std::optional<Names>& known) {
  for (auto& content : contents) std::ranges::move(content.images, std::back_inserter(folder.samples));
  // Names of members may come again in other shards.
  std::ranges::sort(folder.samples, [](const Sample& a, const Sample& b) {
    return std::tuple(a.label, member_of(a), std::string_view(a.name)) <
           std::tuple(b.label, member_of(b), std::string_view(b.name));
  });
  const auto list = folder.root / class_list_name;
  Numbers numbers(folder.root, fs::exists(list) ? std::optional(read_class_list(list)) : std::nullopt, known);
  for (auto first = folder.samples.begin(); first != folder.samples.end();) {
    const auto end = std::find_if(first, folder.samples.end(),
                                  [&](const Sample& sample) { return sample.label != first->label; });
    const auto label = numbers.label_of(*first);
    for (; first != end; ++first) first->label = label;
  }
  folder.classes = numbers.classes();
}

}  // namespace

void list_archives(ImageFolder& folder, const std::vector<fs::path>& archives,
                   const std::vector<fs::path>& others, const std::optional<Names>& known_classes) {
  auto contents = list_all(archives);
  for (const auto& content : contents) {
    check_not_empty(content);
    folder.left_out.add(content.left_out);
  }
  const auto& first = contents.front();
  const auto other =
      std::ranges::find_if(contents, [&](const auto& content) { return content.form != first.form; });
  if (other != contents.end()) {
    const bool shard_first = first.form == ArchiveForm::Shard;
    throw Error(
        fmt::format("{} holds .cls files, {} does not: shards and archives of one class each do not mix",
                    io::display_path((shard_first ? first : *other).file->path()),
                    io::display_path((shard_first ? *other : first).file->path())));
  }
  const bool are_shards = first.form == ArchiveForm::Shard;
  for (const auto& file : others) {
    if (!are_shards || file.filename() != class_list_name) folder.left_out.add(kind_of(file), file);
  }
  are_shards ? take_shards(folder, std::move(contents), known_classes)
             : take_classes(folder, std::move(contents), known_classes);
}

}  // namespace scatlight::data
