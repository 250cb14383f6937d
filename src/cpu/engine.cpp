#include "cpu/engine.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <new>

#include "cpu/kernels.h"

namespace scatlight::cpu {
namespace {

// Runs the body over its indices. (Not given as it is: what it captures would be allocated.)
template <class Body>
void loop(const ParallelFor& run, std::int64_t count, const Body& body) {
  run(count, std::cref(body));
}

// Rooms that were used before and are free now, so that executing a plan again allocates nothing.
template <class T>
class RoomStore {
 public:
  using Loan = std::unique_ptr<LineVector<T>, std::function<void(LineVector<T>*)>>;

  // A room of at least this size, which goes back when the loan ends.
  Loan borrow(std::size_t values) {
    std::unique_ptr<LineVector<T>> room;
    {
      const std::lock_guard lock(mutex_);
      auto best = free_.end();
      for (auto at = free_.begin(); at != free_.end(); ++at) {
        if ((*at)->size() >= values && (best == free_.end() || (*at)->size() < (*best)->size())) best = at;
      }
      if (best != free_.end()) {
        room = std::move(*best);
        free_.erase(best);
      }
    }
    if (!room) room = std::make_unique<LineVector<T>>(values);
    return Loan(room.release(), [this](LineVector<T>* used) {
      const std::lock_guard lock(mutex_);
      free_.emplace_back(used);
    });
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<LineVector<T>>> free_;
};

template <class T>
class VectorEngine final : public Engine<T> {
 public:
  VectorEngine(const Kernels<T>& kernels, const ScatteringOptions& resolved, const Geometry& geometry,
               const FilterBank& bank)
      : kernels_(kernels), tables_(resolved, geometry, bank, kernels.lanes) {}

  void forward(const T* images, std::int64_t planes, T* features, const ParallelFor& run) const override {
    const std::int64_t plane_features = map_size() * tables_.maps;
    const std::int64_t at_once = std::min(planes, planes_at_once());
    if (at_once == 0) return;
    const auto spectra = rooms_.borrow(at_once * spectra_size());
    for (std::int64_t first = 0; first < planes; first += at_once) {
      forward_block(images + first * image_size(), std::min(at_once, planes - first), spectra->data(),
                    features + first * plane_features, run);
    }
  }

  void backward(const T* images, const T* feature_gradients, std::int64_t planes, T* image_gradients,
                const ParallelFor& run) const override {
    const std::int64_t plane_features = map_size() * tables_.maps;
    // One thread has the spectra of one plane in its caches; several want work to share.
    const std::int64_t at_once = std::min(planes, tables_.options.threads == 1 ? 1 : planes_at_once());
    if (at_once == 0) return;
    // A plane's spectra, then the gradients of them.
    const std::int64_t plane_spectra = (1 + slices) * spectra_size();
    const auto spectra = rooms_.borrow(at_once * plane_spectra);
    for (std::int64_t first = 0; first < planes; first += at_once) {
      backward_block(images + first * image_size(), feature_gradients + first * plane_features,
                     std::min(at_once, planes - first), spectra->data(), plane_spectra,
                     image_gradients + first * image_size(), run);
    }
  }

 private:
  // The paths of a plane are dealt to this many sums, which are added up in order: so the result does not
  // depend on the number of threads.
  static constexpr int slices = 2;

  void backward_block(const T* images, const T* feature_gradients, std::int64_t planes, T* spectra,
                      std::int64_t plane_spectra, T* image_gradients, const ParallelFor& run) const {
    const std::int64_t plane_features = map_size() * tables_.maps;
    const bool first_order = tables_.options.max_order >= 1;
    if (first_order) {
      loop(run, planes * tilings(), [&](std::int64_t index) {
        const auto room = rooms_.borrow(tables_.room.size);
        const std::int64_t plane = index / tilings();
        kernels_.analyse_plane(tables_, tables_.tilings[index % tilings()], images + plane * image_size(),
                               spectra + plane * plane_spectra, nullptr, room->data());
      });
      loop(run, planes * slices, [&](std::int64_t index) {
        const auto room = rooms_.borrow(tables_.room.size);
        const std::int64_t plane = index / slices;
        const int slice = static_cast<int>(index % slices);
        const T* of_plane = spectra + plane * plane_spectra;
        T* gradient = spectra + plane * plane_spectra + (1 + slice) * spectra_size();
        std::fill_n(gradient, spectra_size(), T{0});
        const T* of_features = feature_gradients + plane * plane_features;
        for (std::size_t i = slice; i < tables_.groups.size(); i += slices) {
          const auto& group = tables_.groups[i];
          if (is_zero(group, of_features)) continue;
          kernels_.differentiate_paths(tables_, group, of_plane, of_features, gradient, room->data());
        }
      });
    }
    loop(run, planes, [&](std::int64_t plane) {
      const auto room = rooms_.borrow(tables_.room.size);
      const T* gradients[slices];
      for (int slice = 0; slice < slices; ++slice) {
        gradients[slice] = spectra + plane * plane_spectra + (1 + slice) * spectra_size();
      }
      kernels_.differentiate_plane(tables_, feature_gradients + plane * plane_features, gradients,
                                   first_order ? slices : 0, image_gradients + plane * image_size(),
                                   room->data());
    });
  }

  // Whether all maps of the group's paths, and of those that go on from them, have a gradient of zero.
  bool is_zero(const PathGroup& group, const T* feature_gradients) const {
    const auto are_zero = [&](int first, int maps) {
      const T* begin = feature_gradients + first * map_size();
      return std::all_of(begin, begin + maps * map_size(), [](T value) { return value == 0; });
    };
    const auto& options = tables_.options;
    if (!are_zero(1 + group.scale * options.angles + group.angle, group.count)) return false;
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

  void forward_block(const T* images, std::int64_t planes, T* spectra, T* features,
                     const ParallelFor& run) const {
    const std::int64_t plane_features = map_size() * tables_.maps;
    loop(run, planes * tilings(), [&](std::int64_t index) {
      const auto room = rooms_.borrow(tables_.room.forward_size);
      const std::int64_t plane = index / tilings();
      const std::int64_t tiling = index % tilings();
      kernels_.analyse_plane(tables_, tables_.tilings[tiling], images + plane * image_size(),
                             spectra + plane * spectra_size(),
                             tiling == 0 ? features + plane * plane_features : nullptr, room->data());
    });
    if (tables_.options.max_order < 1) return;
    // Group by group, the fine scales first: they take longest, and short ones at the end let all threads end
    // together. Small ones go in bunches, so that handing them out costs nothing.
    const auto groups = static_cast<std::int64_t>(tables_.groups.size());
    const std::int64_t bunch = std::max<std::int64_t>(1, samples_in_a_bunch / samples());
    loop(run, (groups * planes + bunch - 1) / bunch, [&](std::int64_t index) {
      const auto room = rooms_.borrow(tables_.room.forward_size);
      for (std::int64_t i = index * bunch; i < std::min(groups * planes, (index + 1) * bunch); ++i) {
        const std::int64_t plane = i % planes;
        kernels_.transform_paths(tables_, tables_.groups[i / planes], spectra + plane * spectra_size(),
                                 features + plane * plane_features, room->data());
      }
    });
  }

  std::int64_t tilings() const { return static_cast<std::int64_t>(tables_.tilings.size()); }

  std::int64_t samples() const {
    return std::int64_t{tables_.geometry.rows.padded} * tables_.geometry.columns.padded;
  }

  std::int64_t spectra_size() const { return static_cast<std::int64_t>(tables_.spectra_size); }

  // Planes whose spectra are held at once: enough for all threads to have work between two waits, in bounded
  // memory.
  std::int64_t planes_at_once() const {
    constexpr std::int64_t target_bytes = 2 << 20;
    return std::max<std::int64_t>(
        {3, tables_.options.threads, target_bytes / (spectra_size() * std::int64_t{sizeof(T)} + 1)});
  }

  static constexpr std::int64_t samples_in_a_bunch = 1 << 16;

  Kernels<T> kernels_;
  Tables<T> tables_;
  mutable RoomStore<T> rooms_;
};

}  // namespace

std::vector<std::string_view> available_levels() {
  std::vector<std::string_view> names;
  for (const auto& kernels : available_kernels<float>()) names.push_back(kernels.name);
  return names;
}

template <class T>
std::unique_ptr<Engine<T>> make_engine(std::string_view level, const ScatteringOptions& resolved,
                                       const Geometry& geometry, const FilterBank& bank) {
  for (const auto& kernels : available_kernels<T>()) {
    if (kernels.name == level) return std::make_unique<VectorEngine<T>>(kernels, resolved, geometry, bank);
  }
  return nullptr;  // not one of available_levels()
}

template std::unique_ptr<Engine<float>> make_engine(std::string_view, const ScatteringOptions&,
                                                    const Geometry&, const FilterBank&);
template std::unique_ptr<Engine<double>> make_engine(std::string_view, const ScatteringOptions&,
                                                     const Geometry&, const FilterBank&);

}  // namespace scatlight::cpu
