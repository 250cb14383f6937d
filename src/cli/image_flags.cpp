#include "cli/image_flags.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>

#include "data/decode.h"
#include "data/folder.h"

namespace scatlight::cli {
namespace {

void print(const data::LeftOut& left_out) {
  if (left_out.total() > 0) fmt::print(stderr, "{}\n", data::describe(left_out));
}

}  // namespace

void add_max_pixels_flag(CLI::App& command, std::int64_t& max_pixels) {
  command
      .add_option(
          "--max-pixels", max_pixels,
          "Most pixels per image; a file with more is not decoded. Decoding takes 3 to 11 bytes per pixel "
          "in each thread.")
      ->check(CLI::Range(std::int64_t{1}, data::largest_max_pixels))
      ->capture_default_str();
}

std::vector<std::filesystem::path> list_inputs(const std::vector<std::string>& inputs, bool reports) {
  std::vector<std::filesystem::path> files;
  data::LeftOut left_out;
  for (const auto& input : inputs) {
    const auto found = data::list_images(input, left_out);
    files.insert(files.end(), found.begin(), found.end());
  }
  if (reports) print(left_out);
  return files;
}

void print_summary(const char* name, const data::ImageFolder& folder) {
  fmt::print(stderr, "{}: {}\n", name, data::describe(folder));
  print(folder.left_out);
}

}  // namespace scatlight::cli
