#include "nets/network.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "nets/body.h"
#include "nets/convolve.h"
#include "scatlight/error.h"
#include "torch/wavelets.h"

namespace scatlight::nets {
namespace {

constexpr double momentum = 0.1;  // of the running statistics
constexpr double epsilon = 1e-5;  // of batch norm

/// use(conv) for each convolution, those of blocks included.
template <class Use>
void for_each_conv(std::span<const Layer> layers, const Use& use) {
  for (const auto& layer : layers) {
    if (const auto* conv = std::get_if<Conv>(&layer)) use(*conv);
    const auto of_block = [&](const auto& block) {
      for (const auto& one : block.convs) use(one);
      if (block.shortcut) use(*block.shortcut);
    };
    if (const auto* block = std::get_if<Residual>(&layer)) of_block(*block);
    if (const auto* block = std::get_if<PreActivated>(&layer)) of_block(*block);
  }
}

/// A batch norm that is a constant: scale * x + shift, of each channel.
struct ConstantNorm {
  at::Tensor scale;
  at::Tensor shift;
};

// scale * x + shift = weight (x - mean) / sqrt(variance + epsilon) + bias
ConstantNorm constant_norm(const std::string& name, Network::Body& body) {
  const auto scale = body.at(name + ".weight") / (body.at(name + ".running_var") + epsilon).sqrt();
  return {.scale = scale, .shift = body.at(name + ".bias") - body.at(name + ".running_mean") * scale};
}

// Makes the tensors of the layers, in the order of torchvision's modules.
class Builder {
 public:
  explicit Builder(Network::Body& body, bool is_vgg) : body_(body), is_vgg_(is_vgg) {}

  void operator()(const Conv& conv) {
    // He initialisation: deviation sqrt(2 / fan out).
    const double fan_out = static_cast<double>(conv.out) * conv.kernel * conv.kernel;
    body_.add_parameter(
        conv.name + ".weight",
        at::randn({conv.out, conv.in, conv.kernel, conv.kernel}).mul_(std::sqrt(2 / fan_out)));
    if (conv.bias) body_.add_parameter(conv.name + ".bias", at::zeros({conv.out}));
    if (!conv.norm.empty()) add_norm(conv.norm, conv.out);
  }

  void operator()(const Residual& block) {
    for (const auto& conv : block.convs) (*this)(conv);
    if (block.shortcut) (*this)(*block.shortcut);
  }

  void operator()(const NormRelu& norm) { add_norm(norm.name, norm.channels); }

  void operator()(const PreActivated& block) {
    (*this)(block.norm);
    for (const auto& conv : block.convs) (*this)(conv);
    if (block.shortcut) (*this)(*block.shortcut);
  }

  void operator()(const InputNorm& norm) { add_statistics(norm.name, norm.channels); }

  void operator()(const Standardize& layer) {
    body_.add_buffer(layer.name + ".mean", at::zeros({layer.channels}));
    body_.add_buffer(layer.name + ".deviation", at::ones({layer.channels}));
  }

  // torchvision's: normal for VGG, torch's default elsewhere.
  void operator()(const Linear& linear) {
    const double bound = 1 / std::sqrt(static_cast<double>(linear.in));
    auto weight = at::empty({linear.out, linear.in});
    auto bias = at::empty({linear.out});
    if (is_vgg_) {
      weight.normal_(0, 0.01);
      bias.zero_();
    } else {
      weight.uniform_(-bound, bound);
      bias.uniform_(-bound, bound);
    }
    body_.add_parameter(linear.name + ".weight", weight);
    body_.add_parameter(linear.name + ".bias", bias);
  }

  void operator()(const MaxPool&) {}
  void operator()(const AveragePool&) {}

 private:
  void add_norm(const std::string& name, int channels) {
    body_.add_parameter(name + ".weight", at::ones({channels}));
    body_.add_parameter(name + ".bias", at::zeros({channels}));
    add_statistics(name, channels);
  }

  void add_statistics(const std::string& name, int channels) {
    body_.add_buffer(name + ".running_mean", at::zeros({channels}));
    body_.add_buffer(name + ".running_var", at::ones({channels}));
    body_.add_buffer(name + ".num_batches_tracked", at::zeros({}, at::kLong));
  }

  Network::Body& body_;
  bool is_vgg_;
};

// Applies the layers.
class Runner {
 public:
  Runner(Network::Body& body, const at::Tensor& x)
      : body_(body), x_(x.to(body.placement.device, body.convolution_type())) {
    x_ = x_.contiguous(body.memory_format());
  }

  void operator()(const Conv& conv) {
    if (body_.frozen_norms.contains(conv.norm) && !body_.folded) {
      const auto [scale, shift] = constant_norm(conv.norm, body_);
      const auto weight = tensor(conv.name, ".weight") * scale.view({-1, 1, 1, 1});
      x_ = convolve(x_, weight.to(x_.scalar_type()), shift.to(x_.scalar_type()), conv.stride, conv.padding());
      if (conv.relu) x_.relu_();
      return;
    }
    std::optional<at::Tensor> bias;
    if (body_.has(conv.name + ".bias")) bias = tensor(conv.name, ".bias").to(x_.scalar_type());
    x_ = convolve(x_, tensor(conv.name, ".weight").to(x_.scalar_type()), bias, conv.stride, conv.padding());
    if (!conv.norm.empty() && !body_.folded) {
      x_ = normalize(x_, conv.norm, tensor(conv.norm, ".weight"), tensor(conv.norm, ".bias"));
    }
    if (conv.relu) x_.relu_();
  }

  void operator()(const Residual& block) {
    const auto input = x_;
    for (const auto& conv : block.convs) (*this)(conv);
    auto sum = x_;
    x_ = input;
    if (block.shortcut) (*this)(*block.shortcut);
    x_ = sum.add_(x_).relu_();
  }

  void operator()(const NormRelu& norm) {
    x_ = normalize(x_, norm.name, tensor(norm.name, ".weight"), tensor(norm.name, ".bias")).relu_();
  }

  void operator()(const PreActivated& block) {
    const auto input = x_;
    (*this)(block.norm);
    const auto activated = x_;
    for (const auto& conv : block.convs) (*this)(conv);
    auto sum = x_;
    x_ = block.shortcut ? activated : input;
    if (block.shortcut) (*this)(*block.shortcut);
    x_ = sum.add_(x_);
  }

  void operator()(const InputNorm& norm) { x_ = normalize(x_, norm.name, {}, {}); }

  void operator()(const Standardize& layer) {
    const auto of_channels = [&](const char* part) {
      return tensor(layer.name, part).view({1, layer.channels, 1, 1}).to(x_.scalar_type());
    };
    x_ = (x_ - of_channels(".mean")) / of_channels(".deviation");
  }

  void operator()(const MaxPool& pool) { x_ = at::max_pool2d(x_, pool.kernel, pool.stride, pool.padding); }

  void operator()(const AveragePool& pool) { x_ = at::adaptive_avg_pool2d(x_, {pool.size, pool.size}); }

  void operator()(const Linear& linear) {
    x_ = at::linear(x_.flatten(1).to(at::kFloat), tensor(linear.name, ".weight"),
                    tensor(linear.name, ".bias"));
    if (linear.relu) x_.relu_();
    if (linear.dropout > 0 && body_.training) x_ = drop(x_, linear.dropout);
  }

  at::Tensor result() const { return x_.to(at::kFloat); }

 private:
  /// Dropout. It is drawn on the CPU, so that one generator's state is all that a resume on any device needs.
  static at::Tensor drop(const at::Tensor& x, double share) {
    return x * at::empty(x.sizes()).bernoulli_(1 - share).div_(1 - share).to(x.device());
  }

  at::Tensor& tensor(const std::string& name, const char* part) { return body_.at(name + part); }

  at::Tensor normalize(const at::Tensor& x, const std::string& name, const std::optional<at::Tensor>& weight,
                       const std::optional<at::Tensor>& bias) {
    const bool trains = body_.training && !body_.frozen_norms.contains(name);
    if (trains) {
      if (x.numel() == x.size(1)) {
        throw Error(
            "batch norm cannot train on one value per channel, which has no variance: give more than one "
            "image at a "
            "time (--batch, --micro-batch), or larger images");
      }
      tensor(name, ".num_batches_tracked").add_(1);
    }
    return at::batch_norm(x, weight, bias, tensor(name, ".running_mean"), tensor(name, ".running_var"),
                          trains, momentum, epsilon, /*cudnn_enabled=*/true);
  }

  Network::Body& body_;
  at::Tensor x_;
};

}  // namespace

void Network::Body::add_parameter(const std::string& name, at::Tensor tensor) {
  tensor.requires_grad_(true);
  parameters.emplace_back(name, tensor);
  indices.emplace(name, tensor);
}

void Network::Body::add_buffer(const std::string& name, at::Tensor tensor) {
  buffers.emplace_back(name, tensor);
  indices.emplace(name, tensor);
}

std::vector<at::Tensor> Network::Body::front_end_parameters() const {
  std::vector<at::Tensor> found;
  found.reserve(front_end_names.size());
  for (const auto& name : front_end_names) found.push_back(indices.find(name)->second);
  return found;
}

at::Tensor& Network::Body::at(const std::string& name) { return indices.find(name)->second; }

void Network::Body::lay_out() {
  const at::NoGradGuard no_grad;
  for (auto& [name, tensor] : indices) {
    const bool is_convolution = tensor.dim() == 4 && tensor.scalar_type() == at::kFloat;
    const auto format = is_convolution ? memory_format() : at::MemoryFormat::Contiguous;
    tensor = tensor.detach().to(placement.device).contiguous(format).requires_grad_(tensor.requires_grad());
  }
  for (auto* const tensors : {&parameters, &buffers}) {
    for (auto& [name, tensor] : *tensors) tensor = at(name);
  }
}

Network::Network(const NetworkOptions& options) : Network(options, std::string::npos) {}

Network::Network(const NetworkOptions& options, std::size_t layers) : body_(std::make_unique<Body>(options)) {
  auto& all = body_->architecture.layers;
  all.resize(std::min(layers, all.size()));
  for (const auto& [name, tensor] : body_->architecture.front_end->first_parameters()) {
    body_->front_end_names.push_back(name);
    body_->add_parameter(name, tensor);
  }
  Builder builder(*body_, options.family == Family::Vgg);
  for (const auto& layer : body_->architecture.layers) std::visit(builder, layer);
  body_->lay_out();
}

Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

const NetworkOptions& Network::options() const { return body_->options; }

void Network::to(const torch_ops::Placement& placement) {
  if (placement.precision != at::kFloat && !body_->has_convolutions())
    throw Error(body_->options.name + " has no convolutions to compute in bfloat16");
  body_->placement = placement;
  body_->lay_out();
}

const at::Device& Network::device() const { return body_->placement.device; }

at::Tensor Network::maps(const at::Tensor& images) const {
  const at::AutoGradMode grad(at::GradMode::is_enabled() && trains_front_end());
  return body_->architecture.front_end->maps_by(
      body_->front_end_parameters(), images.to(body_->placement.device),
      {.type = body_->convolution_type(), .memory = body_->memory_format()});
}

bool Network::trains_front_end() const {
  const auto learned = body_->front_end_parameters();
  return body_->training &&
         std::ranges::any_of(learned, [](const auto& tensor) { return tensor.requires_grad(); });
}

bool Network::keep_in_range() {
  const at::NoGradGuard no_grad;
  bool all_finite = true;
  for (const auto& tensor : body_->front_end_parameters()) {
    torch_ops::keep_in_range(tensor);
    all_finite = all_finite && tensor.isfinite().all().item<bool>();
  }
  return all_finite;
}

void Network::set_map_statistics(const at::Tensor& mean, const at::Tensor& deviation) {
  const at::NoGradGuard no_grad;
  for (const auto& layer : body_->architecture.layers) {
    const auto* found = std::get_if<Standardize>(&layer);
    if (found == nullptr) continue;
    body_->at(found->name + ".mean").copy_(mean);
    body_->at(found->name + ".deviation").copy_(deviation);
  }
}

std::vector<std::int64_t> Network::map_shape() const {
  const auto& maps = body_->architecture.maps;
  return {maps.channels, maps.height, maps.width};
}

at::Tensor Network::classify(const at::Tensor& maps) {
  return run(maps, 0, body_->architecture.layers.size());
}

at::Tensor Network::run(const at::Tensor& x, std::size_t first, std::size_t end) {
  Runner runner(*body_, x);
  for (std::size_t i = first; i < end; ++i) std::visit(runner, body_->architecture.layers[i]);
  return runner.result();
}

namespace {

/// Batch norms of some layers become constants.
void freeze_norms_of(std::span<const Layer> layers, Network::Body& body) {
  const auto freeze = [&](const std::string& norm) {
    body.frozen_norms.insert(norm);
    for (const auto* part : {".weight", ".bias"}) body.at(norm + part).requires_grad_(false);
  };
  for (const auto& layer : layers) {
    if (const auto* norm = std::get_if<InputNorm>(&layer)) body.frozen_norms.insert(norm->name);
    if (const auto* norm = std::get_if<NormRelu>(&layer)) freeze(norm->name);
    if (const auto* block = std::get_if<PreActivated>(&layer)) freeze(block->norm.name);
  }
  for_each_conv(layers, [&](const Conv& conv) {
    if (!conv.norm.empty()) freeze(conv.norm);
  });
}

}  // namespace

void Network::freeze_norms() { freeze_norms_of(body_->architecture.layers, *body_); }

void Network::freeze(std::size_t first, std::size_t end) {
  const auto layers = std::span(std::as_const(body_->architecture.layers)).subspan(first, end - first);
  freeze_norms_of(layers, *body_);
  for_each_conv(layers, [&](const Conv& conv) {
    body_->at(conv.name + ".weight").requires_grad_(false);
    if (conv.bias) body_->at(conv.name + ".bias").requires_grad_(false);
  });
  if (first > 0 || end == 0) return;
  for (const auto& name : body_->front_end_names) body_->at(name).requires_grad_(false);
}

at::Tensor Network::forward(const at::Tensor& images) { return classify(maps(images)); }

void Network::train(bool on) {
  if (on && body_->folded) throw Error("a network that was folded for inference cannot be trained");
  body_->training = on;
}

std::vector<std::pair<std::string, at::Tensor>> Network::parameters() const { return body_->parameters; }
std::vector<std::pair<std::string, at::Tensor>> Network::buffers() const { return body_->buffers; }

std::int64_t Network::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : body_->parameters) count += tensor.numel();
  return count;
}

// ---- folding ----

namespace {

// A batch norm after a convolution without bias is the same convolution with scaled weights and a bias.
void fold(const Conv& conv, Network::Body& body) {
  auto& weight = body.at(conv.name + ".weight");
  if (!conv.norm.empty()) {
    const auto [scale, shift] = constant_norm(conv.norm, body);
    weight = weight * scale.view({-1, 1, 1, 1});
    body.indices[conv.name + ".bias"] = shift;
  }
  weight = weight.contiguous(body.memory_format());
  for (auto* const part : {".weight", ".bias"}) {
    if (!body.has(conv.name + part)) continue;
    auto& tensor = body.at(conv.name + part);
    tensor = tensor.to(body.convolution_type());
  }
}

}  // namespace

void fold_for_inference(Network& network) {
  auto& body = *network.body_;
  if (body.folded) return;
  const at::NoGradGuard no_grad;
  body.training = false;
  body.folded = true;
  for_each_conv(body.architecture.layers, [&](const Conv& conv) { fold(conv, body); });
  // What is left are the layers' own tensors, which are no longer those of training.
  body.parameters.clear();
  body.buffers.clear();
}

}  // namespace scatlight::nets
