#include "data/sample.h"

#include <fmt/format.h>

#include <filesystem>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::data {

std::string member_name(const io::ReadOnlyFile& archive, std::string_view member) {
  return fmt::format("{}:{}", archive.path().native(), member);
}

std::uint64_t size_of(const Sample& sample) {
  if (sample.part) return sample.part->size;
  std::error_code error;
  const auto bytes = std::filesystem::file_size(sample.name, error);
  if (error) throw Error(fmt::format("cannot read {}: {}", io::display(sample.name), error.message()));
  return bytes;
}

namespace {

/// Throws io::FileChanged, which names the image.
void check_unchanged(const io::ReadOnlyFile& archive, const Sample& sample) try {
  archive.check_unchanged();
} catch (const io::FileChanged& changed) {
  throw io::FileChanged(fmt::format("{}: {}", io::display(sample.name), changed.what()));
}

}  // namespace

EncodedImage open_image(const Sample& sample, std::int64_t max_pixels) {
  if (!sample.part) return EncodedImage::open(sample.name, max_pixels);
  const auto& [archive, offset, size] = *sample.part;
  if (size > largest_picture_file) {
    throw Error(fmt::format("cannot read {}: it has {} bytes, at most {} are accepted",
                            io::display(sample.name), size, largest_picture_file));
  }
  std::vector<std::uint8_t> bytes(size);
  try {
    archive->read(offset, std::as_writable_bytes(std::span(bytes)));
  } catch (const Error& error) {
    check_unchanged(*archive, sample);  // an archive that was cut off ends too early
    throw Error(fmt::format("{}: {}", io::display(sample.name), error.what()));
  }
  check_unchanged(*archive, sample);
  return {std::move(bytes), sample.name, max_pixels};
}

}  // namespace scatlight::data
