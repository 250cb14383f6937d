#pragma once

#include <filesystem>

#include "data/box_listing.h"
#include "data/objects.h"

namespace scatlight::data {

/// Lists the pictures of a COCO file (annotations/instances_*.json) of at most 2^31 bytes, which is read once
/// and never held in memory. `images` is the folder of the pictures.
///
/// Classes are the categories by ascending id, which may have gaps; samples are by ascending image id. Boxes
/// are x, y, width, height. `iscrowd`, `ignore` (an object that VOC would call difficult) and `area` may
/// lack, and so may a picture's width and height. With known classes, a category that no annotation uses may
/// be unknown, and those that the file lacks get the smallest ids that it does not use. Pictures are not
/// decoded, but their headers are read. Throws Error, which names the file and the record, for whatever does
/// not fit. With skip_bad, an annotation of no image is left out alone.
BoxFolder list_coco(const std::filesystem::path& json, const std::filesystem::path& images,
                    const BoxListOptions& options = {});

/// Where the pictures of a COCO file usually are: of .../annotations/instances_NAME.json in .../NAME, or,
/// where that is not there, in .../JPEGImages, or else in the file's own folder.
std::filesystem::path default_coco_images(const std::filesystem::path& json);

}  // namespace scatlight::data
