// The operators scatlight::roi_align and scatlight::roi_align_backward.

#include "torch/roi_align_op.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "scatlight/error.h"
#include "torch/roi_align_aten.h"
#include "torch/roi_align_cpu.h"
#include "torch/values.h"

namespace scatlight::torch_ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t most_bins = 64;
constexpr std::int64_t most_samples = 16;

RoiAlignOptions to_options(double scale, std::int64_t bins, std::int64_t samples) {
  if (!(std::isfinite(scale) && scale > 0)) {
    throw Error(fmt::format("roi_align: scale {}: a finite number above 0 is accepted", scale));
  }
  if (bins < 1 || bins > most_bins || samples < 1 || samples > most_samples) {
    throw Error(
        fmt::format("roi_align: {} bins and {} samples: 1 to {} bins and 1 to {} samples are accepted", bins,
                    samples, most_bins, most_samples));
  }
  return {.scale = scale, .bins = static_cast<int>(bins), .samples = static_cast<int>(samples)};
}

void check_features(at::IntArrayRef sizes, at::ScalarType type) {
  if (sizes.size() != 4) {
    throw Error(fmt::format("roi_align needs features of shape (N, C, h, w); these have {} dimensions",
                            sizes.size()));
  }
  if (sizes[2] < 1 || sizes[3] < 1) {
    throw Error(
        fmt::format("roi_align needs features of at least one cell; these are {} x {}", sizes[2], sizes[3]));
  }
  if (type != at::kFloat && type != at::kDouble) {
    throw Error(fmt::format("roi_align needs float32 or float64 features; these are {}", toString(type)));
  }
}

/// Regions for features, or for a gradient, which is called `of`.
void check_rois(const at::Tensor& rois, const at::Tensor& other, const char* of) {
  if (rois.dim() != 2 || rois.size(1) != 5) {
    throw Error(fmt::format("roi_align needs regions of shape (R, 5); these have the shape ({})",
                            fmt::join(rois.sizes(), ", ")));
  }
  if (rois.scalar_type() != other.scalar_type() || rois.device() != other.device()) {
    throw Error(
        fmt::format("roi_align needs regions of the type and on the device of the {}; they are {} on {}, not "
                    "{} on {}",
                    of, toString(rois.scalar_type()), rois.device().str(), toString(other.scalar_type()),
                    other.device().str()));
  }
}

void check_gradient(const at::Tensor& gradient, const at::Tensor& rois, at::IntArrayRef sizes,
                    const RoiAlignOptions& options) {
  check_features(sizes, gradient.scalar_type());
  check_rois(rois, gradient, "gradient");
  const std::vector<std::int64_t> expected = {rois.size(0), sizes[1], options.bins, options.bins};
  if (gradient.sizes() != at::IntArrayRef(expected)) {
    throw Error(fmt::format("roi_align: the gradient has the shape ({}), the result ({})",
                            fmt::join(gradient.sizes(), ", "), fmt::join(expected, ", ")));
  }
}

/// Regions in main memory.
template <class T>
void check_values(std::span<const T> rois, std::int64_t images) {
  for (std::size_t r = 0; 5 * r < rois.size(); ++r) {
    const auto roi = rois.subspan(5 * r, 5);
    if (!std::ranges::all_of(roi, [](T value) { return std::isfinite(value); })) {
      throw Error(fmt::format("roi_align: region {} is not of finite numbers", r));
    }
    if (roi[0] < 0 || roi[0] >= static_cast<T>(images) || roi[0] != std::trunc(roi[0])) {
      throw Error(fmt::format("roi_align: region {} is of image {}; there are the images 0 to {}", r, roi[0],
                              images - 1));
    }
  }
}

void check_values(const at::Tensor& rois, std::int64_t images) {
  const auto on_host = rois.to(at::kCPU).contiguous();
  if (on_host.scalar_type() == at::kFloat) {
    check_values(values_of<float>(on_host), images);
  } else {
    check_values(values_of<double>(on_host), images);
  }
}

at::Tensor empty_channels_last(at::IntArrayRef sizes, const at::Tensor& like) {
  return at::empty(sizes, like.options().memory_format(at::MemoryFormat::ChannelsLast).requires_grad(false));
}

FeatureShape shape_of(at::IntArrayRef sizes) {
  return {.images = sizes[0], .channels = sizes[1], .height = sizes[2], .width = sizes[3]};
}

/// Arguments in the order of the operator, checked as far as that needs no values.
RoiAlignOptions check(const at::Tensor& features, const at::Tensor& rois, double scale, std::int64_t bins,
                      std::int64_t samples) {
  check_features(features.sizes(), features.scalar_type());
  check_rois(rois, features, "features");
  return to_options(scale, bins, samples);
}

// ---- CPU ----

template <class T>
at::Tensor forward_on_cpu(const at::Tensor& features, const at::Tensor& rois,
                          const RoiAlignOptions& options) {
  const auto pooled =
      empty_channels_last({rois.size(0), features.size(1), options.bins, options.bins}, features);
  const auto read = features.contiguous(at::MemoryFormat::ChannelsLast);
  const auto regions = rois.contiguous();
  pool_rois<T>(values_of<T>(read), shape_of(features.sizes()), values_of<T>(regions), options,
               at::get_num_threads(), values_to_write<T>(pooled));
  return pooled;
}

at::Tensor roi_align_cpu(const at::Tensor& features, const at::Tensor& rois, double scale, std::int64_t bins,
                         std::int64_t samples) {
  const auto options = check(features, rois, scale, bins, samples);
  check_values(rois, features.size(0));
  return features.scalar_type() == at::kFloat ? forward_on_cpu<float>(features, rois, options)
                                              : forward_on_cpu<double>(features, rois, options);
}

template <class T>
at::Tensor backward_on_cpu(const at::Tensor& gradient, const at::Tensor& rois, at::IntArrayRef sizes,
                           const RoiAlignOptions& options) {
  const auto result = empty_channels_last(sizes, gradient).zero_();
  const auto read = gradient.contiguous(at::MemoryFormat::ChannelsLast);
  const auto regions = rois.contiguous();
  spread_rois<T>(values_of<T>(read), shape_of(sizes), values_of<T>(regions), options, at::get_num_threads(),
                 values_to_write<T>(result));
  return result;
}

at::Tensor roi_align_backward_cpu(const at::Tensor& gradient, const at::Tensor& rois, at::IntArrayRef sizes,
                                  double scale, std::int64_t bins, std::int64_t samples) {
  const auto options = to_options(scale, bins, samples);
  check_gradient(gradient, rois, sizes, options);
  check_values(rois, sizes[0]);
  return gradient.scalar_type() == at::kFloat ? backward_on_cpu<float>(gradient, rois, sizes, options)
                                              : backward_on_cpu<double>(gradient, rois, sizes, options);
}

// ---- CUDA ----

at::Tensor roi_align_cuda(const at::Tensor& features, const at::Tensor& rois, double scale, std::int64_t bins,
                          std::int64_t samples) {
  const auto options = check(features, rois, scale, bins, samples);
  check_values(rois, features.size(0));
  return pool_rois_by_torch(features, rois, options);
}

at::Tensor roi_align_backward_cuda(const at::Tensor& gradient, const at::Tensor& rois, at::IntArrayRef sizes,
                                   double scale, std::int64_t bins, std::int64_t samples) {
  const auto options = to_options(scale, bins, samples);
  check_gradient(gradient, rois, sizes, options);
  check_values(rois, sizes[0]);
  return spread_rois_by_torch(gradient, rois, sizes, options);
}

// ---- meta: shapes alone ----

at::Tensor roi_align_meta(const at::Tensor& features, const at::Tensor& rois, double scale, std::int64_t bins,
                          std::int64_t samples) {
  check(features, rois, scale, bins, samples);
  return empty_channels_last({rois.size(0), features.size(1), bins, bins}, features);
}

at::Tensor roi_align_backward_meta(const at::Tensor& gradient, const at::Tensor& rois, at::IntArrayRef sizes,
                                   double scale, std::int64_t bins, std::int64_t samples) {
  check_gradient(gradient, rois, sizes, to_options(scale, bins, samples));
  return empty_channels_last(sizes, gradient);
}

// ---- autograd ----

at::Tensor call_roi_align(const at::Tensor& features, const at::Tensor& rois, double scale, std::int64_t bins,
                          std::int64_t samples) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("scatlight::roi_align", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, double, std::int64_t, std::int64_t)>();
  return op.call(features, rois, scale, bins, samples);
}

at::Tensor call_roi_align_backward(const at::Tensor& gradient, const at::Tensor& rois, at::IntArrayRef sizes,
                                   double scale, std::int64_t bins, std::int64_t samples) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("scatlight::roi_align_backward", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, at::IntArrayRef, double,
                                               std::int64_t, std::int64_t)>();
  return op.call(gradient, rois, sizes, scale, bins, samples);
}

struct RoiAlignFunction : torch::autograd::Function<RoiAlignFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& features, const at::Tensor& rois,
                            double scale, std::int64_t bins, std::int64_t samples) {
    const at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({rois});
    context->saved_data["sizes"] = features.sizes();
    context->saved_data["scale"] = scale;
    context->saved_data["bins"] = bins;
    context->saved_data["samples"] = samples;
    return call_roi_align(features, rois, scale, bins, samples);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    if (at::GradMode::is_enabled()) {
      throw Error("roi_align can be differentiated once; create_graph=True asks for more");
    }
    const auto rois = context->get_saved_variables().at(0);
    auto& saved = context->saved_data;
    const at::AutoDispatchBelowADInplaceOrView below;
    return {
        call_roi_align_backward(gradients.at(0), rois, saved["sizes"].toIntVector(),
                                saved["scale"].toDouble(), saved["bins"].toInt(), saved["samples"].toInt()),
        at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor roi_align_autograd(const at::Tensor& features, const at::Tensor& rois, double scale,
                              std::int64_t bins, std::int64_t samples) {
  return RoiAlignFunction::apply(features, rois, scale, bins, samples);
}

}  // namespace

void register_roi_align() {
  static const auto library = [] {
    auto made = std::make_unique<torch::Library>(torch::Library::FRAGMENT, "scatlight", std::nullopt,
                                                 __FILE__, __LINE__);
    made->def("roi_align(Tensor features, Tensor rois, float scale, int bins, int samples) -> Tensor");
    made->def(
        "roi_align_backward(Tensor gradient, Tensor rois, int[] sizes, float scale, int bins, int samples) "
        "-> Tensor");
    made->impl("roi_align", c10::DispatchKey::CPU, TORCH_FN(roi_align_cpu));
    made->impl("roi_align", c10::DispatchKey::CUDA, TORCH_FN(roi_align_cuda));
    made->impl("roi_align", c10::DispatchKey::Meta, TORCH_FN(roi_align_meta));
    made->impl("roi_align", c10::DispatchKey::Autograd, TORCH_FN(roi_align_autograd));
    made->impl("roi_align_backward", c10::DispatchKey::CPU, TORCH_FN(roi_align_backward_cpu));
    made->impl("roi_align_backward", c10::DispatchKey::CUDA, TORCH_FN(roi_align_backward_cuda));
    made->impl("roi_align_backward", c10::DispatchKey::Meta, TORCH_FN(roi_align_backward_meta));
    return made;
  }();
}

at::Tensor roi_align(const at::Tensor& features, const at::Tensor& rois, const RoiAlignOptions& options) {
  register_roi_align();
  return call_roi_align(features, rois, options.scale, options.bins, options.samples);
}

}  // namespace scatlight::torch_ops
