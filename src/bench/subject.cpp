#include "bench/subject.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <fmt/format.h>

#include "nets/catalogue.h"
#include "scatlight/error.h"
#include "train/frozen.h"

namespace scatlight::bench {
namespace {

// Weights hardly move, so that all steps work on numbers of the same size.
constexpr double learning_rate = 1e-4;

/// The first layer of a base that is trained: the stem and the first group are constants (paper section 3.2).
std::size_t first_trained(const nets::DetectionParts& parts) { return nets::first_trained(1, parts.groups); }

}  // namespace

Subject make_subject(const std::string& name, int size, bool features) {
  Subject subject = {.options = nets::network_options(name)};
  subject.options.height = subject.options.width = size;
  try {
    nets::make_architecture(subject.options);
    if (features) subject.parts = nets::detection_parts(subject.options);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", name, error.what()));
  }
  return subject;
}

nets::Cost cost_of(const Subject& subject) {
  if (!subject.parts) return nets::cost(subject.options);
  const auto architecture = nets::make_architecture(subject.options);
  const nets::CostRules rules = {.first_trained = first_trained(*subject.parts), .frozen_norms = true};
  return nets::layers_cost(architecture, 0, subject.parts->base_end, architecture.maps, rules).cost;
}

std::int64_t counted_bytes(const Subject& subject, at::ScalarType precision) {
  const auto cost = cost_of(subject);
  // A base keeps its maps for no gradient, as its first layers are constants; they are there nevertheless.
  const auto values =
      cost.saved_bytes / std::int64_t{sizeof(float)} + (subject.parts ? cost.input_values : 0);
  return values * static_cast<std::int64_t>(at::elementSize(precision));
}

std::int64_t smallest_batch(const Subject& subject) { return subject.parts ? 1 : 2; }

nets::Network make_network(const Subject& subject, const torch_ops::Placement& placement) {
  if (!subject.parts) {
    nets::Network network(subject.options);
    network.to(placement);
    return network;
  }
  nets::Network network(subject.options, subject.parts->base_end);
  network.freeze_norms();
  network.freeze(0, first_trained(*subject.parts));
  network.to(placement);
  return network;
}

TrainingStep::TrainingStep(const Subject& subject, const torch_ops::Placement& placement)
    : is_base_(subject.parts.has_value()),
      network_(make_network(subject, placement)),
      optimizer_(train::trained(network_.parameters()), {}) {}

at::Tensor TrainingStep::loss(const at::Tensor& maps, const at::Tensor& labels) {
  const auto output = network_.classify(maps);
  return is_base_ ? output.mean() : at::cross_entropy_loss(output, labels);
}

void TrainingStep::finish(const at::Tensor& loss) {
  loss.backward();
  optimizer_.step(learning_rate);
}

at::Tensor random_images(const Subject& subject, std::int64_t count, const at::Device& device) {
  return at::rand({count, 3, subject.options.height, subject.options.width}).to(device);
}

at::Tensor random_labels(const Subject& subject, std::int64_t count, const at::Device& device) {
  return at::randint(subject.options.classes, {count}, at::kLong).to(device);
}

}  // namespace scatlight::bench
