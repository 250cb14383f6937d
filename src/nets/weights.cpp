#include "nets/weights.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <variant>

#include "io/display.h"
#include "io/path_error.h"
#include "io/safetensors.h"
#include "nets/architecture.h"
#include "scatlight/error.h"

namespace scatlight::nets {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* network_key = "network";
constexpr std::pair<Family, const char*> family_names[] = {{Family::ScatResNet, "scatresnet"},
                                                           {Family::ResNet, "resnet"},
                                                           {Family::Vgg, "vgg"},
                                                           {Family::Linear, "linear"}};
constexpr std::pair<Block, const char*> block_names[] = {{Block::Basic, "basic"},
                                                         {Block::Bottleneck, "bottleneck"}};

template <class Enum, std::size_t N>
const char* to_name(const std::pair<Enum, const char*> (&names)[N], Enum value) {
  for (const auto& [candidate, name] : names) {
    if (candidate == value) return name;
  }
  return "";
}

template <class Enum, std::size_t N>
Enum from_name(const std::pair<Enum, const char*> (&names)[N], const std::string& given) {
  for (const auto& [value, name] : names) {
    if (given == name) return value;
  }
  throw Error(fmt::format("'{}' is not known", io::display(given)));
}

// One list of the fields for both directions.
template <class Options, class Field>
void each_field(Options& options, const Field& field) {
  field("name", options.name);
  field("classes", options.classes);
  field("height", options.height);
  field("width", options.width);
  field("scales", options.scales);
  field("angles", options.angles);
  field("max_order", options.max_order);
  field("input_norm", options.input_norm);
  field("stem", options.stem);
  field("depths", options.depths);
  field("widths", options.widths);
  field("expansion", options.expansion);
  field("first_stride", options.first_stride);
}

Json to_json(const NetworkOptions& options) {
  Json json = {{"family", to_name(family_names, options.family)},
               {"block", to_name(block_names, options.block)}};
  each_field(options, [&](const char* key, const auto& value) { json[key] = value; });
  return json;
}

NetworkOptions from_json(const Json& json) {
  NetworkOptions options;
  options.family = from_name(family_names, json.at("family").get<std::string>());
  options.block = from_name(block_names, json.at("block").get<std::string>());
  each_field(options, [&](const char* key, auto& value) { json.at(key).get_to(value); });
  return options;
}

io::DType dtype_of(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kLong ? io::DType::I64 : io::DType::F32;
}

std::span<std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.data_ptr()), static_cast<std::size_t>(tensor.nbytes())};
}

NamedTensors state_of(const Network& network) {
  auto state = network.parameters();
  for (auto& buffer : network.buffers()) state.push_back(std::move(buffer));
  return state;
}

void check_tensor(const std::filesystem::path& path, const std::string& owner, const std::string& name,
                  const at::Tensor& tensor, const io::TensorInfo* info) {
  if (info == nullptr) io::fail_at(path, fmt::format("it has no tensor '{}', which {} needs", name, owner));
  if (info->type != dtype_of(tensor) ||
      !std::equal(info->shape.begin(), info->shape.end(), tensor.sizes().begin(), tensor.sizes().end())) {
    io::fail_at(path, fmt::format("its tensor '{}' is {} {}; {} needs {} {}", name, io::type_name(info->type),
                                  fmt::format("[{}]", fmt::join(info->shape, ", ")), owner,
                                  io::type_name(dtype_of(tensor)),
                                  fmt::format("[{}]", fmt::join(tensor.sizes(), ", "))));
  }
}

/// The layer that gives the classes: "fc", or "classifier.6" of VGG.
std::string last_layer(const Network& network) {
  return std::get<Linear>(make_architecture(network.options()).layers.back()).name;
}

}  // namespace

void write_tensors(const std::filesystem::path& path, const NamedTensors& tensors,
                   const NetworkOptions& options, const Metadata& metadata) {
  std::vector<at::Tensor> contiguous;
  std::vector<io::TensorData> data;
  for (const auto& [name, tensor] : tensors) {
    contiguous.push_back(tensor.detach().to(at::kCPU).contiguous());
    data.push_back({name, dtype_of(tensor), tensor.sizes().vec(), bytes_of(contiguous.back())});
  }
  auto all = metadata;
  all[network_key] = to_json(options).dump();
  io::write_safetensors(path, data, all);
}

void read_tensors(const std::filesystem::path& path, const NamedTensors& tensors, const std::string& owner,
                  const std::vector<std::string>& left_out) {
  const io::SafetensorsReader reader(path);
  for (const auto& [name, tensor] : tensors) check_tensor(path, owner, name, tensor, reader.find(name));
  const std::map<std::string, at::Tensor> known(tensors.begin(), tensors.end());
  for (const auto& info : reader.tensors()) {
    const auto is_beginning = [&](const auto& begin) { return info.name.starts_with(begin); };
    if (!known.contains(info.name) && std::ranges::none_of(left_out, is_beginning)) {
      io::fail_at(path,
                  fmt::format("it has a tensor '{}', which {} does not have", io::display(info.name), owner));
    }
  }
  // All was checked, so a bad file leaves the tensors as they were.
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    const auto staging = at::empty(tensor.sizes(), tensor.scalar_type());
    reader.read(*reader.find(name), bytes_of(staging));
    tensor.detach().copy_(staging);
  }
}

void check_finite(const std::filesystem::path& path, const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (tensor.is_floating_point() && !tensor.isfinite().all().item<bool>())
      io::fail_at(path, fmt::format("its tensor '{}' has numbers that are not finite", name));
  }
}

void save_weights(const Network& network, const std::filesystem::path& path, const Metadata& metadata) {
  write_tensors(path, state_of(network), network.options(), metadata);
}

void load_weights(Network& network, const std::filesystem::path& path) {
  read_tensors(path, state_of(network), network.options().name);
}

bool load_body(Network& network, const std::filesystem::path& path) {
  const io::SafetensorsReader reader(path);
  auto state = state_of(network);
  const auto last = last_layer(network);
  const auto* weight = reader.find(last + ".weight");
  const bool has_last =
      std::ranges::any_of(state, [&](const auto& entry) { return entry.first == last + ".weight"; });
  const bool same_classes =
      has_last &&
      (weight == nullptr || (!weight->shape.empty() && weight->shape.front() == network.options().classes));
  if (!same_classes) {
    std::erase_if(state, [&](const auto& entry) { return entry.first.starts_with(last + "."); });
  }
  read_tensors(path, state, network.options().name,
               same_classes ? std::vector<std::string>() : std::vector{last + "."});
  check_finite(path, state);
  return same_classes;
}

WeightsHeader read_weights_header(const std::filesystem::path& path) {
  const io::SafetensorsReader reader(path);
  const auto found = reader.metadata().find(network_key);
  if (found == reader.metadata().end())
    io::fail_at(path, "its metadata has no network: scatlight did not write it");
  try {
    return {from_json(Json::parse(found->second)), reader.metadata()};
  } catch (const Json::exception&) {
    io::fail_at(path, "the network in its metadata is damaged");
  } catch (const Error& error) {
    io::fail_at(path, std::string("the network in its metadata is damaged: ") + error.what());
  }
}

}  // namespace scatlight::nets
