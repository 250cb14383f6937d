#include "cli/transform_output.h"

#include <fmt/format.h>

#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::cli {

FeatureFormat feature_format(const std::filesystem::path& file) {
  const auto ending = file.extension();
  if (ending == ".npy") return FeatureFormat::Npy;
  if (ending == ".safetensors") return FeatureFormat::Safetensors;
  throw Error(fmt::format("{}: the name must end in .npy or .safetensors", io::display_path(file)));
}

FeatureWriter::FeatureWriter(const std::filesystem::path& file, const std::vector<io::TensorInfo>& tensors,
                             const std::string& description, bool index) {
  if (feature_format(file) == FeatureFormat::Safetensors) {
    safetensors_.emplace(file, tensors, io::Metadata{{"scatlight", description}});
  } else {
    const auto& tensor = tensors.front();
    npy_.emplace(file, tensor.type == io::DType::F64 ? io::NpyType::Float64 : io::NpyType::Float32,
                 tensor.shape);
  }
  if (index) {
    index_.emplace(file.native() + ".json");
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
  if (npy_) npy_->commit();
  if (safetensors_) safetensors_->commit();
  if (index_) index_->commit();
}

}  // namespace scatlight::cli
