#pragma once

#include "data/folder.h"
#include "data/objects.h"

// A part of a data set that has no split of its own, held out for evaluation.

namespace scatlight::data {

/// Takes a share (above 0, below 1) of the images of each class out of a data set, at least one, and leaves
/// at least one. Which ones depends on the names of their files alone: it is no matter where the data set
/// lies, and more images change little. Throws Error for a class of one image.
ImageFolder hold_out(ImageFolder& folder, double share);

/// Does the same for pictures with boxes: a share of all, in which each class has an object that is trained
/// on, as in the rest. What the listing did to boxes is still reported for the rest. Throws Error for a class
/// that cannot be in both.
BoxFolder hold_out(BoxFolder& folder, double share);

}  // namespace scatlight::data
