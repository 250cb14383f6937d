#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <span>

namespace scatlight::torch_ops {

/// The numbers of a contiguous tensor on the CPU, in its own memory.
template <class T>
std::span<const T> values_of(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<T>(), static_cast<std::size_t>(tensor.numel())};
}
template <class T>
std::span<T> values_to_write(const at::Tensor& tensor) {
  return {tensor.mutable_data_ptr<T>(), static_cast<std::size_t>(tensor.numel())};
}

}  // namespace scatlight::torch_ops
