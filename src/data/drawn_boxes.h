#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/drawn_folder.h"
#include "data/image.h"
#include "data/objects.h"

// A procedural data set for the detection of objects: scenes of dead leaves (data/dead_leaves.h) in which the
// leaves with an outline of a kind are the objects, among neutral leaves that hide parts of them.

namespace scatlight::data {

/// The classes: the first kinds with an outline, in the order of their names. At most 6.
std::vector<std::string> box_class_names(int classes);

struct BoxScene {
  Image image = {};
  std::vector<Object> objects = {};  ///< From the first leaf that fell to the last.
};

/// Draws one picture. A box is the tight one of the pixels of a leaf that are seen. An object is difficult
/// when less than 40 % of it is seen, or a side of its box is below a 32nd of the picture's; a leaf of which
/// less than 15 % would be seen is not drawn. The same arguments give the same bytes on any thread.
BoxScene draw_box_scene(int classes, int size, std::uint64_t seed);

inline const DrawnFolderOptions default_box_options = {
    .folder = {}, .classes = 6, .train = 300, .val = 60, .size = 256};

/// Draws a data set in two layouts: that of Pascal VOC, for list_voc() with the splits train, val and
/// trainval, and annotations/instances_train.json and instances_val.json, for list_coco(). `train` and `val`
/// count all pictures. As draw_folder() otherwise; the options are in dead_leaves_boxes.json.
void draw_box_folder(const DrawnFolderOptions& options, const std::function<void()>& on_picture);

}  // namespace scatlight::data
