#include "data/pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "data/archive_folder.h"
#include "data/encode.h"
#include "data/in_order.h"
#include "data/loader_options.h"
#include "data/resize.h"
#include "io/atomic_file.h"
#include "io/atomic_folder.h"
#include "io/display.h"
#include "io/machine.h"
#include "io/tar_writer.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t most_samples = 100'000'000;  // KEY has eight digits

void check(const ImageFolder& folder, const PackOptions& options) {
  check_range("images of a shard", options.shard_images, 1, most_samples);
  check_range("short side", options.short_side, 0, 65500);
  check_range("quality", options.quality, 1, 100);
  check_range("threads", options.threads, 0, 1024);
  check_range("most pixels of a picture", options.max_pixels, 1, largest_max_pixels);
  check_range("number of images", std::ssize(folder.samples), 1, most_samples);
  for (const auto& name : folder.classes) {
    if (name.find('\n') != name.npos || name.ends_with('\r')) {
      throw Error(
          fmt::format("the class '{}' cannot stand in a line of {}", io::display(name), class_list_name));
    }
  }
}

void check_target(const fs::path& out) {
  if (out.empty()) throw Error("the folder to pack into has an empty name");
  if (!fs::exists(out)) return;
  if (!fs::is_directory(out)) throw Error(fmt::format("{} is a file, not a folder", io::display_path(out)));
  if (!fs::is_empty(out))
    throw Error(fmt::format("{} is not empty: choose another folder", io::display_path(out)));
}

/// A file of a shard, or why there is none.
struct Packed {
  std::vector<std::uint8_t> bytes = {};
  std::string_view ending = {};
  std::optional<std::string> bad = {};
};

Image shrink(const Image& image, int short_side) {
  const auto shorter = std::min(image.width, image.height);
  const auto side = [&](int length) { return static_cast<int>(std::int64_t{length} * short_side / shorter); };
  const Box whole{.width = static_cast<double>(image.width), .height = static_cast<double>(image.height)};
  return resize(image, whole, {.width = side(image.width), .height = side(image.height)});
}

Packed read(const Sample& sample, const PackOptions& options) try {
  const auto encoded = open_image(sample, options.max_pixels);
  const auto size = encoded.size();
  if (options.short_side == 0 || std::min(size.width, size.height) <= options.short_side) {
    return {.bytes = {encoded.bytes().begin(), encoded.bytes().end()}, .ending = encoded.ending()};
  }
  const auto image = shrink(encoded.decode(), options.short_side);
  return {.bytes = encode_jpeg(image.rgb, image.height, image.width, options.quality), .ending = "jpg"};
} catch (const io::FileChanged&) {
  throw;
} catch (const Error& error) {
  return {.bad = error.what()};
}

/// Writes one shard after the other.
class Shards {
 public:
  Shards(fs::path folder, std::int64_t count, std::int64_t largest)
      : folder_(std::move(folder)), count_(count), largest_(largest) {}

  /// `place` is in [0, count) and ascends.
  void add(std::int64_t place, std::int64_t key, std::int64_t label, const Packed& image) {
    if (place >= end_) finish();
    while (place >= end_) {
      const auto part = even_part(count_, largest_, part_++);
      end_ = part.first + part.count;
    }
    if (!writer_) writer_.emplace(folder_ / fmt::format("shard-{:06}.tar", written_++));
    const auto number = std::to_string(label);
    writer_->add(fmt::format("{:08}.{}", key, image.ending), image.bytes);
    writer_->add(fmt::format("{:08}.cls", key),
                 {reinterpret_cast<const std::uint8_t*>(number.data()), number.size()});
  }

  void finish() {
    if (writer_) writer_->commit();
    writer_.reset();
  }

  std::int64_t written() const { return written_; }

 private:
  const fs::path folder_;
  const std::int64_t count_;
  const std::int64_t largest_;
  std::int64_t part_ = 0;  ///< The next.
  std::int64_t end_ = 0;   ///< Of the part at work.
  std::int64_t written_ = 0;
  std::optional<io::TarWriter> writer_;
};

/// A class without images would be refused when the shards are listed.
void check_classes(const ImageFolder& folder, const std::vector<std::int64_t>& images,
                   const std::vector<SkippedFile>& skipped) {
  const auto empty = std::ranges::find(images, 0) - images.begin();
  if (empty == std::ssize(images)) return;
  throw Error(fmt::format("no image of the class '{}' could be read; the first bad file: {}",
                          io::display(folder.classes[static_cast<std::size_t>(empty)]),
                          skipped.front().reason));
}

PackResult write_shards(const ImageFolder& folder, const PackOptions& options, const fs::path& out,
                        const std::function<void()>& on_image) {
  const auto count = std::ssize(folder.samples);
  const auto order = shuffled_order(count, options.seed, 0);
  const int threads = options.threads > 0 ? options.threads : io::processor_threads();
  const auto sample_at = [&](std::int64_t place) -> const Sample& {
    return folder.samples[static_cast<std::size_t>(order[static_cast<std::size_t>(place)])];
  };
  PackResult result;
  std::vector<std::int64_t> images(folder.classes.size());
  Shards shards(out, count, options.shard_images);
  in_order(
      count, threads, 4 * threads, [&](std::int64_t place) { return read(sample_at(place), options); },
      [&](std::int64_t place, Packed packed) {
        const auto& sample = sample_at(place);
        if (packed.bad && !options.skip_bad) throw Error(*packed.bad);
        if (packed.bad) {
          result.skipped.push_back({.file = sample.name, .reason = *packed.bad});
        } else {
          shards.add(place, order[static_cast<std::size_t>(place)], sample.label, packed);
          ++images[static_cast<std::size_t>(sample.label)];
          ++result.images;
        }
        on_image();
      });
  shards.finish();
  result.shards = shards.written();
  check_classes(folder, images, result.skipped);
  return result;
}

}  // namespace

PackResult pack(const ImageFolder& folder, const PackOptions& options,
                const std::function<void()>& on_image) try {
  check(folder, options);
  check_target(options.out);
  io::AtomicFolder out(options.out);
  auto result = write_shards(folder, options, out.partial(), on_image);
  io::write_file(out.partial() / class_list_name, fmt::format("{}\n", fmt::join(folder.classes, "\n")));
  out.commit();
  return result;
} catch (const fs::filesystem_error& error) {
  throw Error(fmt::format("cannot write {}: {}", io::display_path(error.path1()), error.code().message()));
}

}  // namespace scatlight::data
