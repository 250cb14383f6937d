#include "cpu/engine.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/range.h"
#include "cpu/kernels.h"
#include "cpu/memory.h"
#include "cpu/packed_transform.h"

namespace scatlight::cpu {
namespace {

template <class T>
class VectorEngine final : public Engine<T> {
 public:
  VectorEngine(const Kernels<T>& of_columns, const Kernels<T>& of_planes, const ScatteringOptions& resolved,
               const Geometry& geometry, const FilterBank& bank, Wavelets wavelets)
      : of_columns_(of_columns),
        of_planes_(of_planes),
        options_(resolved),
        geometry_(geometry),
        bank_(bank),
        wavelets_(wavelets),
        alone_(of_columns, of_columns.lanes, resolved, geometry, bank, wavelets) {
    const std::size_t samples = static_cast<std::size_t>(geometry.rows.padded) * geometry.columns.padded;
    if (of_planes.lanes == 1 || samples * 2 * sizeof(T) > work_sizes.largest_shared) return;
    shared_.emplace(of_planes, 1, resolved, geometry, bank, wavelets);
    // A vector of a few planes takes as long as a full one.
    fewest_shared_ = of_planes.lanes * 3 / 4;
  }

  // The same for other wavelets, of an engine for given ones.
  VectorEngine(const VectorEngine& other, const FilterBank& bank)
      : of_columns_(other.of_columns_),
        of_planes_(other.of_planes_),
        options_(other.options_),
        geometry_(other.geometry_),
        bank_(bank),
        wavelets_(other.wavelets_),
        alone_(other.alone_, bank),
        fewest_shared_(other.fewest_shared_) {
    if (other.shared_) shared_.emplace(*other.shared_, bank);
  }

  void forward(const T* images, std::int64_t planes, T* features, const ParallelFor& run) const override {
    transform_of(planes).forward(images, planes, features, run);
  }

  void backward(const T* images, const T* feature_gradients, std::int64_t planes, T* image_gradients,
                const ParallelFor& run) const override {
    transform_of(planes).backward(images, feature_gradients, planes, image_gradients, run);
  }

  void backward(const T* images, const T* feature_gradients, std::int64_t planes, T* image_gradients,
                double* wavelet_gradients, const ParallelFor& run) const override {
    if (wavelets_ == Wavelets::Fixed) {
      return for_given().backward(images, feature_gradients, planes, image_gradients, wavelet_gradients, run);
    }
    const auto& transform = transform_of(planes);
    if (transform.are_in_range(images, feature_gradients, planes, run)) {
      return transform.backward(images, feature_gradients, planes, image_gradients, 1, wavelet_gradients,
                                run);
    }
    // What a plane and its gradients are multiplied with changes what they give to the wavelets: plane by
    // plane, this is divided by it.
    const std::int64_t padded = std::int64_t{geometry_.rows.padded} * geometry_.columns.padded;
    std::vector<double> of_plane(options_.scales * options_.angles * padded);
    std::fill_n(wavelet_gradients, of_plane.size(), 0.0);
    const std::int64_t image = std::int64_t{options_.height} * options_.width;
    const std::int64_t features = count_maps(options_) * geometry_.rows.output * geometry_.columns.output;
    for (std::int64_t plane = 0; plane < planes; ++plane) {
      T* of_image = image_gradients + plane * image;
      const ScaledPlanes<T> scaled(images + plane * image, 1, image);
      const ScaledPlanes<T> scaled_gradients(feature_gradients + plane * features, 1, features);
      const double factor = 1 / static_cast<double>(scaled.factor(0)) / scaled_gradients.factor(0);
      alone_.backward(scaled.data(), scaled_gradients.data(), 1, of_image, factor, of_plane.data(), run);
      scaled_gradients.scale_back(of_image, image);
      for (std::size_t i = 0; i < of_plane.size(); ++i) wavelet_gradients[i] += of_plane[i];
    }
  }

  std::unique_ptr<Engine<T>> with_wavelets(const FilterBank& bank) const override {
    return std::make_unique<VectorEngine>(for_given(), bank);
  }

 private:
  const PackedTransform<T>& transform_of(std::int64_t planes) const {
    return shared_ && planes >= fewest_shared_ ? *shared_ : alone_;
  }

  // The engine of the same wavelets whose wavelets can be exchanged.
  const VectorEngine& for_given() const {
    if (wavelets_ == Wavelets::Given) return *this;
    std::call_once(once_, [&] {
      for_given_ = std::make_unique<const VectorEngine>(of_columns_, of_planes_, options_, geometry_, bank_,
                                                        Wavelets::Given);
    });
    return *for_given_;
  }

  Kernels<T> of_columns_;
  Kernels<T> of_planes_;
  ScatteringOptions options_;
  Geometry geometry_;
  FilterBank bank_;
  Wavelets wavelets_;
  PackedTransform<T> alone_;
  std::optional<PackedTransform<T>> shared_;  // of small planes
  std::int64_t fewest_shared_ = 0;
  mutable std::once_flag once_;
  mutable std::unique_ptr<const VectorEngine> for_given_;  // made when it is first used
};

template <class T>
const Kernels<T>* find_kernels(const std::vector<Kernels<T>>& available, std::string_view target) {
  const auto found = std::ranges::find(available, target, &Kernels<T>::name);
  return found == available.end() ? nullptr : &*found;
}

// Short rows leave much of a long vector empty.
template <class T>
const Kernels<T>* kernels_of_columns(const std::vector<Kernels<T>>& available, const Kernels<T>* asked,
                                     bool exactly, const ScatteringOptions& resolved,
                                     const Geometry& geometry) {
  const int coarsest = geometry.level(resolved.scales - 1);
  const bool is_small =
      std::min(geometry.rows.padded, geometry.columns.padded) >> coarsest < work_sizes.short_row;
  const auto* avx2 = find_kernels(available, "avx2");
  return is_small && !exactly && asked->name == "avx512" && avx2 != nullptr ? avx2 : asked;
}

}  // namespace

std::vector<std::string_view> available_targets() {
  std::vector<std::string_view> names;
  for (const auto& kernels : available_kernels<float>()) names.push_back(kernels.name);
  return names;
}

template <class T>
std::unique_ptr<Engine<T>> make_engine(std::string_view target, bool exactly,
                                       const ScatteringOptions& resolved, const Geometry& geometry,
                                       const FilterBank& bank) {
  const auto available = available_kernels<T>();
  const auto* kernels = find_kernels(available, target);
  if (kernels == nullptr) return nullptr;  // not one of available_targets()
  const auto* of_columns = kernels_of_columns(available, kernels, exactly, resolved, geometry);
  return std::make_unique<VectorEngine<T>>(*of_columns, *kernels, resolved, geometry, bank, Wavelets::Fixed);
}

template <class T>
double engine_memory(std::string_view target, bool exactly, const ScatteringOptions& resolved,
                     const Geometry& geometry) {
  const auto available = available_kernels<T>();
  const auto* kernels = find_kernels(available, target);
  if (kernels == nullptr) return 0;
  const int lanes = kernels_of_columns(available, kernels, exactly, resolved, geometry)->lanes;
  return filter_memory<T>(resolved, geometry, {.lanes = lanes, .block_size = lanes});
}

template double engine_memory<float>(std::string_view, bool, const ScatteringOptions&, const Geometry&);
template double engine_memory<double>(std::string_view, bool, const ScatteringOptions&, const Geometry&);
template std::unique_ptr<Engine<float>> make_engine(std::string_view, bool, const ScatteringOptions&,
                                                    const Geometry&, const FilterBank&);
template std::unique_ptr<Engine<double>> make_engine(std::string_view, bool, const ScatteringOptions&,
                                                     const Geometry&, const FilterBank&);

}  // namespace scatlight::cpu
