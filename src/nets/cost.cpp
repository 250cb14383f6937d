#include "nets/cost.h"

#include "nets/architecture.h"

namespace scatlight::nets {
namespace {

constexpr std::int64_t float_bytes = 4;

class Counter {
 public:
  explicit Counter(Shape input) : shape_(input) { keep(input.count()); }  // what the first layer reads

  void operator()(const Conv& conv) {
    const auto out = output_shape(conv, shape_);
    total_.parameters +=
        std::int64_t{conv.in} * conv.out * conv.kernel * conv.kernel + (conv.bias ? conv.out : 0);
    total_.multiply_adds += out.count() * conv.in * conv.kernel * conv.kernel;
    if (!conv.norm.empty()) {
      total_.parameters += 2 * conv.out;
      keep(out.count());  // what batch norm reads
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

  void operator()(const InputNorm&) { keep(shape_.count()); }  // its output, for the next layer

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

 private:
  void keep(std::int64_t values) { total_.saved_bytes += values * float_bytes; }

  Shape shape_;
  Cost total_;
};

}  // namespace

Cost cost(const NetworkOptions& options) {
  const auto architecture = make_architecture(options);
  Counter counter(architecture.maps);
  for (const auto& layer : architecture.layers) std::visit(counter, layer);
  auto total = counter.total();
  total.input_values = architecture.maps.count();
  return total;
}

}  // namespace scatlight::nets
