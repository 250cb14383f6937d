#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "io/atomic_file.h"
#include "io/file.h"

namespace scatlight::io {

/// The element types of .npy files that are read and written: '<f4', '<f8' and '|u1'.
enum class NpyType { Float32, Float64, UInt8 };

std::size_t element_size(NpyType type);    ///< In bytes.
std::string_view type_name(NpyType type);  ///< "float32", "float64" or "uint8".

/// A .npy file (versions 1, 2 and 3, little-endian, C order) open for reading. Anything else is an Error, and
/// so is a file that is shorter or longer than its header says: that is known before memory is taken.
class NpyReader {
 public:
  explicit NpyReader(const std::filesystem::path& path);

  NpyType type() const { return type_; }
  const std::vector<std::int64_t>& shape() const { return shape_; }
  std::int64_t count() const { return count_; }  ///< Elements in all.

  /// Reads elements from `first` on in C order, as many as fit into `elements`. The type must be the file's.
  /// May be called from several threads at a time.
  void read(std::int64_t first, std::span<float> elements) const;
  void read(std::int64_t first, std::span<double> elements) const;
  void read(std::int64_t first, std::span<std::uint8_t> elements) const;

 private:
  void read(std::int64_t first, std::size_t count, NpyType type, std::span<std::byte> bytes) const;

  ReadOnlyFile file_;
  std::uint64_t data_offset_ = 0;
  NpyType type_ = NpyType::Float32;
  std::vector<std::int64_t> shape_;
  std::int64_t count_ = 0;
};

/// Writes a .npy file piece by piece, so that it may be larger than memory. The file appears whole at
/// commit() or not at all (see AtomicFile).
class NpyWriter {
 public:
  NpyWriter(const std::filesystem::path& path, NpyType type, const std::vector<std::int64_t>& shape);

  /// Appends elements in C order. The type must be the one declared; more than the shape holds is an Error.
  void write(std::span<const float> elements);
  void write(std::span<const double> elements);
  void write(std::span<const std::uint8_t> elements);

  /// Throws Error when elements are missing.
  void commit();

 private:
  void write(NpyType type, std::size_t count, std::span<const std::byte> bytes);

  std::filesystem::path path_;
  NpyType type_;
  std::int64_t count_left_ = 0;
  AtomicFile file_;
};

}  // namespace scatlight::io
