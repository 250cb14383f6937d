#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "data/box_listing.h"
#include "data/objects.h"

namespace scatlight::cli {

/// Data sets with boxes on a command line.
struct BoxDataFlags {
  std::vector<std::string> data = {};  ///< VOC folders and COCO files.
  std::string split = {};              ///< Of VOC folders; empty: the command's usual one.
  std::string images = {};  ///< Folder of the pictures of COCO files; empty: where they usually are.
};

/// Adds --images.
void add_box_data_flags(CLI::App& command, BoxDataFlags& flags);

/// Whether a path is a data set with boxes rather than folders of classes.
bool is_box_data(const std::string& path);

/// Throw CLI::ValidationError for a split without VOC folders, and for a folder of pictures without COCO
/// files. `flag` is the one that names the folder.
void check_split(const std::vector<std::string>& data, const std::string& split);
void check_images_folder(const char* flag, const std::vector<std::string>& data, const std::string& images);

/// Lists the data sets as one.
data::BoxFolder list_box_data(const BoxDataFlags& flags, const std::string& usual_split,
                              const data::BoxListOptions& options);

/// Says in standard error what a data set holds, and which files were left out. `name` begins the first line.
void print_summary(const char* name, const data::BoxFolder& folder);

}  // namespace scatlight::cli
