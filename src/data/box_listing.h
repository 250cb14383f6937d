#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/decode.h"
#include "data/objects.h"

// What the readers of annotations have in common.

namespace scatlight::data {

struct BoxListOptions {
  /// The classes of an earlier training. They fix the labels, and a class may have no object then.
  std::optional<std::vector<std::string>> known_classes = std::nullopt;
  /// Leave out, and record, each picture that an annotation is bad of, or whose file has no sound header.
  /// Boxes that reach far over the edge are trimmed.
  bool skip_bad = false;
  std::int64_t max_pixels = default_max_pixels;  ///< Of a picture; a file with more is bad.
  int threads = 0;                               ///< 0 means one per core.
};

/// A picture and what its annotation says, before both are compared.
struct AnnotatedPicture {
  std::string where = {};  ///< Begins each message: the annotation file and what names the picture in it.
  BoxSample sample = {};   ///< Of size 0 x 0 where the annotation says none; boxes as they are annotated.
  std::vector<std::string> names = {};  ///< (objects): "object 3 (dog)", for messages.
  std::string bad = {};                 ///< The message when it cannot be used, else empty.
  BoxCounts changes = {};               ///< Of the boxes: trimmed, dropped, turned.
};

/// Runs one step of reading a picture; its Error becomes picture.bad.
void attempt(AnnotatedPicture& picture, const std::function<void()>& step);

/// Looks at the picture's file, which need not be decoded: takes its upright size, turns the boxes with it
/// where the annotation is of the stored picture, and trims boxes at the edge. Throws Error.
void compare_with_file(AnnotatedPicture& picture, const BoxListOptions& options);

/// Calls step(i) for all pictures on the threads of the options.
void for_each_picture(std::int64_t count, const BoxListOptions& options,
                      const std::function<void(std::int64_t)>& step);

/// Adds the pictures to the folder, counts them, and throws the first one's bad message, or records all.
void add_pictures(BoxFolder& folder, std::vector<AnnotatedPicture> pictures, const BoxListOptions& options);

/// Pictures that nobody annotated, numbered from 1. Throws Error, which names the file, for one that cannot
/// be used; see BoxListOptions::skip_bad.
BoxFolder list_pictures(const std::vector<std::filesystem::path>& files, const BoxListOptions& options);

/// A name of a picture that an annotation gives, which must lie below the data set: no absolute path, no
/// "..". `where` begins the message of the Error.
void check_relative(std::string_view name, std::string_view where);

/// Throws Error: "where: reason".
[[noreturn]] void fail_at(std::string_view where, std::string_view reason);

/// Beyond that no picture has its edge.
inline constexpr double largest_coordinate = 1e6;

inline constexpr std::size_t most_objects = 5000;  ///< Of a picture.

}  // namespace scatlight::data
