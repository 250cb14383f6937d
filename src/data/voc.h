#pragma once

#include <filesystem>
#include <string>

#include "data/box_listing.h"
#include "data/objects.h"

namespace scatlight::data {

/// Lists a split of a data set laid out as Pascal VOC's:
///
///   ROOT/ImageSets/Main/SPLIT.txt   names, one per line
///   ROOT/Annotations/NAME.xml       the objects; their `difficult` and the `size` may lack
///   ROOT/JPEGImages/NAME.jpg        or another ending of the formats that are read
///
/// Classes are those of the objects, sorted by their bytes, with the ids 1, 2, ... VOC's boxes count pixels
/// from 1 and include the last one: xmin to xmax become left = xmin - 1 and right = xmax. Pictures are not
/// decoded, but their headers are read. Throws Error, which names the file and the object, for whatever does
/// not fit; see BoxListOptions::skip_bad.
BoxFolder list_voc(const std::filesystem::path& root, const std::string& split,
                   const BoxListOptions& options = {});

}  // namespace scatlight::data
