#include "io/npy.h"

#include <gtest/gtest.h>

#include <numeric>
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

/// A version 1 file with this header text and this many bytes of data.
std::string npy_bytes(std::string header, std::size_t data_bytes, char version = 1) {
  header += '\n';
  std::string bytes("\x93NUMPY", 6);
  bytes += version;
  bytes += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) bytes += static_cast<char>(header.size() >> (8 * i));
  return bytes + header + std::string(data_bytes, '\0');
}

template <class T>
std::vector<T> read_all(const NpyReader& reader) {
  std::vector<T> elements(static_cast<std::size_t>(reader.count()));
  reader.read(0, std::span(elements));
  return elements;
}

template <class T>
void expect_round_trip(NpyType type, std::vector<std::int64_t> shape) {
  const TemporaryFolder folder;
  const auto path = folder / "a.npy";
  std::int64_t count = 1;
  for (const auto length : shape) count *= length;
  std::vector<T> elements(static_cast<std::size_t>(count));
  std::iota(elements.begin(), elements.end(), T{3});
  NpyWriter writer(path, type, shape);
  const auto half = elements.size() / 2;
  writer.write(std::span<const T>(elements).first(half));
  writer.write(std::span<const T>(elements).subspan(half));
  writer.commit();

  const NpyReader reader(path);
  EXPECT_EQ(reader.type(), type);
  EXPECT_EQ(reader.shape(), shape);
  EXPECT_EQ(read_all<T>(reader), elements);
  EXPECT_EQ(std::filesystem::file_size(path) % 64, elements.size() * sizeof(T) % 64) << "data is aligned";
}

TEST(Npy, RoundTrips) {
  expect_round_trip<float>(NpyType::Float32, {2, 3, 4, 5});
  expect_round_trip<double>(NpyType::Float64, {7});
  expect_round_trip<std::uint8_t>(NpyType::UInt8, {3, 5});
  expect_round_trip<float>(NpyType::Float32, {});
  expect_round_trip<float>(NpyType::Float32, {4, 0, 3});
  expect_round_trip<float>(NpyType::Float32, std::vector<std::int64_t>(32, 1));
}

TEST(Npy, ReadsParts) {
  const TemporaryFolder folder;
  NpyWriter writer(folder / "a.npy", NpyType::Float32, {6});
  writer.write(std::vector<float>{0, 1, 2, 3, 4, 5});
  writer.commit();
  const NpyReader reader(folder / "a.npy");
  std::vector<float> part(2);
  reader.read(3, std::span(part));
  EXPECT_EQ(part, (std::vector<float>{3, 4}));
  expect_error([&] { reader.read(5, std::span(part)); }, "elements 5 to 7 were asked for, it has 6");
  expect_error([&] { reader.read(-1, std::span(part)); }, "were asked for");
  std::vector<double> wide(1);
  expect_error([&] { reader.read(0, std::span(wide)); }, "its elements are float32, not float64");
}

TEST(Npy, AcceptsAllVersionsAndSpellings) {
  const TemporaryFolder folder;
  const std::string usual = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  for (const char version : {1, 2, 3}) {
    const NpyReader reader(folder.add("a.npy", npy_bytes(usual, 24, version)));
    EXPECT_EQ(reader.shape(), (std::vector<std::int64_t>{2, 3}));
  }
  const NpyReader other(
      folder.add("b.npy", npy_bytes("{\"shape\":(3,),\"descr\":\"|u1\",\"fortran_order\":False}   ", 3)));
  EXPECT_EQ(other.type(), NpyType::UInt8);
}

TEST(Npy, RefusesOtherFiles) {
  const TemporaryFolder folder;
  const auto refuse = [&](const std::string& bytes, std::string_view reason) {
    const auto path = folder.add("bad.npy", bytes);
    expect_error([&] { NpyReader reader(path); }, reason);
    expect_error([&] { NpyReader reader(path); }, "bad.npy");
  };
  const auto header = [](std::string_view descr, std::string_view order, std::string_view shape) {
    return "{'descr': " + std::string(descr) + ", 'fortran_order': " + std::string(order) +
           ", 'shape': " + std::string(shape) + ", }";
  };
  refuse("", "shorter than any");
  refuse(std::string(100, 'x'), "not a .npy file");
  refuse(npy_bytes(header("'<f4'", "False", "(2,)"), 8, 4), "version 4");
  refuse(npy_bytes(header("'>f4'", "False", "(2,)"), 8), "its elements are '>f4'");
  refuse(npy_bytes(header("'<i8'", "False", "(2,)"), 16), "its elements are '<i8'");
  refuse(npy_bytes(header("'|O'", "False", "(2,)"), 16), "its elements are '|O'");
  refuse(npy_bytes(header("[('a', '<f4')]", "False", "(2,)"), 8), "records");
  refuse(npy_bytes(header("'<f4'", "True", "(2, 2)"), 16), "Fortran order");
  refuse(npy_bytes(header("'<f4'", "False", "(-2,)"), 8), "not a tuple of sizes");
  refuse(npy_bytes(header("'<f4'", "False", "(99999999999999999999,)"), 8), "not a tuple of sizes");
  refuse(npy_bytes(header("'<f4'", "False", "(4294967296, 4294967296)"), 8), "needs more than the 8 bytes");
  refuse(npy_bytes(header("'<f4'", "False", "(1000000000000,)"), 8), "needs more than the 8 bytes");
  refuse(npy_bytes(header("'<f4'", "False", "(0, 4)"), 8), "needs 0 bytes of data, it has 8");
  refuse(npy_bytes(header("'<f4'", "False", "(2,)"), 7), "needs more than the 7 bytes");
  refuse(npy_bytes(header("'<f4'", "False", "(2,)"), 9), "needs 8 bytes of data, it has 9");
  refuse(npy_bytes("{'descr': '<f4', 'fortran_order': False}", 8), "lacks one of");
  refuse(npy_bytes("{'descr': '<f4', 'descr': '<f4'}", 8), "'descr' twice");
  refuse(npy_bytes("{'descr': '<f4', 'x': 1}", 8), "unknown key 'x'");
  refuse(npy_bytes("{'descr': '<f4", 8), "broken");
  refuse(npy_bytes(header("'<f4'", "Maybe", "(2,)"), 8), "broken");
  refuse(npy_bytes(header("'<f4'", "False", "(2,)") + "{", 8), "broken");
  std::string many = "(";
  for (int i = 0; i < 33; ++i) many += "1,";
  refuse(npy_bytes(header("'<f4'", "False", many + ")"), 4), "more than 32 dimensions");
  auto lying = npy_bytes(header("'<f4'", "False", "(2,)"), 8, 2);
  lying[11] = '\x7f';
  refuse(lying, "at most 65536 are accepted");
  lying[10] = lying[11] = '\0';
  lying[9] = '\x20';
  refuse(lying, "ends within its .npy header");
}

TEST(Npy, WriterHoldsToTheDeclaredShape) {
  const TemporaryFolder folder;
  const auto path = folder / "a.npy";
  {
    NpyWriter writer(path, NpyType::Float32, {3});
    expect_error([&] { writer.write(std::vector<double>{1}); },
                 "float64 elements were written to a file of float32");
    expect_error([&] { writer.write(std::vector<float>(4)); }, "room for 3");
    writer.write(std::vector<float>(2));
    expect_error([&] { writer.commit(); }, "1 elements of its shape were never written");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  expect_error([&] { NpyWriter(path, NpyType::Float32, {-1}); }, "negative size");
  expect_error([&] { NpyWriter(path, NpyType::Float32, {1LL << 40, 1LL << 40}); }, "more than 2^63 bytes");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Npy, SurvivesDamagedFiles) {
  const TemporaryFolder folder;
  NpyWriter writer(folder / "good.npy", NpyType::Float32, {3, 4});
  writer.write(std::vector<float>(12));
  writer.commit();
  const auto good = read_text(folder / "good.npy", no_limit);
  std::mt19937_64 random(1);
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    const auto path = folder.add("bad.npy", test::mutate(good, random));
    try {
      const NpyReader reader(path);
      ASSERT_LE(static_cast<std::uint64_t>(reader.count()), std::filesystem::file_size(path));
    } catch (const Error& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace scatlight::io
