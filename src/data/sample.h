#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data/decode.h"
#include "io/file.h"

namespace scatlight::data {

/// Where a member of an archive lies. The archive stays open: thousands of images are read from each.
struct ArchivePart {
  std::shared_ptr<const io::ReadOnlyFile> archive;
  std::uint64_t offset = 0;  ///< Of its first byte.
  std::uint64_t size = 0;    ///< In bytes.
};

/// An image of a data set: a file of its own, or a member of an archive.
struct Sample {
  std::string name;  ///< The path of its file, or ARCHIVE:MEMBER. No path, which takes four times the memory.
  std::int64_t label = 0;  ///< Index into the classes.
  std::optional<ArchivePart> part = {};
};

/// "/images/a.tar:0001.jpg" for a member of the archive "/images/a.tar".
std::string member_name(const io::ReadOnlyFile& archive, std::string_view member);

/// In bytes, without reading it. Throws Error for a file that is gone.
std::uint64_t size_of(const Sample& sample);

/// Reads an image, on any thread. Throws Error, which names it, when it cannot be read or is no picture, and
/// io::FileChanged when it lies in an archive that is no longer as it was when it was listed.
EncodedImage open_image(const Sample& sample, std::int64_t max_pixels = default_max_pixels);

}  // namespace scatlight::data
