#include "io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <set>
#include <stdexcept>
#include <tuple>

#include "io/display.h"
#include "io/path_error.h"
#include "io/safetensors_header.h"
#include "io/shape.h"

namespace scatlight::io {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are copied as they lie in memory");

constexpr std::uint64_t longest_safetensors_header = 100'000'000;

std::string read_header_text(const ReadOnlyFile& file) {
  std::array<unsigned char, 8> start = {};
  if (file.size() < start.size())
    fail_at(file.path(), "it is not a safetensors file: it is shorter than any");
  file.read(0, std::as_writable_bytes(std::span(start)));
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < start.size(); ++i) length |= std::uint64_t{start[i]} << (8 * i);
  const auto room = file.size() - start.size();
  if (length > longest_safetensors_header || length > room) {
    fail_at(file.path(),
            fmt::format("it is not a safetensors file, or is truncated: its header would have {} bytes; {} "
                        "follow, and at most {} are accepted",
                        length, room, longest_safetensors_header));
  }
  std::string text(length, '\0');
  file.read(start.size(), std::as_writable_bytes(std::span(text)));
  return text;
}

/// The tensors, sorted by place, must tile the data exactly.
void check_places(const std::filesystem::path& path, const std::vector<TensorInfo>& tensors,
                  std::uint64_t data_bytes) {
  std::uint64_t end = 0;
  for (const auto& tensor : tensors) {
    if (tensor.offset != end) {
      fail_at(path, fmt::format("tensor '{}' begins at byte {} of the data, {} was expected",
                                display(tensor.name), tensor.offset, end));
    }
    if (tensor.bytes > data_bytes - end) {
      fail_at(
          path,
          fmt::format("tensor '{}' ends at byte {} of the data, which has {}: the file is truncated or lies",
                      display(tensor.name), tensor.offset + tensor.bytes, data_bytes));
    }
    const auto count = element_count(tensor.shape, element_size(tensor.type));
    if (!count || static_cast<std::uint64_t>(*count) * element_size(tensor.type) != tensor.bytes) {
      fail_at(path, fmt::format("tensor '{}' has {} bytes, which is not what its shape and its type {} need",
                                display(tensor.name), tensor.bytes, type_name(tensor.type)));
    }
    end += tensor.bytes;
  }
  if (end != data_bytes) {
    fail_at(path, fmt::format("its tensors have {} bytes, but {} follow its header", end, data_bytes));
  }
}

}  // namespace

std::size_t element_size(DType type) {
  switch (type) {
    case DType::F64:
    case DType::I64:
      return 8;
    case DType::F32:
    case DType::I32:
      return 4;
    case DType::F16:
    case DType::BF16:
      return 2;
    default:
      return 1;
  }
}

std::string_view type_name(DType type) {
  switch (type) {
    case DType::F64:
      return "F64";
    case DType::F32:
      return "F32";
    case DType::F16:
      return "F16";
    case DType::BF16:
      return "BF16";
    case DType::I64:
      return "I64";
    case DType::I32:
      return "I32";
    case DType::U8:
      return "U8";
    default:
      return "BOOL";
  }
}

SafetensorsReader::SafetensorsReader(const std::filesystem::path& path) : file_(path) {
  const auto text = read_header_text(file_);
  auto header = parse_safetensors_header(path, text);
  data_offset_ = 8 + text.size();
  tensors_ = std::move(header.tensors);
  metadata_ = std::move(header.metadata);
  std::ranges::sort(tensors_, {}, [](const TensorInfo& t) { return std::tie(t.offset, t.bytes, t.name); });
  check_places(path, tensors_, file_.size() - data_offset_);
  for (std::size_t i = 0; i < tensors_.size(); ++i) indices_.emplace(tensors_[i].name, i);
}

const TensorInfo* SafetensorsReader::find(std::string_view name) const {
  const auto found = indices_.find(name);
  return found == indices_.end() ? nullptr : &tensors_[found->second];
}

void SafetensorsReader::read(const TensorInfo& tensor, std::span<std::byte> bytes) const {
  if (bytes.size() != tensor.bytes) {
    fail_at(path(), fmt::format("tensor '{}' has {} bytes, {} were asked for", display(tensor.name),
                                tensor.bytes, bytes.size()));
  }
  file_.read(data_offset_ + tensor.offset, bytes);
  if (tensor.type == DType::Bool &&
      std::ranges::any_of(bytes, [](std::byte b) { return b > std::byte{1}; })) {
    fail_at(path(), fmt::format("tensor '{}' has a BOOL that is neither 0 nor 1", display(tensor.name)));
  }
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorInfo> tensors,
                                     const Metadata& metadata)
    : path_(path), tensors_(std::move(tensors)), file_(path) {
  std::ranges::sort(tensors_, [](const TensorInfo& a, const TensorInfo& b) {
    const auto a_size = element_size(a.type);
    const auto b_size = element_size(b.type);
    return a_size != b_size ? a_size > b_size : a.name < b.name;
  });
  std::set<std::string_view> names;
  for (auto& tensor : tensors_) {
    if (tensor.name.empty() || tensor.name == "__metadata__" || !names.insert(tensor.name).second) {
      fail_at(path_,
              fmt::format("cannot write a tensor named '{}': the name is empty, reserved or used twice",
                          display(tensor.name)));
    }
    const auto count = element_count(tensor.shape, element_size(tensor.type));
    if (!count) fail_at(path_, fmt::format("tensor '{}' has no possible shape", display(tensor.name)));
    tensor.offset = bytes_left_;
    tensor.bytes = static_cast<std::uint64_t>(*count) * element_size(tensor.type);
    bytes_left_ += tensor.bytes;
  }
  std::string header;
  try {
    header = format_safetensors_header(tensors_, metadata);
  } catch (const std::invalid_argument& error) {
    fail_at(path_, error.what());
  }
  if (header.size() > longest_safetensors_header)
    fail_at(path_, "its safetensors header would be larger than 100 MB");
  const std::uint64_t length = header.size();
  file_.write(std::as_bytes(std::span(&length, 1)));
  file_.write(header);
}

void SafetensorsWriter::write(std::span<const std::byte> bytes) {
  if (bytes.size() > bytes_left_) {
    fail_at(path_, fmt::format("{} more bytes were written, its tensors have room for {}", bytes.size(),
                               bytes_left_));
  }
  bytes_left_ -= bytes.size();
  file_.write(bytes);
}

void SafetensorsWriter::commit() {
  if (bytes_left_ != 0)
    fail_at(path_, fmt::format("{} bytes of its tensors were never written", bytes_left_));
  file_.commit();
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorData> tensors,
                       const Metadata& metadata) {
  std::vector<TensorInfo> infos;
  std::map<std::string_view, const TensorData*> by_name;
  for (const auto& tensor : tensors) {
    infos.push_back({.name = tensor.name, .type = tensor.type, .shape = tensor.shape});
    by_name[tensor.name] = &tensor;
  }
  SafetensorsWriter writer(path, std::move(infos), metadata);
  for (const auto& info : writer.tensors()) {
    const auto& tensor = *by_name.at(info.name);
    if (tensor.bytes.size() != info.bytes) {
      fail_at(path, fmt::format("tensor '{}' has {} bytes, its shape and its type {} need {}",
                                display(info.name), tensor.bytes.size(), type_name(info.type), info.bytes));
    }
    writer.write(tensor.bytes);
  }
  writer.commit();
}

}  // namespace scatlight::io
