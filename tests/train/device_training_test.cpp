// Networks, the optimizer and the files of a training on a GPU against the same on the CPU.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "io/file.h"
#include "nets/catalogue.h"
#include "nets/fold.h"
#include "nets/weights.h"
#include "scatlight/cuda.h"
#include "support/compare.h"
#include "support/temporary_folder.h"
#include "torch/device.h"
#include "train/checkpoint.h"
#include "train/infer.h"
#include "train/optimizer.h"

namespace scatlight::train {
namespace {

class TrainingOnGpu : public testing::Test {
 protected:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "skipped: no GPU";
    gpu = torch_ops::open_device(0);
    at::globalContext().setAllowTF32CuDNN(false);  // so that rounding is all that differs
  }

  static nets::Network make(const char* name, const at::Device& device) {
    auto options = nets::network_options(name);
    options.classes = 5;
    options.height = options.width = 32;
    at::manual_seed(0);
    nets::Network network(options);
    network.to({.device = device});
    return network;
  }

  /// Three steps on the same noise.
  static NamedTensors train(nets::Network& network, const OptimizerOptions& options) {
    at::manual_seed(1);
    Optimizer sgd(network.parameters(), options);
    for (int step = 0; step < 3; ++step) {
      const auto images = at::rand({8, 3, 32, 32});
      const auto labels = at::arange(8, at::kLong).remainder(5).to(network.device());
      at::cross_entropy_loss(network.forward(images), labels).backward();
      sgd.step(0.01);
    }
    auto state = network.parameters();
    for (const auto& list : {network.buffers(), sgd.state()})
      state.insert(state.end(), list.begin(), list.end());
    return state;
  }

  at::Device gpu = at::kCPU;
};

void expect_close(const at::Tensor& on_gpu, const at::Tensor& expected, double bound,
                  const std::string& what) {
  ASSERT_TRUE(on_gpu.is_cuda()) << what;
  ASSERT_EQ(on_gpu.sizes(), expected.sizes()) << what;
  const auto numbers = [](const at::Tensor& tensor) {
    return tensor.detach().to(at::kCPU).to(at::kDouble).contiguous();
  };
  const auto actual = numbers(on_gpu);
  const auto wanted = numbers(expected);
  const auto span = [](const at::Tensor& tensor) {
    return std::span(tensor.const_data_ptr<double>(), static_cast<std::size_t>(tensor.numel()));
  };
  test::expect_close_in_norm(span(actual), span(wanted), bound, what.c_str());
}

TEST_F(TrainingOnGpu, ImagesAreThoseOfTheCpu) {
  const data::Recipe recipe({.size = 16});
  data::Batch batch;
  batch.count = 2;
  for (int i = 0; i < 3 * 2 * 16 * 16; ++i) batch.images.push_back(static_cast<std::uint8_t>(i));
  const auto there = images_of(batch, recipe, gpu);
  EXPECT_TRUE(there.is_cuda());
  EXPECT_TRUE(at::equal(there.cpu(), images_of(batch, recipe, at::kCPU)));
}

TEST_F(TrainingOnGpu, StepsAreThoseOfTheCpu) {
  for (const char* name : {"scatresnet-small", "resnet-small", "linear"}) {
    for (const double momentum : {0.9, 0.0}) {
      auto there = make(name, gpu);
      auto here = make(name, at::kCPU);
      const auto actual = train(there, {.momentum = momentum});
      const auto expected = train(here, {.momentum = momentum});
      for (std::size_t i = 0; i < expected.size(); ++i) {
        if (momentum == 0 && !expected[i].second.any().item<bool>()) continue;  // has no norm to compare with
        expect_close(actual[i].second, expected[i].second, 1e-3, std::string(name) + ' ' + expected[i].first);
      }
    }
  }
}

TEST_F(TrainingOnGpu, FoldedNetworksGiveTheScoresOfTheCpu) {
  const at::NoGradGuard no_grad;
  for (const char* name : {"scatresnet-small", "resnet-small", "linear"}) {
    auto network = make(name, at::kCPU);
    network.forward(at::rand({8, 3, 32, 32}));  // moves the running statistics
    fold_for_inference(network);
    const auto images = at::rand({4, 3, 32, 32});
    const auto expected = network.forward(images);
    network.to({.device = gpu});
    expect_close(network.forward(images), expected, 1e-4, name);
  }
}

TEST_F(TrainingOnGpu, FilesAreThoseOfTheCpu) {
  const test::TemporaryFolder folder;
  auto here = make("scatresnet-small", at::kCPU);
  auto there = make("scatresnet-small", at::kCPU);
  there.to({.device = gpu});
  const auto bytes = [&](const nets::Network& network) {
    const auto path = folder / "file";
    nets::save_weights(network, path);
    auto both = io::read_bytes(path, 1 << 30);
    write_checkpoint(path, {}, network.parameters());
    const auto checkpoint = io::read_bytes(path, 1 << 30);
    both.insert(both.end(), checkpoint.begin(), checkpoint.end());
    return both;
  };
  EXPECT_EQ(bytes(there), bytes(here));

  // And back, from either to the other.
  nets::save_weights(there, folder / "weights");
  write_checkpoint(folder / "checkpoint", {}, there.parameters());
  const auto clear = [](nets::Network& network) {
    const at::NoGradGuard no_grad;
    for (auto& [name, tensor] : network.parameters()) tensor.zero_();
  };
  for (auto* network : {&here, &there}) {
    const auto before = bytes(*network);
    clear(*network);
    nets::load_weights(*network, folder / "weights");
    EXPECT_EQ(bytes(*network), before);
    clear(*network);
    read_checkpoint_tensors(folder / "checkpoint", network->parameters());
    EXPECT_EQ(bytes(*network), before);
  }
}

}  // namespace
}  // namespace scatlight::train
