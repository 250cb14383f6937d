#include "io/safetensors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

#include "support/expect_error.h"
#include "support/mutate.h"
#include "support/temporary_folder.h"

namespace scatlight::io {
namespace {

using test::expect_error;
using test::TemporaryFolder;

constexpr std::uint64_t no_limit = std::uint64_t{1} << 40;

std::string file_bytes(std::string_view header, std::size_t data_bytes) {
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + std::string(header) + std::string(data_bytes, '\0');
}

std::vector<std::byte> bytes_of(std::size_t count, int first) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(first + static_cast<int>(i));
  return bytes;
}

struct Example {
  std::vector<std::byte> f32 = bytes_of(24, 1);
  std::vector<std::byte> i64 = bytes_of(8, 50);
  std::vector<std::byte> u8 = bytes_of(3, 90);
  std::vector<std::byte> f16 = bytes_of(4, 100);
  std::vector<TensorData> tensors = {
      {.name = "a.u8", .type = DType::U8, .shape = {3}, .bytes = u8},
      {.name = "z.weight", .type = DType::F32, .shape = {2, 3}, .bytes = f32},
      {.name = "counter", .type = DType::I64, .shape = {}, .bytes = i64},
      {.name = "half \"x\"\n", .type = DType::F16, .shape = {2, 1}, .bytes = f16},
      {.name = "empty", .type = DType::F32, .shape = {0, 7}, .bytes = {}},
  };
};

TEST(Safetensors, RoundTrips) {
  const TemporaryFolder folder;
  const Example example;
  const auto path = folder / "a.safetensors";
  write_safetensors(path, example.tensors, {{"network", "scatresnet10"}, {"note", "line\n\"two\""}});

  const SafetensorsReader reader(path);
  EXPECT_EQ(reader.metadata(), (Metadata{{"network", "scatresnet10"}, {"note", "line\n\"two\""}}));
  ASSERT_EQ(reader.tensors().size(), example.tensors.size());
  for (const auto& tensor : example.tensors) {
    const auto* info = reader.find(tensor.name);
    ASSERT_NE(info, nullptr) << tensor.name;
    EXPECT_EQ(info->type, tensor.type);
    EXPECT_EQ(info->shape, tensor.shape);
    ASSERT_EQ(info->bytes, tensor.bytes.size());
    EXPECT_EQ(info->offset % element_size(info->type), 0U) << "aligned";
    std::vector<std::byte> bytes(info->bytes);
    reader.read(*info, bytes);
    EXPECT_TRUE(std::ranges::equal(bytes, tensor.bytes)) << tensor.name;
  }
  EXPECT_EQ(reader.find("absent"), nullptr);
  std::vector<std::byte> small(1);
  expect_error([&] { reader.read(*reader.find("counter"), small); }, "has 8 bytes, 1 were asked for");
}

TEST(Safetensors, TheSameContentGivesTheSameBytes) {
  const TemporaryFolder folder;
  Example example;
  write_safetensors(folder / "a.safetensors", example.tensors, {{"x", "1"}});
  std::ranges::reverse(example.tensors);
  write_safetensors(folder / "b.safetensors", example.tensors, {{"x", "1"}});
  const auto bytes = read_text(folder / "a.safetensors", no_limit);
  EXPECT_EQ(bytes, read_text(folder / "b.safetensors", no_limit));
  std::uint64_t header_length = 0;
  std::memcpy(&header_length, bytes.data(), 8);
  EXPECT_EQ(header_length % 8, 0U);
}

TEST(Safetensors, NoTensorsIsAFileToo) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors", {});
  const SafetensorsReader reader(folder / "a.safetensors");
  EXPECT_TRUE(reader.tensors().empty());
  EXPECT_TRUE(reader.metadata().empty());
}

TEST(Safetensors, WriterStreamsInPieces) {
  const TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  const auto data = bytes_of(40, 0);
  SafetensorsWriter writer(path, {{.name = "features", .type = DType::F32, .shape = {2, 5}}});
  EXPECT_EQ(writer.tensors()[0].bytes, 40U);
  writer.write(std::span(data).first(7));
  writer.write(std::span(data).subspan(7));
  expect_error([&] { writer.write(std::span(data).first(1)); }, "room for 0");
  writer.commit();
  std::vector<std::byte> read(40);
  const SafetensorsReader reader(path);
  reader.read(reader.tensors()[0], read);
  EXPECT_EQ(read, data);
}

TEST(Safetensors, WriterRefusesBadTensorsAndLeavesNothing) {
  const TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  const auto refuse = [&](std::vector<TensorInfo> tensors, std::string_view reason,
                          const Metadata& metadata = {}) {
    expect_error([&] { SafetensorsWriter(path, tensors, metadata); }, reason);
  };
  refuse({{.name = "a"}, {.name = "a"}}, "used twice");
  refuse({{.name = ""}}, "empty");
  refuse({{.name = "__metadata__"}}, "reserved");
  refuse({{.name = "\xff"}}, "not UTF-8");
  refuse({}, "not UTF-8", {{"a", "\xff"}});
  refuse({{.name = "a", .shape = {-1}}}, "no possible shape");
  refuse({{.name = "a", .shape = {1LL << 40, 1LL << 40}}}, "no possible shape");
  const auto bytes = bytes_of(7, 0);
  const TensorData tensor{.name = "a", .type = DType::F32, .shape = {2}, .bytes = bytes};
  expect_error([&] { write_safetensors(path, std::span(&tensor, 1)); }, "has 7 bytes");
  SafetensorsWriter writer(path, {{.name = "a", .type = DType::F32, .shape = {2}}});
  writer.write(bytes);
  expect_error([&] { writer.commit(); }, "1 bytes of its tensors were never written");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Safetensors, RefusesLyingFiles) {
  const TemporaryFolder folder;
  const auto refuse = [&](const std::string& bytes, std::string_view reason) {
    const auto path = folder.add("bad.safetensors", bytes);
    expect_error([&] { SafetensorsReader reader(path); }, reason);
    expect_error([&] { SafetensorsReader reader(path); }, "bad.safetensors");
  };
  const auto tensor = [](std::string_view name, std::string_view dtype, std::string_view shape,
                         std::string_view offsets) {
    return '"' + std::string(name) + R"(":{"dtype":")" + std::string(dtype) + R"(","shape":)" +
           std::string(shape) + R"(,"data_offsets":)" + std::string(offsets) + '}';
  };
  const auto a = tensor("a", "F32", "[2]", "[0,8]");
  refuse("", "shorter than any");
  refuse("1234567", "shorter than any");
  refuse(std::string(8, '\xff'), "its header would have 18446744073709551615 bytes");
  refuse(file_bytes("{}", 0).substr(0, 9), "its header would have 2 bytes; 1 follow");
  refuse(file_bytes("", 0), "is no valid JSON");
  refuse(file_bytes("{", 0), "is no valid JSON");
  refuse(file_bytes("{}x", 0), "is no valid JSON");
  refuse(file_bytes("[]", 0), "an array where none belongs");
  refuse(file_bytes("7", 0), "a number where none belongs");
  refuse(file_bytes("{\"\xff\":1}", 0), "is no valid JSON");
  refuse(file_bytes(std::string(200'000, '['), 0), "an array where none belongs");
  refuse(file_bytes(R"({"a":{"shape":[[[[]]]]}})", 0), "an array where none belongs");
  refuse(file_bytes(R"({"a":{"b":{}}})", 0), "an object where none belongs");
  refuse(file_bytes(R"({"__metadata__":{"a":1}})", 0), "a number where none belongs");
  refuse(file_bytes(R"({"__metadata__":{"a":"1","a":"2"}})", 0), "metadata key 'a' twice");
  refuse(file_bytes("{" + a + "," + a + "}", 8), "the name 'a' twice");
  refuse(file_bytes("{" + a + "," + tensor("b", "F32", "[2]", "[0,8]") + "}", 8), "'b' begins at byte 0");
  refuse(file_bytes("{" + a + "," + tensor("b", "F32", "[2]", "[4,12]") + "}", 12), "'b' begins at byte 4");
  refuse(file_bytes("{" + a + "," + tensor("b", "F32", "[2]", "[12,20]") + "}", 20), "'b' begins at byte 12");
  refuse(file_bytes("{" + a + "}", 7), "ends at byte 8 of the data, which has 7");
  refuse(file_bytes("{" + a + "}", 9), "have 8 bytes, but 9 follow");
  refuse(file_bytes(std::string("{") + tensor("a", "F32", "[3]", "[0,8]") + "}", 8),
         "not what its shape and its type F32 need");
  refuse(file_bytes(
             std::string("{") + tensor("a", "F32", "[4294967296,4294967296,4294967296]", "[0,8]") + "}", 8),
         "not what");
  refuse(file_bytes(std::string("{") + tensor("a", "F32", "[0,9999999999999999999999]", "[0,0]") + "}", 0),
         "a fraction");
  refuse(file_bytes(std::string("{") + tensor("a", "F32", "[9223372036854775808]", "[0,8]") + "}", 8),
         "a huge number");
  refuse(file_bytes(std::string("{") + tensor("a", "F32", "[-2]", "[0,8]") + "}", 8), "a negative number");
  refuse(file_bytes(std::string("{") + tensor("a", "F32", "[2.0]", "[0,8]") + "}", 8), "a fraction");
  refuse(file_bytes(std::string("{") + tensor("a", "F32", "[2]", "[8,0]") + "}", 8), "end before they begin");
  refuse(file_bytes(std::string("{") + tensor("a", "F32", "[2]", "[0]") + "}", 8), "lacks one of");
  refuse(file_bytes(std::string("{") + tensor("a", "F32", "[2]", "[0,8,8]") + "}", 8),
         "a number where none belongs");
  refuse(file_bytes(std::string("{") + tensor("a", "F8_E4M3", "[2]", "[0,2]") + "}", 2),
         "the type 'F8_E4M3'; F64");
  refuse(file_bytes(R"({"a":{"dtype":"F32","dtype":"F32"}})", 0), "a text where none belongs");
  refuse(file_bytes(R"({"a":{}})", 0), "lacks one of");
  refuse(file_bytes(R"({"a":null})", 0), "null where none belongs");
  std::string ones = "[1";
  for (int i = 0; i < 64; ++i) ones += ",1";
  refuse(file_bytes(std::string("{") + tensor("a", "U8", ones + "]", "[0,1]") + "}", 1),
         "more than 64 dimensions");
}

TEST(Safetensors, RefusesTooManyTensors) {
  std::string header = "{";
  for (int i = 0; i <= 100'000; ++i) {
    header += '"' + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)";
  }
  header.back() = '}';
  const TemporaryFolder folder;
  const auto path = folder.add("a.safetensors", file_bytes(header, 0));
  expect_error([&] { SafetensorsReader reader(path); }, "more than 100000 tensors");
}

TEST(Safetensors, ChecksBooleans) {
  const TemporaryFolder folder;
  auto bytes = file_bytes(R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", 2);
  bytes.back() = 2;
  const SafetensorsReader reader(folder.add("a.safetensors", bytes));
  std::vector<std::byte> values(2);
  expect_error([&] { reader.read(reader.tensors()[0], values); }, "neither 0 nor 1");
}

TEST(Safetensors, SurvivesDamagedFiles) {
  const TemporaryFolder folder;
  write_safetensors(folder / "good.safetensors", Example().tensors, {{"network", "x"}});
  const auto good = read_text(folder / "good.safetensors", no_limit);
  std::mt19937_64 random(1);
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    const auto path = folder.add("bad.safetensors", test::mutate(good, random));
    try {
      const SafetensorsReader reader(path);
      for (const auto& tensor : reader.tensors()) {
        std::vector<std::byte> bytes(tensor.bytes);
        reader.read(tensor, bytes);
      }
    } catch (const Error& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace scatlight::io
