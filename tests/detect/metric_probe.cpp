// Runs a metric on boxes in .npy files of float64, so that a Python test can compare it with others.
//
//   metric_probe coco TO OBJECTS FOUND CLASSES         (classes + 1, 12): each class, then all
//   metric_probe voc TO OBJECTS FOUND CLASSES LIMIT    (classes + 1, 2): AP07 and AP10
//
// OBJECTS is (n, 9): image, label, left, top, width, height, area, difficult, crowd; FOUND is (m, 7): image,
// label, left, top, width, height, score.

#include <cstdio>
#include <string>

#include "detect/coco_metric.h"
#include "detect/voc_metric.h"
#include "io/npy.h"

namespace {

using namespace scatlight;

std::vector<std::vector<double>> read_rows(const std::string& file) {
  const io::NpyReader reader(file);
  std::vector<std::vector<double>> rows(static_cast<std::size_t>(reader.shape().at(0)),
                                        std::vector<double>(static_cast<std::size_t>(reader.shape().at(1))));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    reader.read(static_cast<std::int64_t>(i * rows[i].size()), std::span(rows[i]));
  }
  return rows;
}

data::Box to_box(const std::vector<double>& row) {
  return {.left = row.at(2), .top = row.at(3), .width = row.at(4), .height = row.at(5)};
}

std::vector<detect::TrueBox> read_objects(const std::string& file) {
  std::vector<detect::TrueBox> objects;
  for (const auto& row : read_rows(file)) {
    objects.push_back({.image = static_cast<std::int64_t>(row.at(0)),
                       .label = static_cast<int>(row.at(1)),
                       .box = to_box(row),
                       .area = row.at(6),
                       .difficult = row.at(7) != 0,
                       .crowd = row.at(8) != 0});
  }
  return objects;
}

std::vector<detect::FoundBox> read_found(const std::string& file) {
  std::vector<detect::FoundBox> found;
  for (const auto& row : read_rows(file)) {
    found.push_back({.image = static_cast<std::int64_t>(row.at(0)),
                     .label = static_cast<int>(row.at(1)),
                     .box = to_box(row),
                     .score = row.at(6)});
  }
  return found;
}

int run(const std::vector<std::string>& arguments) {
  const auto& metric = arguments.at(0);
  const auto objects = read_objects(arguments.at(2));
  const auto found = read_found(arguments.at(3));
  const int classes = std::stoi(arguments.at(4));
  std::vector<double> numbers;
  if (metric == "coco") {
    const auto result = detect::coco_metric(objects, found, classes);
    for (const auto& of_class : result.classes) {
      numbers.insert(numbers.end(), of_class.numbers.begin(), of_class.numbers.end());
    }
    numbers.insert(numbers.end(), result.numbers.begin(), result.numbers.end());
  } else if (metric == "voc") {
    const auto result = detect::voc_metric(objects, found, classes, std::stod(arguments.at(5)));
    for (const auto& of_class : result.classes) {
      numbers.insert(numbers.end(), {of_class.ap07, of_class.ap10});
    }
    numbers.insert(numbers.end(), {result.map07, result.map10});
  } else {
    std::fprintf(stderr, "unknown metric %s\n", metric.c_str());
    return 2;
  }
  io::NpyWriter writer(arguments.at(1), io::NpyType::Float64,
                       {classes + 1, static_cast<std::int64_t>(numbers.size()) / (classes + 1)});
  writer.write(std::span<const double>(numbers));
  writer.commit();
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
