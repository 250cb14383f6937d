#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/npy.h"
#include "io/safetensors.h"

namespace scatlight::cli {

/// The formats of features on disk, by the file's name.
enum class FeatureFormat { Npy, Safetensors };

/// Throws Error when the name ends in neither .npy nor .safetensors.
FeatureFormat feature_format(const std::filesystem::path& file);

/// Features on their way to disk; the file may be larger than memory. It appears whole at commit() or not at
/// all.
class FeatureWriter {
 public:
  /// `description` (JSON) says what the features are. In .safetensors it is the metadata entry "scatlight".
  /// Beside .npy it is the file NAME.npy.json if `index` is set. A .npy takes one tensor. Throws Error when a
  /// file cannot be written.
  FeatureWriter(const std::filesystem::path& file, const std::vector<io::TensorInfo>& tensors,
                const std::string& description, bool index);

  /// Appends values, of the tensors in the order of their names.
  void write(std::span<const float> values);
  void write(std::span<const double> values);

  /// No index stands beside an array that it does not describe, even after a kill: that of an earlier array
  /// goes first, and the new one comes last.
  void commit();

 private:
  std::optional<std::filesystem::path> earlier_index_;
  std::optional<io::NpyWriter> npy_;
  std::optional<io::SafetensorsWriter> safetensors_;
  std::optional<io::AtomicFile> index_;
};

}  // namespace scatlight::cli
