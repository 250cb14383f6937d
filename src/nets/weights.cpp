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
#include "nets/wavelets.h"
#include "scatlight/error.h"
#include "torch/wavelets.h"

namespace scatlight::nets {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* network_key = "network";

// One list of the fields for both directions.
template <class Options, class Field, class Later>
void each_field(Options& options, const Field& field, const Later& later) {
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
  // What files have only where it is not as usual, as those of earlier versions do not know it.
  later("paths", options.paths);
  later("dct_channels", options.dct_channels);
  later("image_mean", options.image_mean);
  later("image_deviation", options.image_deviation);
  later("standardize", options.standardize);
}

/// Of networks in files that name none.
Input usual_input(Family family) {
  const bool scatters = family == Family::ScatResNet || family == Family::Linear;
  return scatters ? Input::Scattering : Input::Pixels;
}

Json to_json(const NetworkOptions& options) {
  Json json = {{"family", name_of(options.family)}, {"block", name_of(options.block)}};
  if (options.input != usual_input(options.family)) json["input"] = name_of(options.input);
  if (options.learned_filters != LearnedFilters::None)
    json["learned_filters"] = name_of(options.learned_filters);
  Json usual;
  const NetworkOptions nothing = {};
  each_field(
      nothing, [](const char*, const auto&) {},
      [&](const char* key, const auto& value) { usual[key] = value; });
  each_field(
      options, [&](const char* key, const auto& value) { json[key] = value; },
      [&](const char* key, const auto& value) {
        if (const Json written = value; written != usual[key]) json[key] = written;
      });
  return json;
}

NetworkOptions from_json(const Json& json) {
  NetworkOptions options;
  options.family = from_name<Family>(json.at("family").get<std::string>());
  options.block = from_name<Block>(json.at("block").get<std::string>());
  options.input = usual_input(options.family);
  if (json.contains("input")) options.input = from_name<Input>(json.at("input").get<std::string>());
  if (json.contains("learned_filters"))
    options.learned_filters = from_name<LearnedFilters>(json.at("learned_filters").get<std::string>());
  const auto read = [&](const char* key, auto& value) { json.at(key).get_to(value); };
  each_field(options, read, [&](const char* key, auto& value) {
    if (json.contains(key)) read(key, value);
  });
  return options;
}

io::DType dtype_of(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kDouble) return io::DType::F64;
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

/// Throws Error, which names the file that they were read from, for learned wavelets that are out of range.
void check_wavelets_of(const Network& network, const std::filesystem::path& path) try {
  for (const auto& [name, tensor] : network.parameters()) {
    if (name == wavelets_name) torch_ops::check_range(tensor);
  }
} catch (const Error& error) {
  io::fail_at(path, fmt::format("its tensor '{}': {}", wavelets_name, error.what()));
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
  check_wavelets_of(network, path);
}

void check_front_end(const Network& network, const std::filesystem::path& path) {
  if (!io::SafetensorsReader(path).metadata().contains(network_key)) return;
  const auto name_of = [](const NetworkOptions& options) { return make_front_end(options)->name(); };
  auto own = network.options();
  std::string given;
  try {
    const auto options = read_weights_header(path).options;
    if (options.learned_filters == LearnedFilters::None) own.learned_filters = LearnedFilters::None;
    given = name_of(options);
  } catch (const Error& error) {
    io::fail_at(path, fmt::format("the network in its metadata is damaged: {}", error.what()));
  }
  const auto needed = name_of(own);
  if (given != needed)
    io::fail_at(path, fmt::format("its network reads {}; this one reads {}", given, needed));
}

bool load_body(Network& network, const std::filesystem::path& path) {
  const io::SafetensorsReader reader(path);
  check_front_end(network, path);
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
  if (reader.find(wavelets_name) == nullptr)
    std::erase_if(state, [](const auto& entry) { return entry.first == wavelets_name; });
  read_tensors(path, state, network.options().name,
               same_classes ? std::vector<std::string>() : std::vector{last + "."});
  check_finite(path, state);
  check_wavelets_of(network, path);
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
