// What a user writes first: the paper's numbers, 3 x 224 x 224 in and 75 x 28 x 28 out.
#include <scatlight/scattering.h>

#include <iostream>
#include <vector>

int main() {
  const scatlight::Scattering scattering({.height = 224, .width = 224, .scales = 3});
  const std::vector<float> image(3 * 224 * 224, 1.0f);
  std::vector<float> features(3 * scattering.paths().size() * scattering.output_height() *
                              scattering.output_width());
  scattering.forward(std::span<const float>(image), std::span<float>(features));
  std::cout << "scatlight " << SCATLIGHT_VERSION << ", engine " << scattering.engine() << ": " << image.size()
            << " samples became " << features.size() << '\n';
  return features.size() == 75 * 28 * 28 && features[0] > 0.99f && features[0] < 1.01f ? 0 : 1;
}
