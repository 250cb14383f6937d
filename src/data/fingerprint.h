#pragma once

#include <string>

#include "data/folder.h"
#include "data/objects.h"

namespace scatlight::data {

/// Tells one set of images from another by their classes, names below the root and sizes in bytes; no image
/// is opened. The same files in another place have the same fingerprint. Throws Error for a file that is
/// gone.
std::string fingerprint(const ImageFolder& folder);

/// The same of a set with boxes, by its classes, the names and bytes of its pictures, and all objects.
std::string fingerprint(const BoxFolder& folder);

}  // namespace scatlight::data
