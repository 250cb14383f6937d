// Loads weights, runs a network on images and saves the weights again, for the tests in Python:
//   run_network NAME CLASSES SIZE WEIGHTS IMAGES.npy LOGITS.npy SAVED.safetensors [fold]
// A NAME of - stands for the network that the weights file names.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "io/npy.h"
#include "nets/catalogue.h"
#include "nets/fold.h"
#include "nets/weights.h"

int main(int argc, char** argv) try {
  if (argc < 8) return 2;
  const std::string name = argv[1];
  auto options = name == "-" ? scatlight::nets::read_weights_header(argv[4]).options
                             : scatlight::nets::network_options(name);
  if (name != "-") options.classes = std::atoi(argv[2]);
  options.height = options.width = std::atoi(argv[3]);
  scatlight::nets::Network network(options);
  scatlight::nets::load_weights(network, argv[4]);
  scatlight::nets::save_weights(network, argv[7]);
  network.train(false);
  if (argc > 8) scatlight::nets::fold_for_inference(network);

  const scatlight::io::NpyReader reader(argv[5]);
  const auto images = at::empty(reader.shape());
  reader.read(0, std::span(images.mutable_data_ptr<float>(), images.numel()));
  const at::NoGradGuard no_grad;
  const auto logits = network.forward(images).contiguous();
  scatlight::io::NpyWriter writer(argv[6], scatlight::io::NpyType::Float32, logits.sizes().vec());
  writer.write(std::span<const float>(logits.const_data_ptr<float>(), logits.numel()));
  writer.commit();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
