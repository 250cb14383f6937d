// Runs one step of the data room on files and writes .npy, so that a Python test can compare it with Pillow
// and torchvision.
//
//   image_probe decode TO IMAGE                             (height, width, 3) bytes
//   image_probe resize TO IMAGE LEFT TOP WIDTH HEIGHT W H   (H, W, 3) bytes
//   image_probe evaluate TO IMAGE SIZE RESIZE               (3, SIZE, SIZE) floats
//   image_probe apply TO IMAGE OPERATION MAGNITUDE          (height, width, 3) bytes
//   image_probe augment TO IMAGE SIZE SHIFT ERASE SEED      (SIZE, SIZE, 3) bytes, not mirrored
//   image_probe erased TO WIDTH HEIGHT COUNT                (COUNT, 4) doubles: left, top, width, height
//   image_probe policies                                    prints what they draw from, in words
//   image_probe crops TO WIDTH HEIGHT COUNT                 (COUNT, 4) doubles: left, top, width, height

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "data/auto_augment.h"
#include "data/decode.h"
#include "data/recipe.h"
#include "data/resize.h"
#include "io/npy.h"
#include "scatlight/error.h"

namespace {

using namespace scatlight;

void write_image(const std::string& to, const data::Image& image) {
  io::NpyWriter writer(to, io::NpyType::UInt8, {image.height, image.width, 3});
  writer.write(std::span<const std::uint8_t>(image.rgb));
  writer.commit();
}

void evaluate(const std::string& to, const std::string& file, int size, int resize) {
  const data::Recipe recipe({.size = size, .resize = resize});
  const auto image = recipe.evaluate(data::decode_file(file));
  const data::ImageSize sizes{.width = size, .height = size};
  std::vector<float> result(image.rgb.size());
  recipe.normalizer().write(image.rgb, sizes, result, sizes);
  io::NpyWriter writer(to, io::NpyType::Float32, {3, size, size});
  writer.write(std::span<const float>(result));
  writer.commit();
}

void write_crops(const std::string& to, data::ImageSize size, int count) {
  const data::Recipe recipe({});
  io::NpyWriter writer(to, io::NpyType::Float64, {count, 4});
  for (int i = 0; i < count; ++i) {
    data::CounterRandom random(0, 0, static_cast<std::uint64_t>(i));
    const auto crop = recipe.draw_crop(size, random);
    const std::array<double, 4> row = {double(crop.left), double(crop.top), double(crop.width),
                                       double(crop.height)};
    writer.write(std::span<const double>(row));
  }
  writer.commit();
}

void write_erased(const std::string& to, data::ImageSize size, int count) {
  io::NpyWriter writer(to, io::NpyType::Float64, {count, 4});
  for (int i = 0; i < count; ++i) {
    data::CounterRandom random(0, 0, static_cast<std::uint64_t>(i));
    const auto window = data::Recipe::draw_erased(size, random).value_or(data::Window{});
    const std::array<double, 4> row = {double(window.left), double(window.top), double(window.width),
                                       double(window.height)};
    writer.write(std::span<const double>(row));
  }
  writer.commit();
}

/// A line for each operation of each policy: its magnitudes for pictures of 40 x 30, and whether they are
/// signed. Then a line for each pair.
void print_policies() {
  const data::ImageSize size{.width = 40, .height = 30};
  for (const auto* policy : {"autoaugment-imagenet", "autoaugment-cifar10", "trivialaugment"}) {
    for (const auto name : Names<data::Operation>::all) {
      const auto magnitudes =
          data::magnitudes_of(from_name<data::Policy>(policy), from_name<data::Operation>(name), size);
      std::printf("%s %s %d", policy, name.data(), int(magnitudes.is_signed));
      for (const auto bin : magnitudes.bins) std::printf(" %.9g", bin);
      std::printf("\n");
    }
    if (from_name<data::Policy>(policy) == data::Policy::TrivialAugment) continue;
    for (const auto& pair : data::auto_augment_steps(from_name<data::Policy>(policy))) {
      std::printf("%s pair", policy);
      for (const auto& step : pair)
        std::printf(" %s %g %d", name_of(step.operation).data(), step.probability, step.bin);
      std::printf("\n");
    }
  }
}

int run(const std::vector<std::string>& arguments) {
  const auto number = [&](std::size_t i) { return std::stoi(arguments.at(i)); };
  const std::string& step = arguments.at(0);
  if (step == "policies") {
    print_policies();
    return 0;
  }
  const std::string& to = arguments.at(1);
  const std::string& file = arguments.at(2);
  if (step == "decode") {
    write_image(to, data::decode_file(file));
  } else if (step == "resize") {
    const data::Box box{.left = double(number(3)),
                        .top = double(number(4)),
                        .width = double(number(5)),
                        .height = double(number(6))};
    write_image(to, data::resize(data::decode_file(file), box, {.width = number(7), .height = number(8)}));
  } else if (step == "evaluate") {
    evaluate(to, file, number(3), number(4));
  } else if (step == "apply") {
    const auto operation = from_name<data::Operation>(arguments.at(3));
    write_image(to, data::apply(operation, std::stod(arguments.at(4)), data::decode_file(file)));
  } else if (step == "augment") {
    const data::Recipe recipe(
        {.size = number(3), .resize = number(3), .shift = number(4), .flip = 0, .erase = double(number(5))});
    data::CounterRandom random(static_cast<std::uint64_t>(number(6)), 0, 0);
    write_image(to, recipe.augment(data::EncodedImage::open(file), random));
  } else if (step == "erased") {
    write_erased(to, {.width = number(2), .height = number(3)}, number(4));
  } else if (step == "crops") {
    write_crops(to, {.width = number(2), .height = number(3)}, number(4));
  } else {
    std::fprintf(stderr, "unknown step %s\n", step.c_str());
    return 2;
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
