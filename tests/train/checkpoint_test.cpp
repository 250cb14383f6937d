#include "train/checkpoint.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <random>

#include "io/file.h"
#include "io/safetensors.h"
#include "support/expect_error.h"
#include "support/mutate.h"
#include "support/temporary_folder.h"

namespace scatlight::train {
namespace {

CheckpointHeader some_header() {
  return {.position = {.epoch = 3,
                       .batch = 7,
                       .step = 1234,
                       .images = 56789,
                       .seconds = 0.1 + 0.2,
                       .log_bytes = 99,
                       .ended = true,
                       .best = BestEvaluation{.score = 100.0 / 3, .epoch = 2},
                       .stale = 1,
                       .line_loss = 1.0 / 3,
                       .line_sums = {{"objectness", 0.1}},
                       .line_images = 12,
                       .line_seconds = 0.1},
          .options = "{\"lr\":0.1}",
          .classes = {"apple", "Birne \"süß\""},
          .samples = 42,
          .data = "0123456789abcdef",
          .evaluation = "fedcba9876543210"};
}

NamedTensors some_tensors() {
  const auto values = at::arange(24, at::kFloat).reshape({2, 3, 2, 2});
  return {{"model.conv.weight", values.contiguous(at::MemoryFormat::ChannelsLast)},
          {"model.count", at::full({}, 5, at::kLong)},
          {"velocity.conv.weight", values * 0.5},
          {"generator", at::arange(16, at::kByte)}};
}

NamedTensors zeros_like_all(const NamedTensors& tensors) {
  NamedTensors zeros;
  for (const auto& [name, tensor] : tensors) zeros.emplace_back(name, at::zeros_like(tensor));
  return zeros;
}

TEST(Checkpoint, ComesBackBitEqual) {
  const test::TemporaryFolder folder;
  const auto path = folder / "checkpoint.safetensors";
  const auto tensors = some_tensors();
  write_checkpoint(path, some_header(), tensors);

  const auto header = read_checkpoint_header(path);
  const auto expected = some_header();
  EXPECT_EQ(header.position, expected.position);
  EXPECT_EQ(header.options, expected.options);
  EXPECT_EQ(header.classes, expected.classes);
  EXPECT_EQ(header.samples, expected.samples);

  const auto restored = zeros_like_all(tensors);
  read_checkpoint_tensors(path, restored);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_TRUE(at::equal(restored[i].second, tensors[i].second)) << tensors[i].first;
    EXPECT_EQ(restored[i].second.strides(), tensors[i].second.strides()) << "the memory format stays";
  }
}

TEST(Checkpoint, HeadersTravelAsText) {
  auto header = some_header();
  EXPECT_EQ(to_text(header).find("members"), std::string::npos) << "of a process alone as ever";
  header.members = 3;
  const auto received = header_of(to_text(header));
  EXPECT_EQ(received.position, header.position);
  EXPECT_EQ(received.classes, header.classes);
  EXPECT_EQ(received.data, header.data);
  EXPECT_EQ(received.evaluation, header.evaluation);
  EXPECT_EQ(received.members, 3);
  header.members = 0;
  const test::TemporaryFolder folder;
  write_checkpoint(folder / "checkpoint.safetensors", header, some_tensors());
  EXPECT_EQ(read_checkpoint_header(folder / "checkpoint.safetensors").members, 1);
}

TEST(Checkpoint, StateThatIsNotFiniteNeverReplacesTheLastGoodOne) {
  const test::TemporaryFolder folder;
  const auto path = folder / "checkpoint.safetensors";
  write_checkpoint(path, some_header(), some_tensors());
  const auto before = io::read_bytes(path, 1 << 20);
  for (const float bad : {std::nanf(""), -std::numeric_limits<float>::infinity()}) {
    auto tensors = some_tensors();
    tensors[2].second.view({-1})[5] = bad;
    test::expect_error([&] { write_checkpoint(path, some_header(), tensors); },
                       "'velocity.conv.weight' is no longer finite");
    EXPECT_EQ(io::read_bytes(path, 1 << 20), before);
  }
}

TEST(Checkpoint, LargeButFiniteStateIsGood) {
  const test::TemporaryFolder folder;
  write_checkpoint(folder / "c", some_header(), {{"a", at::full({1000}, 3e38F)}});
}

TEST(Checkpoint, NamesTheFirstDifferenceToTheNetwork) {
  const test::TemporaryFolder folder;
  const auto path = folder / "checkpoint.safetensors";
  write_checkpoint(path, some_header(), some_tensors());
  const auto read_into = [&](std::size_t changed, const std::string& name, const at::Tensor& tensor) {
    auto other = zeros_like_all(some_tensors());
    other[changed] = {name, tensor};
    read_checkpoint_tensors(path, other);
  };
  test::expect_error(
      [&] { read_into(0, "model.conv.weight", at::zeros({2, 3, 4})); },
      "'model.conv.weight' has the type F32 and the shape [2, 3, 2, 2], this network's has F32 and "
      "[2, 3, 4]");
  test::expect_error([&] { read_into(1, "model.count", at::zeros({})); }, "has the type I64");
  test::expect_error([&] { read_into(0, "model.other", at::zeros({1})); }, "has no tensor 'model.other'");
  auto fewer = zeros_like_all(some_tensors());
  fewer.pop_back();
  test::expect_error([&] { read_checkpoint_tensors(path, fewer); },
                     "it has 4 tensors, this network's training has 3");
}

TEST(Checkpoint, DamagedFilesGiveOneLine) {
  const test::TemporaryFolder folder;
  const auto path = folder / "checkpoint.safetensors";
  write_checkpoint(path, some_header(), some_tensors());
  const auto good = io::read_bytes(path, 1 << 20);
  const std::string bytes(good.begin(), good.end());
  const auto expect_refused = [&](const std::string& damaged, const std::string& what) {
    std::ofstream(path, std::ios::binary) << damaged;
    try {
      read_checkpoint_header(path);
      read_checkpoint_tensors(path, zeros_like_all(some_tensors()));
      EXPECT_EQ(damaged, bytes) << what;
    } catch (const Error& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
    }
  };
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) expect_refused(test::mutate(bytes, random), "damage " + std::to_string(i));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (bytes[at] == ' ') continue;  // of the padding: it says nothing
    auto flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    expect_refused(flipped, "a flipped bit of byte " + std::to_string(at));
  }
}

TEST(Checkpoint, DamagedTensorsChangeNothing) {
  const test::TemporaryFolder folder;
  const auto path = folder / "checkpoint.safetensors";
  write_checkpoint(path, some_header(), some_tensors());
  auto bytes = io::read_text(path, 1 << 20);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  std::ofstream(path, std::ios::binary) << bytes;
  const auto tensors = zeros_like_all(some_tensors());
  test::expect_error([&] { read_checkpoint_tensors(path, tensors); }, "its checksum does not fit");
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(at::equal(tensor, at::zeros_like(tensor))) << name;
}

TEST(Checkpoint, OtherSafetensorsFilesAreNoCheckpoints) {
  const test::TemporaryFolder folder;
  io::write_safetensors(folder / "weights", {});
  test::expect_error([&] { read_checkpoint_header(folder / "weights"); },
                     "it is not a checkpoint that scatlight train wrote");
}

}  // namespace
}  // namespace scatlight::train
