// The operators scatlight::scattering_by and scatlight::scattering_by_backward.

#include "torch/learned_scattering_op.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/autograd/custom_function.h>

#include <tuple>
#include <utility>

#include "torch/front_end.h"
#include "torch/plan_cache.h"
#include "torch/scattering_arguments.h"
#include "torch/values.h"
#include "torch/wavelets.h"

namespace scatlight::torch_ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Gradients = std::tuple<at::Tensor, at::Tensor>;  // of images and wavelets

constexpr std::int64_t numbers_per_shape = 4;

// A training changes its wavelets with each step, and its backward pass has those of its forward pass.
constexpr std::size_t given_plans_kept = 8;

/// Channels of the images that have the same wavelets.
struct WaveletSet {
  std::int64_t first = 0;
  std::int64_t channels = 0;
  std::vector<WaveletShape> shapes;
};

std::int64_t count_sets(const at::Tensor& images, const at::Tensor& wavelets,
                        const ScatteringOptions& options) {
  const bool is_set_of_each = wavelets.dim() == 4;
  const std::vector<std::int64_t> of_one = {options.scales, options.angles, numbers_per_shape};
  const bool fits = (wavelets.dim() == 3 || (is_set_of_each && wavelets.size(0) == images.size(1))) &&
                    wavelets.sizes().slice(is_set_of_each ? 1 : 0) == at::IntArrayRef(of_one);
  if (wavelets.scalar_type() != at::kDouble || !fits) {
    throw Error(fmt::format(
        "scattering needs float64 wavelets of shape ({}), or one more side for each of {} channels; these "
        "are {} ({})",
        fmt::join(of_one, ", "), images.size(1), toString(wavelets.scalar_type()),
        fmt::join(wavelets.sizes(), ", ")));
  }
  return is_set_of_each ? wavelets.size(0) : 1;
}

std::vector<WaveletSet> sets_of(const at::Tensor& images, const at::Tensor& wavelets,
                                const ScatteringOptions& options) {
  const auto count = count_sets(images, wavelets, options);
  const auto shapes = to_shapes(wavelets);
  const auto per_set = std::int64_t{options.scales} * options.angles;
  std::vector<WaveletSet> sets;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto begin = shapes.begin() + i * per_set;
    sets.push_back({.first = i, .channels = images.size(1) / count, .shapes = {begin, begin + per_set}});
  }
  return sets;
}

struct GivenPlan {
  GivenPlan(const ScatteringOptions& options, const std::vector<WaveletShape>& shapes)
      : plan(plan_of(options).with_wavelets(shapes)) {}
  Scattering plan;
};

Scattering plan_by(const ScatteringOptions& options, const std::vector<WaveletShape>& shapes) {
  static PlanCache<GivenPlan, std::vector<WaveletShape>> cache(given_plans_kept);
  return cache.get(options, shapes).plan;
}

// ---- CPU ----

template <class T>
at::Tensor forward_by(const at::Tensor& images, const at::Tensor& wavelets, const ScatteringOptions& options,
                      const MapOptions& format) {
  const auto sets = sets_of(images, wavelets, options);
  const auto result = empty_maps(images, options, format);
  const auto paths = shape_of(options).maps;
  const bool writes_at_once = sets.size() == 1 && format.is_usual(images);
  for (const auto& set : sets) {
    const auto part = images.narrow(1, set.first, set.channels).contiguous();
    const auto maps = writes_at_once ? result : empty_maps(part, options, {part, std::nullopt, std::nullopt});
    plan_by(options, set.shapes).forward(values_of<T>(part), values_to_write<T>(maps));
    if (!writes_at_once) result.narrow(1, set.first * paths, set.channels * paths).copy_(maps);
  }
  return result;
}

at::Tensor scattering_by_cpu(const at::Tensor& images, const at::Tensor& wavelets, at::IntArrayRef counts,
                             at::ArrayRef<double> shape, MapType type, MapMemory memory) {
  const auto options = to_options(images, counts, shape);
  const MapOptions format(images, type, memory);
  return images.scalar_type() == at::kFloat ? forward_by<float>(images, wavelets, options, format)
                                            : forward_by<double>(images, wavelets, options, format);
}

template <class T>
Gradients backward_by(const at::Tensor& images, const at::Tensor& wavelets, const at::Tensor& map_gradients,
                      const ScatteringOptions& options) {
  const auto result = empty_gradient(images);
  auto of_wavelets = at::empty(wavelets.sizes(), wavelets.options().requires_grad(false));
  auto number = values_to_write<double>(of_wavelets).begin();
  const auto paths = shape_of(options).maps;
  for (const auto& set : sets_of(images, wavelets, options)) {
    const auto plan = plan_by(options, set.shapes);
    const auto part = images.narrow(1, set.first, set.channels).contiguous();
    const auto gradients = map_gradients.narrow(1, set.first * paths, set.channels * paths)
                               .to(images.scalar_type())
                               .contiguous();
    const auto of_part = empty_gradient(part);
    std::vector<double> of_spectra(set.shapes.size() * plan.padded_height() * plan.padded_width());
    plan.backward(values_of<T>(part), values_of<T>(gradients), values_to_write<T>(of_part),
                  std::span(of_spectra));
    result.narrow(1, set.first, set.channels).copy_(of_part);
    for (const auto& one : shape_gradients(options, set.shapes, of_spectra)) {
      for (const double of_number : {one.theta, one.xi, one.sigma, one.slant}) *number++ = of_number;
    }
  }
  return {result, of_wavelets};
}

Gradients scattering_by_backward_cpu(const at::Tensor& images, const at::Tensor& wavelets,
                                     const at::Tensor& map_gradients, at::IntArrayRef counts,
                                     at::ArrayRef<double> shape) {
  check_device(images, map_gradients);
  const auto options = to_options(images, counts, shape);
  return images.scalar_type() == at::kFloat ? backward_by<float>(images, wavelets, map_gradients, options)
                                            : backward_by<double>(images, wavelets, map_gradients, options);
}

// ---- CUDA ----

[[noreturn]] void refuse_device(const at::Tensor& images, const at::Tensor& wavelets) {
  throw Error(fmt::format(
      "scattering by learned wavelets runs on the CPU; the images are on {} and the wavelets on {}",
      images.device().str(), wavelets.device().str()));
}

at::Tensor scattering_by_cuda(const at::Tensor& images, const at::Tensor& wavelets, at::IntArrayRef,
                              at::ArrayRef<double>, MapType, MapMemory) {
  refuse_device(images, wavelets);
}

Gradients scattering_by_backward_cuda(const at::Tensor& images, const at::Tensor& wavelets, const at::Tensor&,
                                      at::IntArrayRef, at::ArrayRef<double>) {
  refuse_device(images, wavelets);
}

// ---- meta: shapes alone ----

at::Tensor scattering_by_meta(const at::Tensor& images, const at::Tensor& wavelets, at::IntArrayRef counts,
                              at::ArrayRef<double> shape, MapType type, MapMemory memory) {
  const auto options = to_options(images, counts, shape);
  count_sets(images, wavelets, options);
  return empty_maps(images, options, {images, type, memory});
}

Gradients scattering_by_backward_meta(const at::Tensor& images, const at::Tensor& wavelets,
                                      const at::Tensor& gradients, at::IntArrayRef, at::ArrayRef<double>) {
  check_device(images, gradients);
  return {empty_gradient(images), at::empty(wavelets.sizes(), wavelets.options().requires_grad(false))};
}

// ---- autograd ----

at::Tensor call_scattering_by(const at::Tensor& images, const at::Tensor& wavelets, at::IntArrayRef counts,
                              at::ArrayRef<double> shape, MapType type, MapMemory memory) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("scatlight::scattering_by", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, at::IntArrayRef,
                                               at::ArrayRef<double>, MapType, MapMemory)>();
  return op.call(images, wavelets, counts, shape, type, memory);
}

Gradients call_scattering_by_backward(const at::Tensor& images, const at::Tensor& wavelets,
                                      const at::Tensor& gradients, at::IntArrayRef counts,
                                      at::ArrayRef<double> shape) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("scatlight::scattering_by_backward", "")
                             .typed<Gradients(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                              at::IntArrayRef, at::ArrayRef<double>)>();
  return op.call(images, wavelets, gradients, counts, shape);
}

struct ScatteringByFunction : torch::autograd::Function<ScatteringByFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& images, const at::Tensor& wavelets,
                            const std::vector<std::int64_t>& counts, const std::vector<double>& shape,
                            MapType type, MapMemory memory) {
    const at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({images, wavelets});
    context->saved_data["counts"] = counts;
    context->saved_data["shape"] = shape;
    return call_scattering_by(images, wavelets, counts, shape, type, memory);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    if (at::GradMode::is_enabled()) {
      throw Error("scattering can be differentiated once; create_graph=True asks for more");
    }
    const auto saved = context->get_saved_variables();
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto [of_images, of_wavelets] = call_scattering_by_backward(
        saved.at(0), saved.at(1), gradients.at(0), context->saved_data["counts"].toIntVector(),
        context->saved_data["shape"].toDoubleVector());
    return {of_images, of_wavelets, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor scattering_by_autograd(const at::Tensor& images, const at::Tensor& wavelets,
                                  at::IntArrayRef counts, at::ArrayRef<double> shape, MapType type,
                                  MapMemory memory) {
  return ScatteringByFunction::apply(images, wavelets, counts.vec(), shape.vec(), type, memory);
}

}  // namespace

void define_learned_scattering(torch::Library& library) {
  library.def(
      "scattering_by(Tensor images, Tensor wavelets, int[] counts, float[] shape, ScalarType? dtype=None, "
      "MemoryFormat? memory_format=None) -> Tensor");
  library.def(
      "scattering_by_backward(Tensor images, Tensor wavelets, Tensor gradients, int[] counts, float[] shape) "
      "-> (Tensor, Tensor)");
  library.impl("scattering_by", c10::DispatchKey::CPU, TORCH_FN(scattering_by_cpu));
  library.impl("scattering_by", c10::DispatchKey::CUDA, TORCH_FN(scattering_by_cuda));
  library.impl("scattering_by", c10::DispatchKey::Meta, TORCH_FN(scattering_by_meta));
  library.impl("scattering_by", c10::DispatchKey::Autograd, TORCH_FN(scattering_by_autograd));
  library.impl("scattering_by_backward", c10::DispatchKey::CPU, TORCH_FN(scattering_by_backward_cpu));
  library.impl("scattering_by_backward", c10::DispatchKey::CUDA, TORCH_FN(scattering_by_backward_cuda));
  library.impl("scattering_by_backward", c10::DispatchKey::Meta, TORCH_FN(scattering_by_backward_meta));
}

at::Tensor scatter_by(const at::Tensor& images, const at::Tensor& wavelets, const ScatteringOptions& options,
                      const MapFormat& format) {
  register_operators();
  const auto arguments = to_arguments(options);
  return call_scattering_by(images, wavelets, arguments.counts, arguments.shape, format.type, format.memory);
}

}  // namespace scatlight::torch_ops
