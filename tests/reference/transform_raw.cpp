// Transforms raw planes from standard input to standard output, for the comparison with other
// implementations.
//   transform_raw float32|float64 HEIGHT WIDTH J L ORDER BOUNDARY STRIDE THREADS
//   transform_raw              prints the engines of this machine
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "scatlight/scattering.h"

namespace {

template <class T>
void transform(const scatlight::ScatteringOptions& options) {
  const std::string bytes(std::istreambuf_iterator<char>(std::cin), {});
  std::vector<T> images(bytes.size() / sizeof(T));
  std::copy_n(bytes.data(), images.size() * sizeof(T), reinterpret_cast<char*>(images.data()));
  const scatlight::Scattering scattering(options);
  const std::size_t planes = images.size() / (static_cast<std::size_t>(options.height) * options.width);
  std::vector<T> features(planes * scattering.paths().size() * scattering.output_height() *
                          scattering.output_width());
  scattering.forward(std::span<const T>(images), std::span<T>(features));
  std::fwrite(features.data(), sizeof(T), features.size(), stdout);
}

}  // namespace

int main(int count, char** words) {
  using scatlight::Boundary;
  const std::map<std::string, Boundary> boundaries = {{"reflect", Boundary::Reflect},
                                                      {"periodic", Boundary::Periodic},
                                                      {"zero", Boundary::Zero},
                                                      {"padded", Boundary::Padded}};
  try {
    if (count == 1) {
      for (const auto& engine : scatlight::Scattering::available_engines()) std::cout << engine << '\n';
      return 0;
    }
    if (count != 10) throw scatlight::Error("nine arguments are needed");
    scatlight::ScatteringOptions options{.height = std::atoi(words[2]),
                                         .width = std::atoi(words[3]),
                                         .scales = std::atoi(words[4]),
                                         .angles = std::atoi(words[5]),
                                         .max_order = std::atoi(words[6])};
    options.boundary = boundaries.at(words[7]);
    options.stride = std::atoi(words[8]);
    options.threads = std::atoi(words[9]);
    words[1] == std::string("float64") ? transform<double>(options) : transform<float>(options);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
