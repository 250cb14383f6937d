#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "data/left_out.h"
#include "data/sample.h"
#include "io/file.h"

namespace scatlight::data {

/// What a tar archive is by its members.
enum class ArchiveForm {
  Nothing,  ///< It holds no image.
  Class,    ///< It holds images.
  Shard,  ///< Beside each image, KEY.jpg, stands KEY.cls with the number of its class, as WebDataset has it.
};

struct ArchiveContent {
  std::shared_ptr<const io::ReadOnlyFile> file;
  ArchiveForm form = ArchiveForm::Nothing;
  std::vector<Sample> images = {};  ///< By name; the labels are the numbers of a shard, else 0.
  LeftOut left_out = {};            ///< Other members.
};

/// Lists an archive; no image is read. The KEY of a shard is all before the first dot of the name behind the
/// last slash. Throws Error, which names the archive and the member:
/// - for a damaged archive (io/tar_reader.h), and for two members of one name;
/// - for an image or a .cls that is no whole file (a link, a sparse file);
/// - for a shard in which an image or a .cls stands alone or twice, or a .cls holds no number.
ArchiveContent list_archive(const std::filesystem::path& path);

}  // namespace scatlight::data
