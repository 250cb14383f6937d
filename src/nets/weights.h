#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "nets/network.h"

namespace scatlight::nets {

/// Free text in a weights file beside the network's options: classes, image size, recipe.
using Metadata = std::map<std::string, std::string>;

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// Writes tensors as safetensors. The metadata holds the options (key "network", JSON) and `metadata`.
void write_tensors(const std::filesystem::path& path, const NamedTensors& tensors,
                   const NetworkOptions& options, const Metadata& metadata);

/// Fills the tensors from a file. Each must be there with its shape, and what the file has beside is an error
/// too, but for names that begin with one of `left_out`. Errors name the file, the tensor and both shapes,
/// and `owner` as the one who needs it; then no tensor was changed.
void read_tensors(const std::filesystem::path& path, const NamedTensors& tensors, const std::string& owner,
                  const std::vector<std::string>& left_out = {});

/// Throws Error, which names the file that they were read from, for tensors with numbers that are not finite.
void check_finite(const std::filesystem::path& path, const NamedTensors& tensors);

/// Writes parameters and buffers as safetensors with torchvision's names. The metadata holds the options (key
/// "network", JSON) and `metadata`.
void save_weights(const Network& network, const std::filesystem::path& path, const Metadata& metadata = {});

/// Fills the network from a weights file, as read_tensors() does. A file without our metadata (written from
/// torchvision's state_dict) is accepted.
void load_weights(Network& network, const std::filesystem::path& path);

/// Throws Error for a weights file whose metadata names a network with another front end: the maps of two may
/// have one shape. A network that learns wavelets begins with the maps of the same one that does not, whose
/// file it accepts. So is a file without our metadata.
void check_front_end(const Network& network, const std::filesystem::path& path);

/// Fills the network from a weights file of the same network with any number of classes. Of another number,
/// the last layer keeps its first values, and of a network that was cut before it the file's is left out;
/// returns whether it was filled. Learned wavelets that the file does not have
/// keep theirs. Throws Error as load_weights does, and for weights that are not finite
/// numbers.
bool load_body(Network& network, const std::filesystem::path& path);

/// The options and the metadata of a file that save_weights wrote; Error for a file without them.
struct WeightsHeader {
  NetworkOptions options;
  Metadata metadata;
};
WeightsHeader read_weights_header(const std::filesystem::path& path);

}  // namespace scatlight::nets
