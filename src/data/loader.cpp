#include "data/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <span>
#include <utility>

#include "data/batch_workers.h"
#include "data/decode.h"
#include "scatlight/error.h"

namespace scatlight::data {
namespace {

/// See BatchWorkers.
class ImageBatchMaker {
 public:
  using Batch = data::Batch;

  ImageBatchMaker(const ImageFolder& folder, const Recipe& recipe, const LoaderOptions& options)
      : folder_(folder),
        recipe_(recipe),
        options_(options),
        order_(epoch_order(std::ssize(folder.samples), options)) {}

  std::int64_t batch_count() const { return part_count(std::ssize(order_), options_.batch_size); }

  void open(Batch& batch) const {
    const auto whole = even_part(std::ssize(order_), options_.batch_size, batch.number);
    const auto own = own_part(whole.count, options_);
    const auto first = whole.first + own.first;
    const auto count = own.count;
    batch.planned = whole.count;
    batch.count = count;
    batch.indices.assign(order_.begin() + first, order_.begin() + first + count);
    for (const auto index : batch.indices) batch.labels.push_back(sample(index).label);
    try {
      batch.images.resize(static_cast<std::size_t>(count) * image_bytes());
    } catch (const std::bad_alloc&) {
      const auto size = recipe_.options().size;
      throw Error(fmt::format("no memory left for a batch of {} pictures of {} x {}", count, size, size));
    }
  }

  void make(Batch& batch, std::size_t place) const {
    const auto index = batch.indices[place];
    const auto image = make_image(open_image(sample(index), options_.max_pixels), index);
    std::ranges::copy(image.rgb, batch.images.begin() + static_cast<std::ptrdiff_t>(place * image_bytes()));
  }

  void keep(Batch& batch, std::span<const std::size_t> places) const {
    keep_parts(batch.labels, places);
    keep_parts(batch.images, places, image_bytes());
  }

  std::string file(std::int64_t index) const { return sample(index).name; }

 private:
  const Sample& sample(std::int64_t index) const { return folder_.samples[static_cast<std::size_t>(index)]; }

  std::size_t image_bytes() const {
    const auto size = static_cast<std::size_t>(recipe_.options().size);
    return 3 * size * size;
  }

  Image make_image(const EncodedImage& encoded, std::int64_t index) const {
    if (!options_.augment) return recipe_.evaluate(encoded.decode());
    CounterRandom random(options_.seed, static_cast<std::uint64_t>(options_.epoch),
                         static_cast<std::uint64_t>(index));
    return recipe_.augment(encoded, random);
  }

  const ImageFolder& folder_;
  const Recipe& recipe_;
  const LoaderOptions options_;
  const std::vector<std::int64_t> order_;
};

LoaderOptions checked(const LoaderOptions& options, const ImageFolder& folder) {
  check_batch_size(options.batch_size);
  return check_loader_options(options, part_count(std::ssize(folder.samples), options.batch_size));
}

}  // namespace

class Loader::Workers : public BatchWorkers<ImageBatchMaker> {
 public:
  Workers(const ImageFolder& folder, const Recipe& recipe, const LoaderOptions& options)
      : BatchWorkers({folder, recipe, options}, options) {}
};

Loader::Loader(const ImageFolder& folder, const Recipe& recipe, const LoaderOptions& options)
    : workers_(std::make_unique<Workers>(folder, recipe, checked(options, folder))) {}
Loader::~Loader() = default;
std::optional<Batch> Loader::next() { return workers_->next(); }
void Loader::recycle(Batch batch) { workers_->recycle(std::move(batch)); }
std::int64_t Loader::batch_count() const { return workers_->batch_count(); }
const std::vector<SkippedFile>& Loader::skipped() const { return workers_->skipped(); }

}  // namespace scatlight::data
