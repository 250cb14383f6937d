#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

#include "core/range.h"
#include "cpu/buffer_pool.h"
#include "cpu/costs.h"
#include "cpu/kernels.h"
#include "cpu/loops.h"
#include "cpu/wavelet_sums.h"

namespace scatlight::cpu {

/// The transform by the functions of one packing.
template <class T>
class PackedTransform {
 public:
  PackedTransform(const Kernels<T>& kernels, int block_size, const ScatteringOptions& resolved,
                  const Geometry& geometry, const FilterBank& bank, Wavelets wavelets)
      : tables_(resolved, geometry, bank, {.lanes = kernels.lanes, .block_size = block_size}, wavelets),
        functions_(block_size == kernels.lanes ? kernels.of_columns : kernels.of_planes),
        buffers_(std::make_shared<Buffers>()) {
    list_tasks();
  }

  /// The same for other wavelets, of a transform for given ones, with which it shares its memory.
  PackedTransform(const PackedTransform& other, const FilterBank& bank)
      : tables_(other.tables_.with_wavelets(bank)), functions_(other.functions_), buffers_(other.buffers_) {
    list_tasks();
  }
  PackedTransform(const PackedTransform&) = delete;
  PackedTransform& operator=(const PackedTransform&) = delete;

  void forward(const T* images, std::int64_t planes, T* features, const ParallelFor& run) const {
    if (tables_.is_tiled()) {
      const auto forward_pack = [&](std::int64_t index, int threads, const ParallelFor& run_pack) {
        const auto [first, size] = pack(index, planes);
        const Chunk chunk = chunk_of(images, planes, first, size, threads);
        forward_on_tiles(images + first * image_size(), chunk, features + first * features_size(), run_pack);
      };
      const std::int64_t alone = packs_alone(packs(planes));
      loop(run, alone, [&](std::int64_t index) { forward_pack(index, 1, serially); });
      for (std::int64_t i = alone; i < packs(planes); ++i) forward_pack(i, tables_.options.threads, run);
      return;
    }
    for_chunks(images, planes, packs_at_once(), 1, run,
               [&](const Chunk& chunk, T* spectra, const ParallelFor& run_chunk) {
                 forward_chunk(images + chunk.first * image_size(), chunk, spectra,
                               features + chunk.first * features_size(), run_chunk);
               });
  }

  void backward(const T* images, const T* feature_gradients, std::int64_t planes, T* image_gradients,
                const ParallelFor& run) const {
    for_chunks(images, planes, tables_.options.threads * grain(), 1 + sums, run,
               [&](const Chunk& chunk, T* spectra, const ParallelFor& run_chunk) {
                 backward_chunk(images + chunk.first * image_size(),
                                feature_gradients + chunk.first * features_size(), chunk, spectra,
                                image_gradients + chunk.first * image_size(), {}, run_chunk);
               });
  }

  /// The same for samples in Range; writes `factor` times the gradient of the wavelets. Packs are added up in
  /// shares, each in sums of its own, and these at the end, so that no sum depends on the threads.
  void backward(const T* images, const T* feature_gradients, std::int64_t planes, T* image_gradients,
                double factor, double* wavelet_gradients, const ParallelFor& run) const {
    const std::int64_t count = packs(planes);
    const std::size_t size = tables_.wavelet_sums_size();
    const std::int64_t shares = shares_of(planes);
    const auto wavelet_sums = buffers_->wavelet_sums.borrow(shares * size);
    const auto do_share = [&](std::int64_t share, int threads, const ParallelFor& run_share) {
      const std::span<T> of_share = std::span(*wavelet_sums).subspan(share * size, size);
      std::ranges::fill(of_share.subspan(tables_.image_sums_size()), T{0});
      const std::int64_t at_once = work_sizes.packs_for_sums;
      const auto spectra = buffers_->spectra.borrow(at_once * (1 + sums) * spectra_size());
      const std::int64_t end = count * (share + 1) / shares;
      const std::int64_t begin = count * share / shares;
      for (std::int64_t i = begin; i < end; i += at_once) {
        const std::int64_t first = i * tables_.packing.planes();
        const std::int64_t last = std::min(std::min(end, i + at_once) * tables_.packing.planes(), planes);
        backward_chunk(images + first * image_size(), feature_gradients + first * features_size(),
                       chunk_of(images, planes, first, last - first, threads), spectra->data(),
                       image_gradients + first * image_size(), {of_share, i == begin}, run_share);
      }
    };
    // A share is done by one thread, but for the last ones if they would leave most threads without work.
    const int threads = tables_.options.threads;
    const std::int64_t rest = shares % threads;
    const std::int64_t alone = rest > threads / 2 || threads == 1 ? shares : shares - rest;
    loop(run, alone, [&](std::int64_t share) { do_share(share, 1, serially); });
    for (std::int64_t share = alone; share < shares; ++share) do_share(share, threads, run);

    const std::int64_t padded = std::int64_t{tables_.geometry.rows.padded} * tables_.geometry.columns.padded;
    const std::int64_t angles = tables_.options.angles;
    loop(run, tables_.options.scales * angles, [&](std::int64_t i) {
      write_wavelet_gradient<T>(tables_, static_cast<int>(i / angles), static_cast<int>(i % angles),
                                std::span(*wavelet_sums).first(shares * size), factor,
                                wavelet_gradients + i * padded);
    });
  }

  /// Whether all samples and gradients are in Range.
  bool are_in_range(const T* images, const T* feature_gradients, std::int64_t planes,
                    const ParallelFor& run) const {
    std::atomic<bool> fit = true;
    loop(run, planes, [&](std::int64_t plane) {
      if (!are_in_range(images + plane * image_size(), image_size()) ||
          !are_in_range(feature_gradients + plane * features_size(), features_size()))
        fit = false;
    });
    return fit;
  }

 private:
  static constexpr int sums = PathGroups<T>::sums;

  struct Buffers {
    BufferPool<T> scratch;
    BufferPool<T> spectra;
    BufferPool<T> partials;
    BufferPool<T> wavelet_sums;
  };

  void list_tasks() {
    for (const auto& tiling : tables_.tilings) {
      for (int strip = 0; strip < tiling.strips(); ++strip) {
        strips_.push_back({.tiling = &tiling, .index = strip, .first_task = std::ssize(tasks_)});
        for (const auto& group : tables_.groups.first) {
          if (&tables_.tilings[group.tiling] == &tiling) tasks_.push_back({&group, std::ssize(strips_) - 1});
        }
      }
    }
  }

  // Planes of a call that share vectors, or one alone.
  struct Pack {
    std::int64_t first;
    int planes;
  };
  Pack pack(std::int64_t index, std::int64_t planes) const {
    const std::int64_t first = index * tables_.packing.planes();
    return {first, static_cast<int>(std::min<std::int64_t>(tables_.packing.planes(), planes - first))};
  }
  std::int64_t packs(std::int64_t planes) const {
    return (planes + tables_.packing.planes() - 1) / tables_.packing.planes();
  }

  // Tiles side by side, of one tiling.
  struct Strip {
    const Tiling<T>* tiling;
    int index;  // in the tiling
    std::ptrdiff_t first_task;
  };
  // The paths of a group on a strip.
  struct Task {
    const PathGroup* group;
    std::ptrdiff_t strip;
  };

  // How many of `count` packs are done by one thread each, as long as there are enough of them: then no
  // thread waits for another, and each has its spectra in its own caches. (Three planes for two threads take
  // less time if both share all of them.)
  std::int64_t packs_alone(std::int64_t count) const {
    const int threads = tables_.options.threads;
    return count < 2 * threads && threads > 1 ? 0 : count - count % threads;
  }

  // Planes [first, first + planes) of a call, on which some threads work together, and the image with which a
  // thread is likely to go on after them, or none.
  struct Chunk {
    std::int64_t first;
    std::int64_t planes;
    int threads;
    std::span<const std::byte> next_image;
  };
  Chunk chunk_of(const T* images, std::int64_t planes, std::int64_t first, std::int64_t size,
                 int threads) const {
    Chunk chunk = {first, size, threads, {}};
    const std::int64_t next = first + size * (threads == 1 ? tables_.options.threads : 1);
    if (next < planes)
      chunk.next_image = std::as_bytes(std::span(images + next * image_size(), std::size_t(image_size())));
    return chunk;
  }

  // What a thread is likely to read after a group of paths: the filters of the next one or, if it is null,
  // the next image. Filters are prefetched for a thread's first planes in a call, as they may come from
  // memory; for later ones they are in the L3 cache, from which prefetching takes as long as it saves.
  NextReads next_reads(const Chunk& chunk, const PathGroup* next) const {
    if (next == nullptr) return {&chunk.next_image, 1};
    const bool is_first = chunk.first < tables_.options.threads * tables_.packing.planes();
    return is_first ? NextReads(next->filters) : NextReads();
  }

  // body(chunk, spectra, run), with memory for so many spectra of each pack.
  template <class Body>
  void for_chunks(const T* images, std::int64_t planes, std::int64_t at_once, std::int64_t spectra_of_pack,
                  const ParallelFor& run, const Body& body) const {
    const std::int64_t count = packs(planes);
    const std::int64_t alone = packs_alone(count);
    loop(run, alone, [&](std::int64_t index) {
      const auto spectra = buffers_->spectra.borrow(spectra_of_pack * spectra_size());
      const auto [first, size] = pack(index, planes);
      body(chunk_of(images, planes, first, size, 1), spectra->data(), serially);
    });
    if (alone == count) return;
    // All threads share the others: no more than `at_once`, in chunks of about the same size.
    const std::int64_t chunks = (count - alone + at_once - 1) / at_once;
    const std::int64_t of_chunk = (count - alone + chunks - 1) / chunks;
    const auto spectra = buffers_->spectra.borrow(of_chunk * spectra_of_pack * spectra_size());
    const std::int64_t step = of_chunk * tables_.packing.planes();
    for (std::int64_t first = alone * tables_.packing.planes(); first < planes; first += step)
      body(chunk_of(images, planes, first, std::min(step, planes - first), tables_.options.threads),
           spectra->data(), run);
  }

  bool are_in_range(const T* values, std::int64_t count) const {
    return is_in_range(functions_.largest_magnitude(values, count));
  }

  // analyse_strip for a strip of a pack. Returns whether the samples that it looks at are in Range: the
  // strips of the first tiling together look at all of them.
  bool analyse(const Strip& strip, int planes, const T* images, T* spectra, Maps<T> maps, T* scratch) const {
    bool fits = true;
    if (strip.tiling == &tables_.tilings[0] && tables_.options.max_order >= 1) {
      const std::int64_t first = image_size() * strip.index / strip.tiling->strips();
      const std::int64_t end = image_size() * (strip.index + 1) / strip.tiling->strips();
      for (int plane = 0; plane < planes; ++plane)
        fits = are_in_range(images + plane * image_size() + first, end - first) && fits;
    }
    functions_.analyse_strip(tables_, *strip.tiling, strip.index, planes, images, spectra, maps, scratch);
    return fits;
  }

  // How many shares so many planes are added up in, whatever the threads are.
  std::int64_t shares_of(std::int64_t planes) const {
    const auto bytes = static_cast<std::int64_t>(tables_.wavelet_sums_size() * sizeof(T) + 1);
    const std::int64_t most =
        std::min({work_sizes.wavelet_sums / bytes, work_sizes.most_shares, packs(planes)});
    return std::clamp<std::int64_t>(planes / work_sizes.planes_of_share, 1, std::max<std::int64_t>(1, most));
  }

  // The sums of a share for the gradient of wavelets; none where it is not wanted.
  struct Share {
    std::span<T> sums = {};
    bool is_new = false;  // the sums of the image's band have no values yet
  };

  // What a group adds to.
  WaveletSums<T> wavelet_sums_of(const PathGroup& group, int sum, const Share& share) const {
    if (share.sums.empty()) return {};
    if (!tables_.has_second(group)) return {.of_image = share.sums};
    return {.of_image = share.sums,
            .of_modulus = share.sums.subspan(tables_.modulus_sums_begin(group.scale, sum))};
  }

  // Clears what the paths of a group add to, right before they do: then the caches have it.
  void begin_sums(const PathGroup& group, const Share& share) const {
    if (!share.is_new || share.sums.empty()) return;
    const auto& band = *tables_.tilings[0].image_band;
    std::ranges::fill(share.sums.subspan(band.sums_begin(group.scale, group.angle),
                                         group.count * band.sums_size(group.scale)),
                      T{0});
  }

  // `spectra` are a pack's, then the gradients of them. With sums, a thread does a group for all packs before
  // the next one: it adds to sums that the caches have, and to each in the order of the packs.
  void backward_chunk(const T* images, const T* feature_gradients, const Chunk& chunk, T* spectra,
                      T* image_gradients, const Share& share, const ParallelFor& run) const {
    const std::int64_t planes = chunk.planes;
    const std::int64_t spectra_of_pack = (1 + sums) * spectra_size();
    const std::int64_t count = packs(planes);
    const bool first_order = tables_.options.max_order >= 1;
    if (first_order) {
      std::atomic<bool> fit = true;
      loop(run, count * strips(), [&](std::int64_t index) {
        const auto scratch = buffers_->scratch.borrow(backward_scratch_);
        const auto [first, size] = pack(index / strips(), planes);
        const Strip& strip = strips_[index % strips()];
        const Tiling<T>& tiling = *strip.tiling;
        T* of_strip = spectra + index / strips() * spectra_of_pack +
                      tiling.spectrum_offset(tiling.tile(strip.index, 0));
        if (!analyse(strip, size, images + first * image_size(), of_strip, {MapKind::None, nullptr},
                     scratch->data()))
          fit = false;
        for (std::int64_t plane = first; plane < first + size && index % strips() == 0; ++plane) {
          if (!are_in_range(feature_gradients + plane * features_size(), features_size())) fit = false;
        }
      });
      if (!fit) {  // what an image is multiplied with does not change its gradient
        const ScaledPlanes<T> scaled_images(images, planes, image_size());
        const ScaledPlanes<T> scaled_gradients(feature_gradients, planes, features_size());
        if (scaled_images.are_scaled() || scaled_gradients.are_scaled()) {
          backward_chunk(scaled_images.data(), scaled_gradients.data(), chunk, spectra, image_gradients,
                         share, run);
          return scaled_gradients.scale_back(image_gradients, image_size());
        }
      }
      const std::int64_t together = share.sums.empty() ? 1 : count;  // packs of a task
      loop(run, count / together * sums, [&](std::int64_t index) {
        const auto scratch = buffers_->scratch.borrow(backward_scratch_);
        const int sum = static_cast<int>(index % sums);
        const std::int64_t begin = index / sums * together;
        const auto gradient_of = [&](std::int64_t i) {
          return spectra + i * spectra_of_pack + (1 + sum) * spectra_size();
        };
        for (std::int64_t i = begin; i < begin + together; ++i) {
          for (const auto& tiling : tables_.tilings) {
            for (int tile = 0; tile < tiling.count(); ++tile)
              tiling.image_band->clear(gradient_of(i) + tiling.spectrum_offset(tile), sum);
          }
        }
        const auto& groups = tables_.groups.first;
        for (std::size_t g = tables_.groups.sum_begin[sum]; g < tables_.groups.sum_begin[sum + 1]; ++g) {
          begin_sums(groups[g], share);
          for (std::int64_t i = begin; i < begin + together; ++i) {
            const auto [first, size] = pack(i, planes);
            const T* of_features = feature_gradients + first * features_size();
            if (is_zero(groups[g], size, of_features)) continue;
            NextReads next;
            if (i + 1 == begin + together)
              next = next_reads(chunk, g + 1 < groups.size() ? &groups[g + 1] : nullptr);
            functions_.differentiate_paths(tables_, groups[g], size, spectra + i * spectra_of_pack,
                                           of_features, gradient_of(i),
                                           wavelet_sums_of(groups[g], sum, share), scratch->data(), next);
          }
        }
      });
    }
    loop(run, count, [&](std::int64_t index) {
      const auto scratch = buffers_->scratch.borrow(backward_scratch_);
      const auto [first, size] = pack(index, planes);
      const T* gradients[sums];
      for (int sum = 0; sum < sums; ++sum)
        gradients[sum] = spectra + index * spectra_of_pack + (1 + sum) * spectra_size();
      functions_.differentiate_planes(tables_, size, feature_gradients + first * features_size(), gradients,
                                      image_gradients + first * image_size(), scratch->data());
    });
  }

  // Whether all maps of the group's paths, and of those that go on from them, have a gradient of zero.
  bool is_zero(const PathGroup& group, int planes, const T* feature_gradients) const {
    const auto are_zero = [&](int first, int maps) {
      for (int plane = 0; plane < planes; ++plane) {
        const T* begin = feature_gradients + plane * features_size() + first * map_size();
        if (!std::all_of(begin, begin + maps * map_size(), [](T value) { return value == 0; })) return false;
      }
      return true;
    };
    const auto& options = tables_.options;
    if (!are_zero(tables_.first_map(group), group.count)) return false;
    const int coarser = options.max_order < 2 ? 0 : options.scales - 1 - group.scale;
    for (int i = 0; i < group.count && coarser > 0; ++i) {
      const int first = tables_.second_map(group.scale, group.angle + i, group.scale + 1, 0);
      if (!are_zero(first, coarser * options.angles)) return false;
    }
    return true;
  }

  std::int64_t image_size() const { return std::int64_t{tables_.options.height} * tables_.options.width; }
  std::int64_t map_size() const {
    return std::int64_t{tables_.geometry.rows.output} * tables_.geometry.columns.output;
  }
  std::int64_t features_size() const { return map_size() * tables_.maps; }

  void forward_chunk(const T* images, const Chunk& chunk, T* spectra, T* features,
                     const ParallelFor& run) const {
    const std::int64_t planes = chunk.planes;
    const std::int64_t count = packs(planes);
    std::atomic<bool> fit = true;
    loop(run, count, [&](std::int64_t index) {
      const auto scratch = buffers_->scratch.borrow(forward_scratch_);
      const auto [first, size] = pack(index, planes);
      if (!analyse(strips_[0], size, images + first * image_size(), spectra + index * spectra_size(),
                   {MapKind::Whole, features + first * features_size()}, scratch->data()))
        fit = false;
    });
    if (!fit) {
      const ScaledPlanes<T> scaled(images, planes, image_size());
      if (scaled.are_scaled()) {
        forward_chunk(scaled.data(), chunk, spectra, features, run);
        return scaled.scale_back(features, features_size());
      }
    }
    // Group by group, the fine scales first: they take longest, and short ones at the end let all threads end
    // together. Small ones are handed out several at a time (the grain), so that this costs nothing.
    const auto& groups = tables_.groups.first;
    const std::int64_t tasks = std::ssize(groups) * count;
    loop(run, (tasks + grain() - 1) / grain(), [&](std::int64_t index) {
      const auto scratch = buffers_->scratch.borrow(forward_scratch_);
      for (std::int64_t i = index * grain(); i < std::min(tasks, (index + 1) * grain()); ++i) {
        const std::int64_t next_task = i + chunk.threads;
        const auto* next = next_task < tasks ? &groups[next_task / count] : nullptr;
        const auto [first, size] = pack(i % count, planes);
        functions_.transform_paths(tables_, groups[i / count], 0, size, spectra + i % count * spectra_size(),
                                   {MapKind::Whole, features + first * features_size()}, scratch->data(),
                                   next_reads(chunk, next));
      }
    });
  }

  // A pack, strip by strip, one for each thread at a time, so that all paths find its spectra in the
  // caches. (All strips of a path before the next path took up to 1.2 times as long.)
  void forward_on_tiles(const T* images, const Chunk& chunk, T* features, const ParallelFor& run) const {
    const int planes = static_cast<int>(chunk.planes);
    const int at_once = chunk.threads;
    const auto spectra =
        buffers_->spectra.borrow(std::min<std::ptrdiff_t>(at_once, strips()) * tables_.strip_spectra_size);
    const auto partials = buffers_->partials.borrow(tables_.partials_size());
    std::atomic<bool> fit = true;
    for (std::ptrdiff_t first = 0; first < strips(); first += at_once) {
      const std::ptrdiff_t end = std::min(first + at_once, strips());
      const auto spectra_of = [&](std::ptrdiff_t strip) {
        return spectra->data() + (strip - first) * tables_.strip_spectra_size;
      };
      loop(run, end - first, [&](std::int64_t index) {
        const auto scratch = buffers_->scratch.borrow(forward_scratch_);
        const Strip& strip = strips_[first + index];
        const bool has_map = strip.tiling == &tables_.tilings[0];
        const Maps<T> maps = {has_map ? MapKind::Partial : MapKind::None, partials->data()};
        if (!analyse(strip, planes, images, spectra_of(first + index), maps, scratch->data())) fit = false;
      });
      if (!fit) {
        const ScaledPlanes<T> scaled(images, planes, image_size());
        if (scaled.are_scaled()) {
          forward_on_tiles(scaled.data(), chunk, features, run);
          return scaled.scale_back(features, features_size());
        }
        fit = true;  // what is not in Range are the samples of a strip, not all of a plane
      }
      const std::ptrdiff_t first_task = strips_[first].first_task;
      const std::ptrdiff_t end_task = end < strips() ? strips_[end].first_task : std::ssize(tasks_);
      loop(run, end_task - first_task, [&](std::int64_t index) {
        const auto scratch = buffers_->scratch.borrow(forward_scratch_);
        const auto& [group, strip] = tasks_[first_task + index];
        const std::ptrdiff_t next_task = first_task + index + at_once;
        // The first strip brings the filters for all.
        NextReads next;
        if (next_task >= std::ssize(tasks_)) {
          next = next_reads(chunk, nullptr);
        } else if (strips_[strip].index == 0 && next_task < end_task) {
          next = next_reads(chunk, tasks_[next_task].group);
        }
        functions_.transform_paths(tables_, *group, strips_[strip].index, planes, spectra_of(strip),
                                   {MapKind::Partial, partials->data()}, scratch->data(), next);
      });
    }
    loop(run, tables_.maps, [&](std::int64_t map) {
      const auto scratch = buffers_->scratch.borrow(forward_scratch_);
      functions_.write_map(tables_, static_cast<int>(map), planes, partials->data(), features,
                           scratch->data());
    });
  }

  std::ptrdiff_t strips() const { return std::ssize(strips_); }

  // Padded samples of a pack.
  std::int64_t samples() const {
    return std::int64_t{tables_.geometry.rows.padded} * tables_.geometry.columns.padded *
           tables_.packing.planes();
  }

  // Values of a pack's spectra.
  std::int64_t spectra_size() const { return static_cast<std::int64_t>(tables_.spectra_size); }

  // Packs of a chunk on which all threads work: they need work between two waits.
  std::int64_t packs_at_once() const {
    const std::int64_t of_thread =
        work_sizes.spectra_of_thread / (spectra_size() * std::int64_t{sizeof(T)} + 1);
    return std::max<std::int64_t>(work_sizes.fewest_packs,
                                  tables_.options.threads * std::max<std::int64_t>(1, of_thread));
  }

  // Tasks of one pack each that are handed out together, so that it costs little.
  std::int64_t grain() const { return std::max<std::int64_t>(1, work_sizes.samples_of_grain / samples()); }

  Tables<T> tables_;
  const std::size_t forward_scratch_ = scratch_size(tables_.scratch, Pass::Forward);
  const std::size_t backward_scratch_ = scratch_size(tables_.scratch, Pass::Backward);
  Functions<T> functions_;
  std::vector<Strip> strips_;  // of all tilings
  std::vector<Task> tasks_;    // by strips
  std::shared_ptr<Buffers> buffers_;
};

}  // namespace scatlight::cpu
