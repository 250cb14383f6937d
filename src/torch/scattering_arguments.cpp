#include "torch/scattering_arguments.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <type_traits>

#include "core/option_list.h"
#include "torch/plan_cache.h"

namespace scatlight::torch_ops {

ScatteringArguments to_arguments(const ScatteringOptions& options) {
  ScatteringArguments arguments;
  for_each_option([&]<class T>(const Option<T>& option) {
    const T value = options.*option.member;
    if constexpr (std::is_floating_point_v<T>) {
      arguments.shape.push_back(value);
    } else {
      arguments.counts.push_back(static_cast<std::int64_t>(value));
    }
  });
  return arguments;
}

ScatteringOptions to_options(const at::Tensor& images, at::IntArrayRef counts, at::ArrayRef<double> shape) {
  static const auto expected = to_arguments({});
  if (counts.size() != expected.counts.size() || shape.size() != expected.shape.size()) {
    throw Error(fmt::format("scatlight::scattering takes {} counts and {} numbers; {} and {} are given",
                            expected.counts.size(), expected.shape.size(), counts.size(), shape.size()));
  }
  if (images.dim() != 4) {
    throw Error(
        fmt::format("scattering needs images of shape (N, C, H, W); these have {} dimensions", images.dim()));
  }
  if (images.scalar_type() != at::kFloat && images.scalar_type() != at::kDouble) {
    throw Error(fmt::format("scattering needs float32 or float64 images; these are {}",
                            toString(images.scalar_type())));
  }
  ScatteringOptions options;
  auto count = counts.begin();
  auto number = shape.begin();
  for_each_option([&]<class T>(const Option<T>& option) {
    if constexpr (std::is_floating_point_v<T>) {
      options.*option.member = *number++;
    } else {
      options.*option.member = static_cast<T>(*count++);
    }
  });
  options.height = static_cast<int>(images.size(2));
  options.width = static_cast<int>(images.size(3));
  options.threads = at::get_num_threads();
  return options;
}

Scattering plan_of(const ScatteringOptions& options) {
  static PlanCache<Scattering> cache(plans_kept);
  return cache.get(options);
}

MapOptions::MapOptions(const at::Tensor& images, MapType given_type, MapMemory given_memory)
    : type(given_type.value_or(images.scalar_type())),
      memory(given_memory.value_or(at::MemoryFormat::Contiguous)) {
  const bool is_short = type == at::kHalf || type == at::kBFloat16;
  if (type != images.scalar_type() && !(is_short && images.scalar_type() == at::kFloat)) {
    throw Error(fmt::format("scattering makes {} maps of {} images, not {}",
                            images.scalar_type() == at::kFloat ? "float32, float16 and bfloat16" : "float64",
                            toString(images.scalar_type()), toString(type)));
  }
  if (memory != at::MemoryFormat::Contiguous && memory != at::MemoryFormat::ChannelsLast) {
    throw Error(
        "scattering makes maps that are contiguous or channels_last; another memory format is asked for");
  }
}

at::Tensor empty_maps(const at::Tensor& images, const ScatteringOptions& options, const MapOptions& format) {
  const auto shape = shape_of(options);
  return at::empty({images.size(0), images.size(1) * shape.maps, shape.height, shape.width},
                   images.options().dtype(format.type).memory_format(format.memory).requires_grad(false));
}

at::Tensor empty_gradient(const at::Tensor& images) {
  return at::empty(images.sizes(),
                   images.options().memory_format(at::MemoryFormat::Contiguous).requires_grad(false));
}

void check_device(const at::Tensor& images, const at::Tensor& gradients) {
  if (images.device() == gradients.device()) return;
  throw Error(
      fmt::format("the images are on {} and the gradients of their maps on {}; they must be on one device",
                  images.device().str(), gradients.device().str()));
}

}  // namespace scatlight::torch_ops
