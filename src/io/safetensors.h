#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/atomic_file.h"
#include "io/file.h"

namespace scatlight::io {

/// The element types that are known; others of the format are an Error on reading.
enum class DType { F64, F32, F16, BF16, I64, I32, U8, Bool };

std::size_t element_size(DType type);    ///< In bytes.
std::string_view type_name(DType type);  ///< As in the file: "F32", "BOOL".

/// What a file says about one tensor, in C order.
struct TensorInfo {
  std::string name = {};
  DType type = DType::F32;
  std::vector<std::int64_t> shape = {};  ///< Empty for a scalar.
  std::uint64_t offset = 0;  ///< Of its first byte, counted from the start of the data. Set by the file.
  std::uint64_t bytes = 0;   ///< Set by the file.
};

/// Free text of a file's header.
using Metadata = std::map<std::string, std::string>;

/// A safetensors file open for reading: an 8-byte length, a JSON header, the tensors' bytes. Nothing in the
/// file is trusted. The header has at most 100 MB, fits into the file, and names at most 100,000 tensors of
/// at most 64 dimensions, each name once; a tensor's bytes are what its shape and type need; the tensors
/// follow each other without overlap or gap and end with the file. Otherwise the constructor throws Error.
class SafetensorsReader {
 public:
  explicit SafetensorsReader(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  const std::vector<TensorInfo>& tensors() const { return tensors_; }  ///< In the order of their bytes.
  const Metadata& metadata() const { return metadata_; }

  /// The tensor of that name, or nullptr.
  const TensorInfo* find(std::string_view name) const;

  /// Copies a tensor's bytes; `bytes` has exactly tensor.bytes. Values of Bool are checked to be 0 or 1.
  /// May be called from several threads at a time.
  void read(const TensorInfo& tensor, std::span<std::byte> bytes) const;

 private:
  ReadOnlyFile file_;
  std::uint64_t data_offset_ = 0;
  std::vector<TensorInfo> tensors_;
  std::map<std::string, std::size_t, std::less<>> indices_;
  Metadata metadata_;
};

/// Writes a safetensors file tensor by tensor, so that it may be larger than memory. The same content gives
/// the same bytes. The file appears whole at commit() or not at all (see AtomicFile).
class SafetensorsWriter {
 public:
  /// The tensors' names, types and shapes, in any order. Throws Error for a name that is used twice, empty,
  /// not UTF-8 or reserved ("__metadata__").
  SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorInfo> tensors,
                    const Metadata& metadata = {});

  /// The order in which the bytes must be written: wide types first, so that all stay aligned, then by name.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }

  /// Appends bytes of the tensors in that order, in pieces of any size.
  void write(std::span<const std::byte> bytes);

  /// Throws Error when bytes are missing.
  void commit();

 private:
  std::filesystem::path path_;
  std::vector<TensorInfo> tensors_;
  std::uint64_t bytes_left_ = 0;
  AtomicFile file_;
};

/// A tensor that lies in memory, owned by the caller.
struct TensorData {
  std::string name = {};
  DType type = DType::F32;
  std::vector<std::int64_t> shape = {};
  std::span<const std::byte> bytes = {};
};

/// SafetensorsWriter for tensors that are in memory; their bytes are not copied. Tensors come in any order.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorData> tensors,
                       const Metadata& metadata = {});

}  // namespace scatlight::io
