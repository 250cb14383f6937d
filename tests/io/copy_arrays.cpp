// Reads a .npy or .safetensors file by the project's reader and writes it again by its writer, so that a
// Python test can compare both with the packages that define the formats.

#include <cstdio>
#include <filesystem>
#include <string_view>

#include "io/npy.h"
#include "io/safetensors.h"
#include "scatlight/error.h"

namespace {

using namespace scatlight::io;

template <class T>
void copy_npy(const NpyReader& reader, NpyWriter& writer) {
  std::vector<T> elements(static_cast<std::size_t>(reader.count()));
  reader.read(0, std::span(elements));
  writer.write(std::span<const T>(elements));
}

void copy_npy(const char* from, const char* to) {
  const NpyReader reader(from);
  NpyWriter writer(to, reader.type(), reader.shape());
  switch (reader.type()) {
    case NpyType::Float32:
      copy_npy<float>(reader, writer);
      break;
    case NpyType::Float64:
      copy_npy<double>(reader, writer);
      break;
    case NpyType::UInt8:
      copy_npy<std::uint8_t>(reader, writer);
      break;
  }
  writer.commit();
}

void copy_safetensors(const char* from, const char* to) {
  const SafetensorsReader reader(from);
  std::vector<std::vector<std::byte>> bytes;
  std::vector<TensorData> tensors;
  bytes.reserve(reader.tensors().size());
  for (const auto& info : reader.tensors()) {
    bytes.emplace_back(info.bytes);
    reader.read(info, bytes.back());
    tensors.push_back({.name = info.name, .type = info.type, .shape = info.shape, .bytes = bytes.back()});
  }
  write_safetensors(to, tensors, reader.metadata());
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("usage: copy_arrays FROM TO\n", stderr);
    return 2;
  }
  try {
    const bool is_npy = std::filesystem::path(arguments[1]).extension() == ".npy";
    if (is_npy) {
      copy_npy(arguments[1], arguments[2]);
    } else {
      copy_safetensors(arguments[1], arguments[2]);
    }
  } catch (const scatlight::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
