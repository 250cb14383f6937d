// The operators scatlight::scattering and scatlight::scattering_backward.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "scatlight/cuda.h"
#include "torch/front_end.h"
#include "torch/learned_scattering_op.h"
#include "torch/plan_cache.h"
#include "torch/scattering_arguments.h"
#include "torch/values.h"

namespace scatlight::torch_ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// ---- CPU ----

at::Tensor scattering_cpu(const at::Tensor& images, at::IntArrayRef counts, at::ArrayRef<double> shape,
                          MapType type, MapMemory memory) {
  const auto options = to_options(images, counts, shape);
  const auto plan = plan_of(options);
  const MapOptions format(images, type, memory);
  const auto contiguous = images.contiguous();
  auto maps = empty_maps(images, options, {images, std::nullopt, std::nullopt});
  if (images.scalar_type() == at::kFloat) {
    plan.forward(values_of<float>(contiguous), values_to_write<float>(maps));
  } else {
    plan.forward(values_of<double>(contiguous), values_to_write<double>(maps));
  }
  if (format.is_usual(images)) return maps;
  const auto converted = empty_maps(images, options, format);
  converted.copy_(maps);
  return converted;
}

at::Tensor scattering_backward_cpu(const at::Tensor& images, const at::Tensor& map_gradients,
                                   at::IntArrayRef counts, at::ArrayRef<double> shape) {
  check_device(images, map_gradients);
  const auto plan = plan_of(to_options(images, counts, shape));
  const auto contiguous = images.contiguous();
  const auto gradients = map_gradients.to(images.scalar_type()).contiguous();
  const auto result = empty_gradient(images);
  if (images.scalar_type() == at::kFloat) {
    plan.backward(values_of<float>(contiguous), values_of<float>(gradients), values_to_write<float>(result));
  } else {
    plan.backward(values_of<double>(contiguous), values_of<double>(gradients),
                  values_to_write<double>(result));
  }
  return result;
}

// ---- CUDA: all that torch has to do with it comes from its dispatcher and its registry of devices, so that
// nothing links to torch's CUDA library ----

template <class T>
CudaScattering<T> cuda_plan_of(ScatteringOptions options, const at::Tensor& images) {
  static PlanCache<CudaScattering<T>, int> cache(plans_kept);
  options.threads = 0;  // has no effect, and must not make another plan
  return cache.get(options, images.device().index());
}

CudaStream current_stream(const at::Device& device) {
  return static_cast<CudaStream>(c10::impl::VirtualGuardImpl(at::kCUDA).getStream(device).native_handle());
}

FeatureFormat feature_format(const at::Tensor& maps, const at::Tensor& images) {
  return {.type = maps.scalar_type() == at::kHalf       ? FeatureType::Float16
                  : maps.scalar_type() == at::kBFloat16 ? FeatureType::BFloat16
                                                        : FeatureType::Same,
          .channels_last = !maps.is_contiguous(),
          .channels = static_cast<int>(images.size(1))};
}

at::Tensor workspace_of(std::size_t bytes, const at::Tensor& images) {
  return at::empty({static_cast<std::int64_t>(bytes)},
                   images.options().dtype(at::kByte).requires_grad(false));
}

// The operators for images of T.
template <class T>
at::Tensor forward_on_gpu(const at::Tensor& images, const ScatteringOptions& options,
                          const MapOptions& format) {
  const auto plan = cuda_plan_of<T>(options, images);
  const auto maps = empty_maps(images, options, format);
  if (maps.numel() == 0) return maps;
  const auto contiguous = images.contiguous();
  const auto planes = images.size(0) * images.size(1);
  const auto workspace = workspace_of(plan.forward_workspace(planes), images);
  plan.forward(contiguous.const_data_ptr<T>(), planes, maps.mutable_data_ptr(), feature_format(maps, images),
               workspace.mutable_data_ptr(), current_stream(images.device()));
  return maps;
}

template <class T>
at::Tensor backward_on_gpu(const at::Tensor& images, const at::Tensor& given,
                           const ScatteringOptions& options) {
  const auto plan = cuda_plan_of<T>(options, images);
  const auto result = empty_gradient(images);
  if (result.numel() == 0) return result;
  const auto contiguous = images.contiguous();
  const auto planes = images.size(0) * images.size(1);
  const bool is_short = given.scalar_type() == at::kHalf || given.scalar_type() == at::kBFloat16;
  auto gradients = is_short && images.scalar_type() == at::kFloat ? given : given.to(images.scalar_type());
  if (!gradients.is_contiguous(at::MemoryFormat::ChannelsLast)) gradients = gradients.contiguous();
  const auto workspace = workspace_of(plan.backward_workspace(planes), images);
  plan.backward(contiguous.const_data_ptr<T>(), planes, gradients.const_data_ptr(),
                feature_format(gradients, images), result.mutable_data_ptr<T>(), workspace.mutable_data_ptr(),
                current_stream(images.device()));
  return result;
}

at::Tensor scattering_cuda(const at::Tensor& images, at::IntArrayRef counts, at::ArrayRef<double> shape,
                           MapType type, MapMemory memory) {
  const auto options = to_options(images, counts, shape);
  const MapOptions format(images, type, memory);
  return images.scalar_type() == at::kFloat ? forward_on_gpu<float>(images, options, format)
                                            : forward_on_gpu<double>(images, options, format);
}

at::Tensor scattering_backward_cuda(const at::Tensor& images, const at::Tensor& gradients,
                                    at::IntArrayRef counts, at::ArrayRef<double> shape) {
  check_device(images, gradients);
  const auto options = to_options(images, counts, shape);
  return images.scalar_type() == at::kFloat ? backward_on_gpu<float>(images, gradients, options)
                                            : backward_on_gpu<double>(images, gradients, options);
}

// ---- meta: shapes alone ----

at::Tensor scattering_meta(const at::Tensor& images, at::IntArrayRef counts, at::ArrayRef<double> shape,
                           MapType type, MapMemory memory) {
  return empty_maps(images, to_options(images, counts, shape), {images, type, memory});
}

at::Tensor scattering_backward_meta(const at::Tensor& images, const at::Tensor& gradients, at::IntArrayRef,
                                    at::ArrayRef<double>) {
  check_device(images, gradients);
  return empty_gradient(images);
}

// ---- autograd ----

at::Tensor call_scattering(const at::Tensor& images, at::IntArrayRef counts, at::ArrayRef<double> shape,
                           MapType type, MapMemory memory) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("scatlight::scattering", "")
          .typed<at::Tensor(const at::Tensor&, at::IntArrayRef, at::ArrayRef<double>, MapType, MapMemory)>();
  return op.call(images, counts, shape, type, memory);
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
                            const std::vector<std::int64_t>& counts, const std::vector<double>& shape,
                            MapType type, MapMemory memory) {
    const at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({images});
    context->saved_data["counts"] = counts;
    context->saved_data["shape"] = shape;
    return call_scattering(images, counts, shape, type, memory);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    if (at::GradMode::is_enabled()) {
      throw Error("scattering can be differentiated once; create_graph=True asks for more");
    }
    const auto images = context->get_saved_variables().at(0);
    const at::AutoDispatchBelowADInplaceOrView below;
    return {call_scattering_backward(images, gradients.at(0), context->saved_data["counts"].toIntVector(),
                                     context->saved_data["shape"].toDoubleVector()),
            at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor scattering_autograd(const at::Tensor& images, at::IntArrayRef counts, at::ArrayRef<double> shape,
                               MapType type, MapMemory memory) {
  return ScatteringFunction::apply(images, counts.vec(), shape.vec(), type, memory);
}

}  // namespace

void register_operators() {
  static const auto library = [] {
    auto made = std::make_unique<torch::Library>(torch::Library::FRAGMENT, "scatlight", std::nullopt,
                                                 __FILE__, __LINE__);
    made->def(
        "scattering(Tensor images, int[] counts, float[] shape, ScalarType? dtype=None, "
        "MemoryFormat? memory_format=None) -> Tensor");
    made->def("scattering_backward(Tensor images, Tensor gradients, int[] counts, float[] shape) -> Tensor");
    made->impl("scattering", c10::DispatchKey::CPU, TORCH_FN(scattering_cpu));
    made->impl("scattering", c10::DispatchKey::CUDA, TORCH_FN(scattering_cuda));
    made->impl("scattering", c10::DispatchKey::Meta, TORCH_FN(scattering_meta));
    made->impl("scattering", c10::DispatchKey::Autograd, TORCH_FN(scattering_autograd));
    made->impl("scattering_backward", c10::DispatchKey::CPU, TORCH_FN(scattering_backward_cpu));
    made->impl("scattering_backward", c10::DispatchKey::CUDA, TORCH_FN(scattering_backward_cuda));
    made->impl("scattering_backward", c10::DispatchKey::Meta, TORCH_FN(scattering_backward_meta));
    define_learned_scattering(*made);
    return made;
  }();
}

at::Tensor scatter(const at::Tensor& images, const ScatteringOptions& options, const MapFormat& format) {
  register_operators();
  const auto arguments = to_arguments(options);
  return call_scattering(images, arguments.counts, arguments.shape, format.type, format.memory);
}

}  // namespace scatlight::torch_ops
