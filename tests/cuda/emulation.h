#pragma once

// The GPU's engine on the host: its schedule with the kernels run by HostQueue.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "cpu/plans.h"
#include "cuda/host_queue.h"

namespace scatlight::test {

/// Few enough that several parts of the sources are one after the other.
constexpr std::size_t little_memory = 1 << 17;

template <class T>
struct Emulation {
  explicit Emulation(const ScatteringOptions& given, std::size_t wavelet_bytes = little_memory)
      : options(resolve(given)),
        geometry(options),
        bank(options, geometry),
        schedule(options, geometry, bank, wavelet_bytes),
        maps(make_paths(options).size()) {}

  /// The same with other wavelets, as CudaScattering::with_wavelets().
  template <class Wavelets>
  Emulation with(const Wavelets& wavelets) const {
    auto other = *this;
    other.bank = bank.with(wavelets);
    other.schedule = schedule.with(other.bank);
    return other;
  }

  cuda::Constants<T> constants() const { return cuda::constants_of(schedule.tables(), schedule.filters()); }

  template <class F>
  cuda::FeatureView<F> view(F* features) const {
    const std::int64_t map = std::int64_t{geometry.rows.output} * geometry.columns.output;
    return {features, 1, static_cast<std::int64_t>(maps) * map, 0, map, geometry.columns.output, 1};
  }
  std::size_t feature_count(std::int64_t planes) const {
    return planes * maps * geometry.rows.output * geometry.columns.output;
  }
  std::int64_t planes_of(const std::vector<T>& images) const {
    return std::ssize(images) / (std::int64_t{options.height} * options.width);
  }
  std::size_t wavelet_values() const {
    return std::size_t{1} * options.scales * options.angles * geometry.rows.padded * geometry.columns.padded;
  }

  std::vector<T> forward(const std::vector<T>& images, BodyOrder order = BodyOrder::Ascending) const {
    const std::int64_t planes = planes_of(images);
    std::vector<T> features(feature_count(planes), std::numeric_limits<T>::quiet_NaN());
    auto workspace = make_workspace(planes, cuda::Pass::Forward);
    HostQueue queue(order);
    schedule.forward(queue, constants(), images.data(), planes, view(features.data()), workspace.data());
    return features;
  }

  std::vector<T> backward(const std::vector<T>& images, const std::vector<T>& gradients,
                          BodyOrder order = BodyOrder::Ascending) const {
    const std::int64_t planes = planes_of(images);
    std::vector<T> result(images.size(), std::numeric_limits<T>::quiet_NaN());
    auto workspace = make_workspace(planes, cuda::Pass::Backward);
    HostQueue queue(order);
    schedule.backward(queue, constants(), images.data(), view<const T>(gradients.data()), planes,
                      result.data(), workspace.data());
    return result;
  }

  struct Gradients {
    std::vector<T> images;
    std::vector<double> wavelets;
    friend bool operator==(const Gradients&, const Gradients&) = default;
  };

  Gradients backward_to_wavelets(const std::vector<T>& images, const std::vector<T>& gradients,
                                 BodyOrder order = BodyOrder::Ascending) const {
    const std::int64_t planes = planes_of(images);
    Gradients result{std::vector<T>(images.size(), std::numeric_limits<T>::quiet_NaN()),
                     std::vector<double>(wavelet_values(), std::numeric_limits<double>::quiet_NaN())};
    auto workspace = make_workspace(planes, cuda::Pass::Backward);
    HostQueue queue(order);
    schedule.backward(queue, constants(), images.data(), view<const T>(gradients.data()), planes,
                      result.images.data(), result.wavelets.data(), workspace.data());
    return result;
  }

  /// Of NaNs.
  std::vector<std::byte> make_workspace(std::int64_t planes, cuda::Pass pass) const {
    return std::vector<std::byte>(schedule.workspace_bytes(planes, pass), std::byte{0xff});
  }

  ScatteringOptions options;
  Geometry geometry;
  FilterBank bank;
  cuda::Schedule<T> schedule;
  std::size_t maps;
};

/// dL/dfeatures for some L.
template <class T>
std::vector<T> normal_gradients(std::size_t count) {
  std::mt19937 generator(7);
  std::normal_distribution<T> normal(0, 1);
  std::vector<T> gradients(count);
  for (auto& value : gradients) value = normal(generator);
  return gradients;
}

}  // namespace scatlight::test
