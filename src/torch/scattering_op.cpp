// The operators scatlight::scattering and scatlight::scattering_backward.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "torch/front_end.h"
#include "torch/plan_cache.h"

namespace scatlight::torch_ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// An operator's arguments are tensors, numbers and lists of them. The options, but for the size of the
// images, travel as two lists.
struct Arguments {
  std::vector<std::int64_t> counts;  // scales, angles, max_order, stride, wavelet, boundary, normalization
  std::vector<double> shape;         // sigma, center_frequency, slant
};

Arguments to_arguments(const ScatteringOptions& options) {
  return {{options.scales, options.angles, options.max_order, options.stride,
           static_cast<std::int64_t>(options.wavelet), static_cast<std::int64_t>(options.boundary),
           static_cast<std::int64_t>(options.normalization)},
          {options.sigma, options.center_frequency, options.slant}};
}

ScatteringOptions to_options(const at::Tensor& images, at::IntArrayRef counts, at::ArrayRef<double> shape) {
  if (counts.size() != 7 || shape.size() != 3) {
    throw Error(fmt::format("scatlight::scattering takes 7 counts and 3 numbers; {} and {} are given",
                            counts.size(), shape.size()));
  }
  if (images.dim() != 4) {
    throw Error(
        fmt::format("scattering needs images of shape (N, C, H, W); these have {} dimensions", images.dim()));
  }
  if (images.scalar_type() != at::kFloat && images.scalar_type() != at::kDouble) {
    throw Error(fmt::format("scattering needs float32 or float64 images; these are {}",
                            toString(images.scalar_type())));
  }
  return {.height = static_cast<int>(images.size(2)),
          .width = static_cast<int>(images.size(3)),
          .scales = static_cast<int>(counts[0]),
          .angles = static_cast<int>(counts[1]),
          .max_order = static_cast<int>(counts[2]),
          .stride = static_cast<int>(counts[3]),
          .wavelet = static_cast<Wavelet>(counts[4]),
          .boundary = static_cast<Boundary>(counts[5]),
          .normalization = static_cast<Normalization>(counts[6]),
          .sigma = shape[0],
          .center_frequency = shape[1],
          .slant = shape[2],
          .threads = at::get_num_threads()};
}

Scattering plan_of(const ScatteringOptions& options) {
  constexpr std::size_t plans_kept = 16;
  static PlanCache cache(plans_kept);
  return cache.get(options);
}

at::Tensor empty_features(const at::Tensor& images, const Scattering& plan) {
  return at::empty({images.size(0), images.size(1) * static_cast<std::int64_t>(plan.paths().size()),
                    plan.output_height(), plan.output_width()},
                   images.options().memory_format(at::MemoryFormat::Contiguous).requires_grad(false));
}

template <class T>
std::span<const T> values_of(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<T>(), static_cast<std::size_t>(tensor.numel())};
}
template <class T>
std::span<T> values_to_write(const at::Tensor& tensor) {
  return {tensor.mutable_data_ptr<T>(), static_cast<std::size_t>(tensor.numel())};
}

// ---- CPU ----

at::Tensor scattering_cpu(const at::Tensor& images, at::IntArrayRef counts, at::ArrayRef<double> shape) {
  const auto plan = plan_of(to_options(images, counts, shape));
  const auto contiguous = images.contiguous();
  const auto features = empty_features(images, plan);
  if (images.scalar_type() == at::kFloat) {
    plan.forward(values_of<float>(contiguous), values_to_write<float>(features));
  } else {
    plan.forward(values_of<double>(contiguous), values_to_write<double>(features));
  }
  return features;
}

at::Tensor scattering_backward_cpu(const at::Tensor& images, const at::Tensor& feature_gradients,
                                   at::IntArrayRef counts, at::ArrayRef<double> shape) {
  const auto plan = plan_of(to_options(images, counts, shape));
  const auto contiguous = images.contiguous();
  const auto gradients = feature_gradients.contiguous();
  const auto result = at::empty(images.sizes(), contiguous.options().requires_grad(false));
  if (images.scalar_type() == at::kFloat) {
    plan.backward(values_of<float>(contiguous), values_of<float>(gradients), values_to_write<float>(result));
  } else {
    plan.backward(values_of<double>(contiguous), values_of<double>(gradients),
                  values_to_write<double>(result));
  }
  return result;
}

// ---- meta: shapes alone ----

at::Tensor scattering_meta(const at::Tensor& images, at::IntArrayRef counts, at::ArrayRef<double> shape) {
  return empty_features(images, plan_of(to_options(images, counts, shape)));
}

at::Tensor scattering_backward_meta(const at::Tensor& images, const at::Tensor&, at::IntArrayRef,
                                    at::ArrayRef<double>) {
  return at::empty_like(images, at::MemoryFormat::Contiguous);
}

// ---- autograd ----

at::Tensor call_scattering(const at::Tensor& images, at::IntArrayRef counts, at::ArrayRef<double> shape) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("scatlight::scattering", "")
                             .typed<at::Tensor(const at::Tensor&, at::IntArrayRef, at::ArrayRef<double>)>();
  return op.call(images, counts, shape);
}

at::Tensor call_scattering_backward(const at::Tensor& images, const at::Tensor& gradients,
                                    at::IntArrayRef counts, at::ArrayRef<double> shape) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("scatlight::scattering_backward", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, at::IntArrayRef, at::ArrayRef<double>)>();
  return op.call(images, gradients, counts, shape);
}

struct ScatteringFunction : torch::autograd::Function<ScatteringFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& images,
                            const std::vector<std::int64_t>& counts, const std::vector<double>& shape) {
    const at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({images});
    context->saved_data["counts"] = counts;
    context->saved_data["shape"] = shape;
    return call_scattering(images, counts, shape);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    if (at::GradMode::is_enabled()) {
      throw Error("scattering can be differentiated once; create_graph=True asks for more");
    }
    const auto images = context->get_saved_variables().at(0);
    const at::AutoDispatchBelowADInplaceOrView below;
    return {call_scattering_backward(images, gradients.at(0), context->saved_data["counts"].toIntVector(),
                                     context->saved_data["shape"].toDoubleVector()),
            at::Tensor(), at::Tensor()};
  }
};

at::Tensor scattering_autograd(const at::Tensor& images, at::IntArrayRef counts, at::ArrayRef<double> shape) {
  return ScatteringFunction::apply(images, counts.vec(), shape.vec());
}

}  // namespace

void register_operators() {
  static const auto library = [] {
    auto made = std::make_unique<torch::Library>(torch::Library::FRAGMENT, "scatlight", std::nullopt,
                                                 __FILE__, __LINE__);
    made->def("scattering(Tensor images, int[] counts, float[] shape) -> Tensor");
    made->def("scattering_backward(Tensor images, Tensor gradients, int[] counts, float[] shape) -> Tensor");
    made->impl("scattering", c10::DispatchKey::CPU, TORCH_FN(scattering_cpu));
    made->impl("scattering", c10::DispatchKey::Meta, TORCH_FN(scattering_meta));
    made->impl("scattering", c10::DispatchKey::Autograd, TORCH_FN(scattering_autograd));
    made->impl("scattering_backward", c10::DispatchKey::CPU, TORCH_FN(scattering_backward_cpu));
    made->impl("scattering_backward", c10::DispatchKey::Meta, TORCH_FN(scattering_backward_meta));
    return made;
  }();
}

at::Tensor scatter(const at::Tensor& images, const ScatteringOptions& options) {
  register_operators();
  const auto arguments = to_arguments(options);
  return call_scattering(images, arguments.counts, arguments.shape);
}

}  // namespace scatlight::torch_ops
