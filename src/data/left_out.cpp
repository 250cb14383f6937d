#include "data/left_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "io/display.h"

namespace scatlight::data {
namespace {

/// Pillow's endings of these formats.
constexpr std::array<std::string_view, 7> images = {".jpg", ".jpeg", ".jpe", ".jfif",
                                                    ".png", ".apng", ".webp"};

constexpr std::array<std::string_view, 37> other_pictures = {
    ".avif", ".bmp",  ".cr2", ".cr3", ".dcm",  ".dib", ".dng", ".exr", ".gif", ".hdr",
    ".heic", ".heif", ".ico", ".j2k", ".jif",  ".jp2", ".jpf", ".jpx", ".jxl", ".nef",
    ".nrw",  ".orf",  ".pbm", ".pcx", ".pgm",  ".pnm", ".ppm", ".psd", ".raf", ".raw",
    ".rw2",  ".svg",  ".tga", ".tif", ".tiff", ".xcf", ".arw"};

constexpr std::array<std::string_view, 9> kept_by_programs = {
    "@eaDir",    "#recycle",    "@Recycle",                                   // network drives
    "__MACOSX",                                                               // archives
    "Thumbs.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information",  // Windows
    "lost+found"};

bool contains(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

std::int64_t sum(const std::map<std::string, std::int64_t>& by_ending) {
  return std::accumulate(by_ending.begin(), by_ending.end(), std::int64_t{0},
                         [](std::int64_t total, const auto& entry) { return total + entry.second; });
}

/// "7 .heic, 3 .tiff", the most frequent first.
std::string list(const std::map<std::string, std::int64_t>& by_ending) {
  constexpr std::size_t most = 6;
  std::vector<std::pair<std::string, std::int64_t>> sorted(by_ending.begin(), by_ending.end());
  std::ranges::sort(
      sorted, {}, [](const auto& entry) { return std::pair(-entry.second, std::string_view(entry.first)); });
  std::string text;
  for (std::size_t i = 0; i < std::min(sorted.size(), most); ++i) {
    const auto& [ending, number] = sorted[i];
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", number, ending.empty() ? "without an ending" : ending);
  }
  return io::display(text) + (sorted.size() > most ? ", ..." : "");
}

}  // namespace

std::string ending_of(const std::filesystem::path& file) {
  auto ending = file.extension().native();
  for (auto& c : ending) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return ending;
}

FileKind kind_of(const std::filesystem::path& file) {
  const auto name = file.filename().native();
  if (name.starts_with('.') || contains(kept_by_programs, name)) return FileKind::Hidden;
  const auto ending = ending_of(file);
  if (contains(images, ending)) return FileKind::Image;
  if (ending == ".tar") return FileKind::Archive;
  return contains(other_pictures, ending) ? FileKind::OtherPicture : FileKind::Other;
}

std::span<const std::string_view> list_image_endings() { return images; }

std::string image_endings() {
  return fmt::format("{} and {}", fmt::join(images.begin(), images.end() - 1, ", "), images.back());
}

void LeftOut::add(FileKind kind, const std::filesystem::path& file) {
  switch (kind) {
    case FileKind::Image:
      ++images_outside;
      break;
    case FileKind::OtherPicture:
      ++pictures[ending_of(file)];
      break;
    case FileKind::Archive:
    case FileKind::Other:
      ++others[ending_of(file)];
      break;
    case FileKind::Hidden:
      ++hidden;
      break;
  }
}

void LeftOut::add(const LeftOut& more) {
  for (const auto& [ending, number] : more.pictures) pictures[ending] += number;
  for (const auto& [ending, number] : more.others) others[ending] += number;
  images_outside += more.images_outside;
  hidden += more.hidden;
  circular_links += more.circular_links;
}

std::int64_t LeftOut::total() const {
  return sum(pictures) + sum(others) + images_outside + hidden + circular_links;
}

std::string describe(const LeftOut& left_out) {
  if (left_out.total() == 0) return {};
  std::vector<std::string> parts;
  const auto& [pictures, others, images_outside, hidden, circular_links] = left_out;
  if (!pictures.empty())
    parts.push_back(fmt::format("{} ({})", count(sum(pictures), "picture"), list(pictures)));
  if (!others.empty()) parts.push_back(fmt::format("{} ({})", count(sum(others), "other"), list(others)));
  if (images_outside > 0) parts.push_back(count(images_outside, "image") + " in no class folder");
  if (hidden > 0) parts.push_back(fmt::format("{} hidden", hidden));
  if (circular_links > 0) parts.push_back(count(circular_links, "circular link"));
  return fmt::format("{} left out: {}; {} are read", count(left_out.total(), "file"), fmt::join(parts, ", "),
                     image_endings());
}

std::string describe_no_image(const LeftOut& left_out) {
  return left_out.total() > 0 ? describe(left_out) : image_endings() + " are read";
}

std::string list_some(std::span<const std::string> names) {
  constexpr std::size_t most = 10;
  const auto some = names.first(std::min(names.size(), most));
  return io::display(fmt::format("{}{}", fmt::join(some, ", "), names.size() > most ? ", ..." : ""));
}

std::string count(std::int64_t number, std::string_view thing) {
  const bool takes_es = thing.ends_with('s') || thing.ends_with('x');  // "classes", "boxes"
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : takes_es ? "es" : "s");
}

}  // namespace scatlight::data
