#include "cpu/engine.h"

#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <new>

#include "cpu/kernels.h"

namespace scatlight::cpu {
namespace {

// Memory on cache lines for vectors.
template <class T>
class Room {
 public:
  explicit Room(std::size_t values)
      : values_(values), data_(static_cast<T*>(::operator new(values * sizeof(T), alignment))) {
    madvise(data_, values * sizeof(T), MADV_HUGEPAGE);
    std::fill_n(data_, values, T{0});
  }
  ~Room() { ::operator delete(data_, alignment); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  T* data() const { return data_; }
  std::size_t size() const { return values_; }

 private:
  static constexpr std::align_val_t alignment{1 << 21};
  std::size_t values_;
  T* data_;
};

// Rooms that were used before and are free now, so that executing a plan again allocates nothing.
template <class T>
class RoomStore {
 public:
  using Loan = std::unique_ptr<Room<T>, std::function<void(Room<T>*)>>;

  // A room of at least this size, which goes back when the loan ends.
  Loan borrow(std::size_t values) {
    std::unique_ptr<Room<T>> room;
    {
      const std::lock_guard lock(mutex_);
      const auto fits =
          std::find_if(free_.begin(), free_.end(), [&](auto& r) { return r->size() >= values; });
      if (fits != free_.end()) {
        room = std::move(*fits);
        free_.erase(fits);
      }
    }
    if (!room) room = std::make_unique<Room<T>>(values);
    return Loan(room.release(), [this](Room<T>* used) {
      const std::lock_guard lock(mutex_);
      free_.emplace_back(used);
    });
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Room<T>>> free_;
};

template <class T>
class VectorEngine final : public Engine<T> {
 public:
  VectorEngine(const Kernels<T>& kernels, const ScatteringOptions& resolved, const Geometry& geometry,
               const FilterBank& bank)
      : kernels_(kernels), tables_(resolved, geometry, bank, kernels.lanes) {}

  void forward(const T* images, std::int64_t planes, T* features, const ParallelFor& run) const override {
    const std::int64_t image_size = std::int64_t{tables_.options.height} * tables_.options.width;
    const std::int64_t map_size =
        std::int64_t{tables_.geometry.rows.output} * tables_.geometry.columns.output;
    const int at_once = static_cast<int>(std::min(planes, planes_at_once()));
    if (at_once == 0) return;
    const auto spectra = spectra_.borrow(at_once * tables_.spectrum_size());
    for (std::int64_t first = 0; first < planes; first += at_once) {
      const int count = static_cast<int>(std::min<std::int64_t>(at_once, planes - first));
      forward_block(images + first * image_size, count, spectra->data(),
                    features + first * tables_.maps * map_size, image_size, tables_.maps * map_size, run);
    }
  }

 private:
  void forward_block(const T* images, int planes, T* spectra, T* features, std::int64_t image_size,
                     std::int64_t plane_features, const ParallelFor& run) const {
    run(planes, [&](std::int64_t plane) {
      const auto room = rooms_.borrow(room_size());
      kernels_.analyse_plane(tables_, images + plane * image_size, spectra + plane * tables_.spectrum_size(),
                             features + plane * plane_features, room->data());
    });
    const auto groups = make_groups(planes);
    run(static_cast<std::int64_t>(groups.size()), [&](std::int64_t index) {
      const auto room = rooms_.borrow(room_size());
      kernels_.transform_group(tables_, groups[index], spectra, features, room->data());
    });
  }

  // The fine scales first: they take longest, and short ones at the end let all threads end together.
  std::vector<LaneGroup> make_groups(int planes) const {
    std::vector<LaneGroup> groups;
    if (tables_.options.max_order < 1) return groups;
    const int lanes = kernels_.lanes;
    const int whole = tables_.options.angles / lanes * lanes;  // angles that fill vectors of one plane
    const int rest = tables_.options.angles - whole;           // angles that share vectors with other planes
    for (int scale = 0; scale < tables_.options.scales; ++scale) {
      for (int first_angle = 0; first_angle < whole; first_angle += lanes) {
        for (int plane = 0; plane < planes; ++plane)
          groups.push_back({scale, first_angle / lanes, plane * lanes, lanes, first_angle, lanes});
      }
      for (int first = 0; first < planes * rest; first += lanes) {
        groups.push_back({scale, whole / lanes, first, rest, whole, std::min(lanes, planes * rest - first)});
      }
    }
    return groups;
  }

  // Planes whose spectra are held at once: enough for all threads to have work between two waits, in bounded
  // memory. A multiple of the planes that fill vectors together.
  std::int64_t planes_at_once() const {
    constexpr std::int64_t target_bytes = 6 << 20;
    const std::int64_t bytes = static_cast<std::int64_t>(tables_.spectrum_size() * sizeof(T));
    const std::int64_t lanes = kernels_.lanes;
    return std::max<std::int64_t>(1, target_bytes / bytes / lanes) * lanes;
  }

  std::size_t room_size() const { return std::max(tables_.room.plane_size, tables_.room.group_size); }

  Kernels<T> kernels_;
  Tables<T> tables_;
  mutable RoomStore<T> rooms_;
  mutable RoomStore<T> spectra_;
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
