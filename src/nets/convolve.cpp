#include "nets/convolve.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <tuple>

namespace scatlight::nets {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Convolution : torch::autograd::Function<Convolution> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, std::int64_t stride,
                            std::int64_t padding) {
    context->save_for_backward({x, weight});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    context->saved_data["trains_bias"] = bias && bias->requires_grad();
    return at::conv2d(x, weight, bias, stride, padding);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& x = saved.at(0);
    const auto& weight = saved.at(1);
    const auto& gradient = gradients.at(0);
    const std::array stride = {context->saved_data["stride"].toInt(), context->saved_data["stride"].toInt()};
    const std::array padding = {context->saved_data["padding"].toInt(),
                                context->saved_data["padding"].toInt()};
    const auto products = [&](const at::Tensor& of_output, const at::Tensor& of_input,
                              const at::Tensor& of_weight, std::array<bool, 3> wanted) {
      const std::array<std::int64_t, 2> once = {1, 1};
      const std::array<std::int64_t, 2> none = {0, 0};
      return at::convolution_backward(of_output, of_input, of_weight, of_weight.size(0), stride, padding,
                                      once, false, none, 1, wanted);
    };
    at::Tensor for_x;
    if (context->needs_input_grad(0)) {
      for_x = std::get<0>(products(gradient, x, weight, {true, false, false}));
    }
    const auto [unused, for_weight, for_bias] =
        products(gradient.contiguous(), x.contiguous(), weight.contiguous(),
                 {false, true, context->saved_data["trains_bias"].toBool()});
    return {for_x, for_weight, for_bias, at::Tensor(), at::Tensor()};
  }
};

bool has_slow_gradient(const at::Tensor& x, const at::Tensor& weight) {
  return x.is_cpu() && weight.size(2) > 1 && at::GradMode::is_enabled() && weight.requires_grad() &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast) && !x.is_contiguous();
}

}  // namespace

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                    std::int64_t stride, std::int64_t padding) {
  if (has_slow_gradient(x, weight)) return Convolution::apply(x, weight, bias, stride, padding);
  return at::conv2d(x, weight, bias, stride, padding);
}

}  // namespace scatlight::nets
