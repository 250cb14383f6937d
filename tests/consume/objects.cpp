// A program of somebody else: finds what is in a photograph that it has in memory.

#include <scatlight/models.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 3 || !scatlight::is_detector(argv[1])) return 2;
  scatlight::Detector detector(argv[1], {.threads = 1});
  std::ifstream file(argv[2], std::ios::binary);
  const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
  const auto decoded = scatlight::Picture::decode(std::as_bytes(std::span(bytes)), argv[2]);
  const scatlight::Picture pixels(decoded.rgb(), decoded.height(), decoded.width());
  for (const auto& object : detector.detect(pixels)) {
    std::printf("%s %.6f %.2f %.2f %.2f %.2f\n", detector.classes().at(object.label).c_str(), object.score,
                object.left, object.top, object.right, object.bottom);
  }
  return 0;
} catch (const scatlight::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
