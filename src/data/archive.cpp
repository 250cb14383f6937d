#include "data/archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "io/display.h"
#include "io/tar_reader.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;
using io::TarKind;
using io::TarMember;

/// Those whose names say what they are.
struct Members {
  std::vector<TarMember> images;
  std::vector<TarMember> labels;
  std::vector<TarMember> others;
};

[[noreturn]] void refuse(const io::ReadOnlyFile& archive, const TarMember& member, std::string_view reason) {
  throw Error(fmt::format("{}: {}", io::display(member_name(archive, member.name)), reason));
}

FileKind kind_of_member(const fs::path& name) {
  for (const auto& folder : name.parent_path()) {
    if (kind_of(folder) == FileKind::Hidden) return FileKind::Hidden;
  }
  return kind_of(name);
}

std::string_view key_of(std::string_view name) {
  const auto slash = name.rfind('/');
  return name.substr(0, name.find('.', slash == name.npos ? 0 : slash));
}

/// True for "a/0001.jpg", false for "a/0001.left.jpg", which WebDataset takes for another field of 0001.
bool has_one_ending(std::string_view name) { return name.rfind('.') == key_of(name).size(); }

Members sort_out(std::vector<TarMember> all) {
  Members members;
  for (auto& member : all) {
    const fs::path name = member.name;
    const auto kind = kind_of_member(name);
    const bool is_label = kind == FileKind::Other && ending_of(name) == ".cls" && has_one_ending(member.name);
    auto& group = kind == FileKind::Image ? members.images : is_label ? members.labels : members.others;
    group.push_back(std::move(member));
  }
  return members;
}

void check_whole(const io::ReadOnlyFile& archive, const std::vector<TarMember>& members) {
  for (const auto& member : members) {
    switch (member.kind) {
      case TarKind::File:
        break;
      case TarKind::Link:
        refuse(archive, member,
               "it is a link; an archive made with --dereference --hard-dereference holds files");
      case TarKind::Sparse:
        refuse(archive, member, "it is a sparse file; an archive made without --sparse holds whole ones");
      case TarKind::Other:
        refuse(archive, member, "it is no regular file");
    }
  }
}

/// By `name_of`; two of one name are an error.
template <class NameOf>
void sort_by(const io::ReadOnlyFile& archive, std::vector<TarMember>& members, const NameOf& name_of,
             std::string_view reason) {
  std::ranges::sort(members, {}, name_of);
  const auto twice = std::ranges::adjacent_find(members, {}, name_of);
  if (twice != members.end()) refuse(archive, *std::next(twice), reason);
}

/// The number that a .cls holds as text.
std::int64_t read_number(const io::ReadOnlyFile& archive, const TarMember& member) {
  constexpr std::uint64_t longest = 64;
  if (member.size > longest) {
    refuse(archive, member, fmt::format("it has {} bytes; the number of a class is expected", member.size));
  }
  std::string bytes(member.size, '\0');
  archive.read(member.offset, std::as_writable_bytes(std::span(bytes)));
  constexpr std::string_view space = " \t\r\n";
  auto text = std::string_view(bytes);
  text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
  text = text.substr(0, text.find_last_not_of(space) + 1);
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) {
    refuse(archive, member,
           fmt::format("it holds '{}'; the number of a class is expected", io::display(text)));
  }
  return number;
}

class Content {
 public:
  explicit Content(const fs::path& path) : archive_(std::make_shared<const io::ReadOnlyFile>(path)) {}

  ArchiveContent list() {
    auto members = sort_out(io::list_tar(*archive_));
    check_whole(*archive_, members.images);
    check_whole(*archive_, members.labels);
    content_.file = archive_;
    for (const auto& other : members.others) content_.left_out.add(kind_of_member(other.name), other.name);
    if (members.labels.empty()) {
      take_images(std::move(members.images));
    } else {
      take_pairs(std::move(members.images), std::move(members.labels));
    }
    return std::move(content_);
  }

 private:
  void take(const TarMember& image, std::int64_t label) {
    content_.images.push_back(
        {.name = member_name(*archive_, image.name),
         .label = label,
         .part = ArchivePart{.archive = archive_, .offset = image.offset, .size = image.size}});
  }

  void take_images(std::vector<TarMember> images) {
    sort_by(*archive_, images, &TarMember::name, "the archive holds it twice");
    for (const auto& image : images) take(image, 0);
    if (!images.empty()) content_.form = ArchiveForm::Class;
  }

  void take_pairs(std::vector<TarMember> images, std::vector<TarMember> labels) {
    std::erase_if(images, [&](const TarMember& image) {
      if (has_one_ending(image.name)) return false;
      content_.left_out.add(FileKind::Other, image.name);
      return true;
    });
    const auto key = [](const TarMember& member) { return key_of(member.name); };
    sort_by(*archive_, images, key, "its key has another image");
    sort_by(*archive_, labels, key, "the archive holds it twice");
    for (std::size_t i = 0; i < std::max(images.size(), labels.size()); ++i) {
      const bool lacks_label = i == labels.size() || (i < images.size() && key(images[i]) < key(labels[i]));
      if (lacks_label) {
        refuse(*archive_, images[i],
               fmt::format("there is no {}.cls beside it", io::display(key(images[i]))));
      }
      if (i == images.size() || key(images[i]) != key(labels[i])) {
        refuse(*archive_, labels[i],
               fmt::format("there is no image beside it ({} are read)", image_endings()));
      }
      take(images[i], read_number(*archive_, labels[i]));
    }
    content_.form = ArchiveForm::Shard;
  }

  std::shared_ptr<const io::ReadOnlyFile> archive_;
  ArchiveContent content_ = {};
};

}  // namespace

ArchiveContent list_archive(const fs::path& path) { return Content(path).list(); }

}  // namespace scatlight::data
