#include "data/box_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "data/batch_workers.h"
#include "data/decode.h"
#include "io/display.h"
#include "io/path_error.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

std::vector<bool> list_wide(const BoxFolder& folder) {
  std::vector<bool> is_wide(folder.samples.size());
  std::transform(folder.samples.begin(), folder.samples.end(), is_wide.begin(),
                 [](const BoxSample& sample) { return sample.size.width >= sample.size.height; });
  return is_wide;
}

/// Errors name the file.
Framing frame(const BoxSample& sample, const BoxRecipe& recipe, bool augment, CounterRandom random) try {
  return augment ? recipe.augment(sample.size, sample.objects, random) : recipe.evaluate(sample.size);
} catch (const Error& error) {
  io::fail_at(sample.file, error.what());
}

/// See BatchWorkers.
class BoxBatchMaker {
 public:
  using Batch = BoxBatch;

  BoxBatchMaker(const BoxFolder& folder, const BoxRecipe& recipe, const LoaderOptions& options)
      : folder_(folder),
        recipe_(recipe),
        options_(options),
        batches_(group_by_aspect(epoch_order(std::ssize(folder.samples), options), list_wide(folder),
                                 options.batch_size)) {
    if (!options.skip_bad) require_framings(folder, recipe, options.augment);
  }

  std::int64_t batch_count() const { return std::ssize(batches_); }

  void open(Batch& batch) const {
    const auto& whole = batches_[static_cast<std::size_t>(batch.number)];
    batch.planned = std::ssize(whole);
    const auto [first, count] = own_part(batch.planned, options_);
    batch.count = count;
    // Of the whole batch, so that a picture's canvas does not depend on the number of parts.
    ImageSize canvas{.width = canvas_multiple, .height = canvas_multiple};
    for (std::int64_t i = 0; i < batch.planned; ++i) {
      const auto index = whole[static_cast<std::size_t>(i)];
      const auto framing = frame_if_sound(index);
      const auto own = canvas_of(framing.value_or(Framing()).size);
      canvas.width = std::max(canvas.width, own.width);
      canvas.height = std::max(canvas.height, own.height);
      if (i < first || i >= first + count) continue;
      batch.indices.push_back(index);
      batch.objects.push_back(framing ? follow(sample(index).objects, *framing) : std::vector<Object>());
      batch.framings.push_back(framing.value_or(Framing()));
    }
    batch.width = canvas.width;
    batch.height = canvas.height;
    try {
      batch.images.resize(static_cast<std::size_t>(batch.count) * picture_length(batch));
    } catch (const std::bad_alloc&) {
      throw Error(fmt::format(
          "no memory left for a batch of {} pictures of {} x {}; a smaller batch or long side needs less",
          batch.count, canvas.width, canvas.height));
    }
  }

  void make(Batch& batch, std::size_t place) const {
    const auto index = batch.indices[place];
    const auto& [file, id, size, objects] = sample(index);
    if (batch.framings[place].size == ImageSize{}) frame(index);  // says why
    const auto encoded = EncodedImage::open(file, options_.max_pixels);
    if (encoded.size() != size) {
      throw Error(fmt::format("{}: it has {} x {} pixels now, and had {} x {} when it was listed",
                              io::display_path(file), encoded.size().width, encoded.size().height, size.width,
                              size.height));
    }
    const auto length = picture_length(batch);
    const auto canvas = std::span(batch.images).subspan(place * length, length);
    recipe_.paint(encoded, batch.framings[place], !options_.augment, canvas,
                  {.width = batch.width, .height = batch.height});
  }

  void keep(Batch& batch, std::span<const std::size_t> places) const {
    keep_parts(batch.framings, places);
    keep_parts(batch.objects, places);
    keep_parts(batch.images, places, picture_length(batch));
  }

  std::string file(std::int64_t index) const { return sample(index).file.native(); }

 private:
  const BoxSample& sample(std::int64_t index) const {
    return folder_.samples[static_cast<std::size_t>(index)];
  }

  static std::size_t picture_length(const Batch& batch) {
    return std::size_t{3} * static_cast<std::size_t>(batch.height) * static_cast<std::size_t>(batch.width);
  }

  Framing frame(std::int64_t index) const {
    return data::frame(
        sample(index), recipe_, options_.augment,
        {options_.seed, static_cast<std::uint64_t>(options_.epoch), static_cast<std::uint64_t>(index)});
  }

  std::optional<Framing> frame_if_sound(std::int64_t index) const {
    try {
      return frame(index);
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  const BoxFolder& folder_;
  const BoxRecipe& recipe_;
  const LoaderOptions options_;
  const std::vector<std::vector<std::int64_t>> batches_;  ///< Indices of each.
};

}  // namespace

class BoxLoader::Workers : public BatchWorkers<BoxBatchMaker> {
 public:
  Workers(const BoxBatchMaker& maker, const LoaderOptions& options)
      : BatchWorkers(maker, check_loader_options(options, maker.batch_count())) {}
};

ImageSize canvas_of(ImageSize size) {
  const auto round_up = [](int side) {
    return (side + canvas_multiple - 1) / canvas_multiple * canvas_multiple;
  };
  return {.width = round_up(size.width), .height = round_up(size.height)};
}

BoxLoader::BoxLoader(const BoxFolder& folder, const BoxRecipe& recipe, const LoaderOptions& options) {
  check_batch_size(options.batch_size);
  workers_ = std::make_unique<Workers>(BoxBatchMaker(folder, recipe, options), options);
}
BoxLoader::~BoxLoader() = default;
std::optional<BoxBatch> BoxLoader::next() { return workers_->next(); }
void BoxLoader::recycle(BoxBatch batch) { workers_->recycle(std::move(batch)); }
std::int64_t BoxLoader::batch_count() const { return workers_->batch_count(); }
const std::vector<SkippedFile>& BoxLoader::skipped() const { return workers_->skipped(); }

void require_framings(const BoxFolder& folder, const BoxRecipe& recipe, bool augment) {
  // The size does not depend on chance.
  for (const auto& sample : folder.samples) frame(sample, recipe, augment, {0, 0, 0});
}

std::vector<std::int64_t> batch_sizes(const BoxFolder& folder, std::int64_t batch_size) {
  std::vector<std::int64_t> sizes;
  // Whatever the order: it changes which samples are in a batch.
  for (const auto& batch :
       group_by_aspect(epoch_order(std::ssize(folder.samples), {}), list_wide(folder), batch_size))
    sizes.push_back(std::ssize(batch));
  return sizes;
}

std::vector<std::vector<std::int64_t>> group_by_aspect(const std::vector<std::int64_t>& order,
                                                       const std::vector<bool>& is_wide,
                                                       std::int64_t batch_size) {
  std::vector<std::vector<std::int64_t>> batches;
  std::array<std::vector<std::int64_t>, 2> waiting;
  for (const auto index : order) {
    auto& kind = waiting[is_wide[static_cast<std::size_t>(index)] ? 0 : 1];
    kind.push_back(index);
    if (std::ssize(kind) == batch_size) batches.push_back(std::exchange(kind, {}));
  }
  auto& rest = waiting[0];
  rest.insert(rest.end(), waiting[1].begin(), waiting[1].end());
  for (std::int64_t i = 0; i < part_count(std::ssize(rest), batch_size); ++i) {
    const auto [first, count] = even_part(std::ssize(rest), batch_size, i);
    batches.emplace_back(rest.begin() + first, rest.begin() + first + count);
  }
  return batches;
}

}  // namespace scatlight::data
