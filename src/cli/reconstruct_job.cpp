#include "cli/reconstruct_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/image_flags.h"
#include "cli/option_flags.h"
#include "core/parallel_for.h"
#include "data/decode.h"
#include "data/encode.h"
#include "data/resize.h"
#include "io/atomic_file.h"
#include "io/display.h"
#include "io/file.h"
#include "io/interrupt.h"
#include "io/machine.h"
#include "io/progress.h"
#include "scatlight/error.h"
#include "scatlight/version.h"

namespace scatlight::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr float white = 255;

data::Image read_image(const std::filesystem::path& file, int size) {
  data::Image image = data::decode_file(file);
  return size == 0 ? image : data::resize_centre_square(image, size);
}

bool is_grey(const data::Image& image) {
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) {
    if (image.rgb[i] != image.rgb[i + 1] || image.rgb[i] != image.rgb[i + 2]) return false;
  }
  return true;
}

// (channels, height, width), 0 to 255.
std::vector<float> to_planes(const data::Image& image, int channels) {
  const std::size_t plane = image.rgb.size() / 3;
  std::vector<float> planes(channels * plane);
  for (int channel = 0; channel < channels; ++channel) {
    for (std::size_t i = 0; i < plane; ++i) planes[channel * plane + i] = image.rgb[3 * i + channel];
  }
  return planes;
}

data::Image to_image(std::span<const float> planes, int channels, int height, int width) {
  data::Image image{.width = width, .height = height};
  const std::size_t plane = static_cast<std::size_t>(height) * width;
  image.rgb.resize(3 * plane);
  for (std::size_t i = 0; i < image.rgb.size(); ++i) {
    const std::size_t channel = std::min<std::size_t>(i % 3, channels - 1);
    image.rgb[i] =
        static_cast<std::uint8_t>(std::lround(std::clamp(planes[channel * plane + i / 3], 0.0F, white)));
  }
  return image;
}

double psnr_of(const data::Image& a, const data::Image& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) sum += std::pow(static_cast<double>(a.rgb[i]) - b.rgb[i], 2);
  if (sum == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(white * white * static_cast<double>(a.rgb.size()) / sum);
}

data::Image difference_of(const data::Image& a, const data::Image& b) {
  data::Image difference = a;
  for (std::size_t i = 0; i < a.rgb.size(); ++i)
    difference.rgb[i] = static_cast<std::uint8_t>(std::clamp(128 + a.rgb[i] - b.rgb[i], 0, 255));
  return difference;
}

data::Image side_by_side(const std::vector<data::Image>& images) {
  constexpr int gap = 8;
  const int width = images.front().width;
  data::Image row{.width = static_cast<int>(images.size()) * (width + gap) - gap,
                  .height = images.front().height};
  row.rgb.assign(3 * static_cast<std::size_t>(row.width) * row.height, 255);
  for (std::size_t i = 0; i < images.size(); ++i) {
    for (int y = 0; y < row.height; ++y) {
      const auto from = images[i].rgb.begin() + 3 * static_cast<std::ptrdiff_t>(y) * width;
      const auto to =
          3 * (static_cast<std::ptrdiff_t>(y) * row.width + static_cast<std::ptrdiff_t>(i) * (width + gap));
      std::copy_n(from, 3 * width, row.rgb.begin() + to);
    }
  }
  return row;
}

void write_png(const std::filesystem::path& file, const data::Image& image) {
  const auto bytes = data::encode_png(image.rgb, image.height, image.width);
  io::write_file(file, std::as_bytes(std::span(bytes)));
}

// Names for the pictures of the files: their stems, with a number where two are the same.
std::vector<std::string> names_of(const std::vector<std::filesystem::path>& files) {
  std::set<std::string> taken;
  std::vector<std::string> names;
  for (const auto& file : files) {
    const std::string stem = file.stem().string();
    std::string name = stem;
    for (int number = 2; !taken.insert(name).second; ++number) name = fmt::format("{}-{}", stem, number);
    names.push_back(name);
  }
  return names;
}

Json to_json(const ReconstructedImage& image) {
  Json json = {{"file", io::display(image.file)},
               {"picture", image.picture},
               {"height", image.height},
               {"width", image.width},
               {"channels", image.channels},
               {"psnr_db", nullptr},  // for infinity, which JSON does not have
               {"relative_error", image.relative_error},
               {"iterations", image.iterations},
               {"seconds", image.seconds},
               {"errors", image.errors}};
  if (std::isfinite(image.psnr_db)) json["psnr_db"] = image.psnr_db;
  return json;
}

class Job {
 public:
  explicit Job(const ReconstructJob& job) : job_(job), files_(list_inputs(job.inputs)) {
    names_ = names_of(files_);
    threads_ = job.threads > 0 ? job.threads : io::processor_threads();
    results_.resize(files_.size());
  }

  std::vector<ReconstructedImage> run() {
    io::make_folder_for(json_file());
    const io::StopOnSignal stop_on_signal;
    const auto count = static_cast<std::int64_t>(files_.size());
    const int at_once = static_cast<int>(std::min<std::int64_t>(threads_, count));
    io::Progress progress("reconstruct", count * evaluations(), "steps");
    parallel_for(at_once, count, [&](std::int64_t i) {
      if (!io::StopOnSignal::requested()) results_[i] = reconstruct_file(i, threads_ / at_once, progress);
    });
    progress.finish();
    std::erase_if(results_,
                  [](const auto& result) { return result.iterations == 0 && result.picture.empty(); });
    write_json();
    if (io::StopOnSignal::requested()) {
      throw io::Stopped(fmt::format(
          "stopped by a signal: {} has {} of {} images, the last ones with the steps that were reached",
          io::display_path(json_file()), results_.size(), files_.size()));
    }
    return results_;
  }

 private:
  std::filesystem::path json_file() const { return job_.out / "reconstruction.json"; }

  int evaluations() const {
    if (job_.reconstruction.evaluations > 0) return job_.reconstruction.evaluations;
    return default_evaluations(job_.reconstruction.solver);
  }

  ReconstructedImage reconstruct_file(std::int64_t index, int threads, io::Progress& progress) const {
    const auto& file = files_[index];
    const auto original = read_image(file, job_.size);
    const int channels = is_grey(original) ? 1 : 3;
    const auto plan = plan_for(file, original, threads);
    const auto planes = to_planes(original, channels);
    std::vector<float> features(channels * plan.paths().size() * plan.output_height() * plan.output_width());
    plan.forward(std::span<const float>(planes), std::span(features));

    auto options = job_.reconstruction;
    options.pixel_range = white;
    options.on_step = [&](const ReconstructionStep& step) {
      progress.advance();
      progress.note(fmt::format("{} error {:.2e}", io::display(names_[index]), step.relative_error));
      return !io::StopOnSignal::requested();
    };
    const auto start = std::chrono::steady_clock::now();
    auto found = reconstruct(plan, features, options);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;

    const auto image = to_image(found.image, channels, original.height, original.width);
    const std::string picture = names_[index] + ".png";
    write_png(job_.out / picture, side_by_side({original, image, difference_of(image, original)}));
    write_png(job_.out / (names_[index] + ".reconstruction.png"), image);
    return {.file = file.string(),
            .picture = picture,
            .height = original.height,
            .width = original.width,
            .channels = channels,
            .psnr_db = psnr_of(image, original),
            .relative_error = found.relative_error,
            .iterations = static_cast<int>(found.errors.size()),
            .seconds = taken.count(),
            .errors = std::move(found.errors)};
  }

  Scattering plan_for(const std::filesystem::path& file, const data::Image& image, int threads) const {
    auto options = job_.scattering;
    options.height = image.height;
    options.width = image.width;
    options.threads = threads;
    check_large_enough({.width = image.width, .height = image.height}, options, file);
    return Scattering(options);
  }

  void write_json() const {
    Json images = Json::array();
    for (const auto& result : results_) images.push_back(to_json(result));
    const auto& options = job_.scattering;
    Json json = {{"kind", "reconstruction"},
                 {"scatlight", SCATLIGHT_VERSION},
                 {"solver", name_of(job_.reconstruction.solver)}};
    json.update(describe_options(options, OptionRole::Filters));
    json.update({{"max_order", options.max_order},
                 {"threads", threads_},
                 {"complete", !io::StopOnSignal::requested()},
                 {"images", std::move(images)}});
    io::write_file(json_file(), json.dump(1) + "\n");
  }

  const ReconstructJob& job_;
  std::vector<std::filesystem::path> files_;
  std::vector<std::string> names_;
  int threads_ = 1;
  std::vector<ReconstructedImage> results_;
};

}  // namespace

std::vector<ReconstructedImage> run_reconstruct(const ReconstructJob& job) { return Job(job).run(); }

}  // namespace scatlight::cli
