#include "nets/cost.h"

#include <ATen/core/Tensor.h>

#include <algorithm>

#include "nets/architecture.h"

namespace scatlight::nets {
namespace {

constexpr std::int64_t float_bytes = 4;

class Counter {
 public:
  Counter(Shape input, bool frozen_norms) : shape_(input), frozen_norms_(frozen_norms) {}

  /// From here on layers are trained; the first of them keeps what it reads.
  void begin_training() {
    is_trained_ = true;
    keep(shape_.count());
  }

  void operator()(const Conv& conv) {
    const auto out = output_shape(conv, shape_);
    total_.parameters +=
        std::int64_t{conv.in} * conv.out * conv.kernel * conv.kernel + (conv.bias ? conv.out : 0);
    total_.multiply_adds += out.count() * conv.in * conv.kernel * conv.kernel;
    if (!conv.norm.empty()) {
      total_.parameters += 2 * conv.out;
      if (!frozen_norms_) keep(out.count());  // what batch norm reads
    }
    if (conv.relu) keep(out.count());  // what ReLU gives, which is also what follows reads
    shape_ = out;
  }

  void operator()(const Residual& block) {
    const auto in = shape_;
    for (const auto& conv : block.convs) (*this)(conv);
    if (block.shortcut) {
      const auto out = shape_;
      shape_ = in;
      (*this)(*block.shortcut);
      shape_ = out;
    }
    keep(shape_.count());  // what ReLU gives
  }

  void operator()(const NormRelu& norm) {
    total_.parameters += 2 * norm.channels;
    if (!frozen_norms_) keep(shape_.count());  // what batch norm reads
    keep(shape_.count());                      // what ReLU gives
  }

  void operator()(const PreActivated& block) {
    (*this)(block.norm);
    const auto in = shape_;
    for (const auto& conv : block.convs) (*this)(conv);
    if (!block.shortcut) return;
    const auto out = shape_;
    shape_ = in;
    (*this)(*block.shortcut);
    shape_ = out;
  }

  void operator()(const InputNorm&) { keep(shape_.count()); }  // its output, for the next layer
  void operator()(const Standardize&) { keep(shape_.count()); }

  void operator()(const MaxPool& pool) {
    shape_ = output_shape(pool, shape_);
    keep(3 * shape_.count());  // its output for the next layer, and 64-bit indices
  }

  void operator()(const AveragePool& pool) {
    shape_ = {shape_.channels, pool.size, pool.size};
    keep(shape_.count());
  }

  void operator()(const Linear& linear) {
    total_.parameters += (std::int64_t{linear.in} + 1) * linear.out;
    total_.multiply_adds += std::int64_t{linear.in} * linear.out;
    shape_ = {linear.out, 1, 1};
    if (linear.relu) keep(shape_.count());
    if (linear.dropout > 0) keep(2 * shape_.count());  // its mask and its output
  }

  Cost total() const { return total_; }
  Shape shape() const { return shape_; }

 private:
  void keep(std::int64_t values) {
    if (is_trained_) total_.saved_bytes += values * float_bytes;
  }

  Shape shape_;
  bool frozen_norms_;
  bool is_trained_ = false;
  Cost total_;
};

}  // namespace

LayersCost layers_cost(const Architecture& architecture, std::size_t first, std::size_t end, Shape input,
                       const CostRules& rules) {
  Counter counter(input, rules.frozen_norms);
  for (std::size_t i = first; i < end; ++i) {
    if (i == std::max(first, rules.first_trained)) counter.begin_training();
    std::visit(counter, architecture.layers[i]);
  }
  auto cost = counter.total();
  cost.input_values = input.count();
  return {.cost = cost, .output = counter.shape()};
}

Cost cost(const NetworkOptions& options, const CostRules& rules) {
  const auto architecture = make_architecture(options);
  auto cost = layers_cost(architecture, 0, architecture.layers.size(), architecture.maps, rules).cost;
  for (const auto& [name, tensor] : architecture.front_end->first_parameters())
    cost.parameters += tensor.numel();
  cost.front_end_multiply_adds = architecture.front_end->multiply_adds(options.height, options.width);
  return cost;
}

}  // namespace scatlight::nets
