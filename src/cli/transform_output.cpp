#include "cli/transform_output.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <system_error>

#include "io/display.h"
#include "io/file.h"
#include "scatlight/error.h"

namespace scatlight::cli {
namespace {

/// True for a file that this program wrote to describe an array; somebody else's is left alone.
bool is_index(const std::filesystem::path& file) {
  constexpr std::uint64_t largest_index = std::uint64_t{1} << 30;
  std::error_code absent;
  if (!std::filesystem::is_regular_file(file, absent)) return false;
  const auto json = nlohmann::json::parse(io::read_text(file, largest_index), nullptr, false);
  return json.is_object() && json.contains("scatlight") && json.contains("command") &&
         json["command"] == "transform";
}

}  // namespace

FeatureFormat feature_format(const std::filesystem::path& file) {
  const auto ending = file.extension();
  if (ending == ".npy") return FeatureFormat::Npy;
  if (ending == ".safetensors") return FeatureFormat::Safetensors;
  throw Error(fmt::format("{}: the name must end in .npy or .safetensors", io::display_path(file)));
}

FeatureWriter::FeatureWriter(const std::filesystem::path& file, const std::vector<io::TensorInfo>& tensors,
                             const std::string& description, bool index) {
  const std::filesystem::path index_path = file.native() + ".json";
  if (feature_format(file) == FeatureFormat::Safetensors) {
    safetensors_.emplace(file, tensors, io::Metadata{{"scatlight", description}});
  } else {
    const auto& tensor = tensors.front();
    npy_.emplace(file, tensor.type == io::DType::F64 ? io::NpyType::Float64 : io::NpyType::Float32,
                 tensor.shape);
    if (is_index(index_path)) earlier_index_ = std::filesystem::canonical(index_path);
  }
  if (index) {
    index_.emplace(index_path);
    index_->write(description + "\n");
  }
}

void FeatureWriter::write(std::span<const float> values) {
  if (npy_) {
    npy_->write(values);
  } else {
    safetensors_->write(std::as_bytes(values));
  }
}

void FeatureWriter::write(std::span<const double> values) {
  if (npy_) {
    npy_->write(values);
  } else {
    safetensors_->write(std::as_bytes(values));
  }
}

void FeatureWriter::commit() {
  if (earlier_index_) std::filesystem::remove(*earlier_index_);
  if (npy_) npy_->commit();
  if (safetensors_) safetensors_->commit();
  if (index_) index_->commit();
}

}  // namespace scatlight::cli
