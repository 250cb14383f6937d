#include "cli/transform_job.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <list>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "cli/image_flags.h"
#include "cli/option_flags.h"
#include "cli/transform_input.h"
#include "cli/transform_output.h"
#include "core/filter_bank.h"
#include "data/in_order.h"
#include "io/atomic_file.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "io/machine.h"
#include "io/progress.h"
#include "scatlight/cuda.h"
#include "scatlight/error.h"

namespace scatlight::cli {
namespace {

using Json = nlohmann::ordered_json;
using Shape = std::vector<std::int64_t>;

constexpr std::string_view tensor_name = "features";

ScatteringOptions sized(ScatteringOptions options, data::ImageSize size) {
  options.height = size.height;
  options.width = size.width;
  return options;
}

/// The plans of the sizes met last. Files of a folder often share a few sizes, and a plan of a large size
/// holds much memory.
template <class Plan>
class Plans {
 public:
  using Make = std::function<Plan(const ScatteringOptions&)>;

  Plans(ScatteringOptions options, Make make) : options_(std::move(options)), make_(std::move(make)) {}

  Plan get(data::ImageSize size) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = std::find_if(plans_.begin(), plans_.end(), [&](const Plan& plan) {
        return plan.options().height == size.height && plan.options().width == size.width;
      });
      if (found != plans_.end()) {
        plans_.splice(plans_.begin(), plans_, found);
        return plans_.front();
      }
    }
    // Outside the lock: other threads plan other sizes at the same time.
    Plan plan = make_(sized(options_, size));
    const std::lock_guard lock(mutex_);
    plans_.push_front(plan);
    if (plans_.size() > kept) plans_.pop_back();
    return plan;
  }

 private:
  static constexpr std::size_t kept = 4;

  const ScatteringOptions options_;
  const Make make_;
  std::mutex mutex_;
  std::list<Plan> plans_;
};

/// (leading..., K, h, w)
Shape feature_shape(Shape leading, data::ImageSize size, const ScatteringOptions& options) {
  const auto shape = shape_of(sized(options, size));
  for (const std::int64_t length : {shape.maps, std::int64_t{shape.height}, std::int64_t{shape.width}})
    leading.push_back(length);
  return leading;
}

Json describe_path(const Path& path) {
  Json json = {{"order", path.order}};
  if (path.order >= 1) json.update({{"scale1", path.scale1}, {"angle1", path.angle1}});
  if (path.order >= 2) json.update({{"scale2", path.scale2}, {"angle2", path.angle2}});
  return json;
}

Json describe_scattering(const ScatteringOptions& options, bool one_size) {
  Json json = describe_options(options, OptionRole::Filters);
  json.update(describe_options(options, OptionRole::Transform));
  if (one_size) json.update(describe_options(options, OptionRole::Size));
  return json;
}

/// What the features are, for whoever opens the file. `first` is the size of the first image.
std::string describe(const TransformJob& job, std::string_view engine, data::ImageSize first,
                     const std::vector<std::filesystem::path>& files,
                     const std::vector<SkippedImage>& skipped) {
  const auto options = sized(job.scattering, first);
  Json json = {{"scatlight", SCATLIGHT_VERSION}, {"command", "transform"}};
  json["engine"] = engine;
  json["options"] = describe_scattering(options, !job.per_file);
  json["pixels"] = job.imagenet_pixels ? "imagenet" : "unit";
  if (job.size > 0) {
    json["size"] = job.size;
    json["resize"] = data::Recipe({.size = job.size, .resize = job.resize}).options().resize;
  }
  json["paths"] = Json::array();
  for (const auto& path : paths_of(options)) json["paths"].push_back(describe_path(path));
  json["theta"] = Json::array();
  for (int angle = 0; angle < options.angles; ++angle)
    json["theta"].push_back(FilterBank::theta(angle, options.angles));
  if (job.share.parts > 1) json.update({{"part", job.share.part}, {"parts", job.share.parts}});
  json["files"] = Json::array();
  for (const auto& file : files) json["files"].push_back(file.native());
  json["skipped"] = Json::array();
  for (const auto& [file, reason] : skipped) json["skipped"].push_back({{"file", file}, {"reason", reason}});
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

int thread_count(const TransformJob& job) { return job.threads > 0 ? job.threads : io::processor_threads(); }

/// The plan's own threads: pieces run side by side, and only a lone piece is split.
ScatteringOptions scattering_options(const TransformJob& job, std::int64_t pieces) {
  auto options = job.scattering;
  options.threads = pieces == 1 ? thread_count(job) : 1;
  return options;
}

/// Reads, transforms and writes all pieces. Of several bad pieces the first in order is the one that is
/// named.
template <class T, class Plan, class Input>
void transform_pieces(const TransformJob& job, const Input& input, Plans<Plan>& plans, FeatureWriter& writer,
                      io::Progress& progress, const std::string& contents) {
  struct Outcome {
    std::vector<T> features = {};
    std::int64_t items = 0;
    std::optional<Error> error = {};
  };
  const int threads = thread_count(job);
  const auto produce = [&](std::int64_t piece) -> Outcome {
    try {
      const auto planes = input.template read<T>(piece);
      const auto plan = plans.get(planes.size);
      const auto plane = static_cast<std::size_t>(planes.size.height) * planes.size.width;
      Outcome outcome{.items = planes.items};
      outcome.features.resize(planes.samples.size() / plane * plan.paths().size() * plan.output_height() *
                              plan.output_width());
      plan.forward(planes.samples, outcome.features);
      return outcome;
    } catch (const Error& error) {
      return {.error = error};
    }
  };
  const auto consume = [&](std::int64_t, const Outcome& outcome) {
    if (outcome.error) throw *outcome.error;
    writer.write(outcome.features);
    progress.advance(outcome.items);
    io::StopOnSignal::check();
  };
  data::in_order(input.pieces(), threads, 2 * threads, produce, consume);
  job.share.agree(contents);
  writer.commit();
  progress.finish();
}

template <class T, class Input>
void transform_on_device(const TransformJob& job, const Input& input, Plans<Scattering>& plans,
                         FeatureWriter& writer, io::Progress& progress, const std::string& contents) {
  if (!job.gpu) return transform_pieces<T>(job, input, plans, writer, progress, contents);
  Plans<CudaScattering<T>> on_gpu(
      job.scattering, [&](const ScatteringOptions& options) { return CudaScattering<T>(options, *job.gpu); });
  transform_pieces<T>(job, input, on_gpu, writer, progress, contents);
}

/// What the parts that several processes write have in common.
std::string describe_contents(const TransformJob& job, const TransformResult& result) {
  if (job.per_file) return result.type;
  const auto& shape = result.shapes.front();
  return fmt::format("{} ({})", result.type, fmt::join(shape.begin() + 1, shape.end(), ", "));
}

template <class Input>
void transform_pieces(const TransformJob& job, const TransformResult& result, const Input& input,
                      Plans<Scattering>& plans, FeatureWriter& writer, io::Progress& progress) {
  const auto contents = describe_contents(job, result);
  if (result.type == "float64") {
    transform_on_device<double>(job, input, plans, writer, progress, contents);
  } else {
    transform_on_device<float>(job, input, plans, writer, progress, contents);
  }
}

std::string engine_of(const TransformJob& job, Plans<Scattering>& plans, data::ImageSize size) {
  return job.gpu ? "cuda" : std::string(plans.get(size).engine());
}

Plans<Scattering> make_plans(const TransformJob& job, std::int64_t pieces) {
  return {scattering_options(job, pieces),
          [](const ScatteringOptions& options) { return Scattering(options); }};
}

io::DType dtype(const std::string& type) { return type == "float64" ? io::DType::F64 : io::DType::F32; }

/// Refuses (H, W, C) and (N, H, W, C): at most 4 samples in a row, and more than 4 where the channels belong.
void check_channels_first(const ArrayInput& input, const std::filesystem::path& file) {
  const auto& leading = input.leading_shape();
  if (leading.empty() || leading.back() <= 4 || input.size().height <= 4 || input.size().width > 4) return;
  throw Error(fmt::format("{}: its shape ({}, {}, {}) has the channels last; give {}", io::display_path(file),
                          fmt::join(leading, ", "), input.size().height, input.size().width,
                          leading.size() == 1 ? "(C, H, W)" : "(N, C, H, W)"));
}

TransformResult transform_array(const TransformJob& job) {
  const ArrayInput input(job.inputs.front());
  const auto size = input.size();
  check_channels_first(input, job.inputs.front());
  check_large_enough(size, job.scattering, job.inputs.front());
  const auto usual = input.type() == io::NpyType::Float64 ? "float64" : "float32";
  TransformResult result{.type = job.precision.empty() ? usual : job.precision};
  result.shapes = {feature_shape(input.leading_shape(), size, job.scattering)};
  auto plans = make_plans(job, input.pieces());
  FeatureWriter writer(
      output_of(job),
      {{.name = std::string(tensor_name), .type = dtype(result.type), .shape = result.shapes[0]}},
      describe(job, engine_of(job, plans, size), size, {job.inputs.front()}, {}), job.index);
  io::Progress progress("transform", input.planes(), "planes");
  transform_pieces(job, result, input, plans, writer, progress);
  return result;
}

std::vector<std::filesystem::path> list_files(const TransformJob& job) {
  auto files = job.share.list_alike([&] { return list_inputs(job.inputs, job.share.part == 0); });
  // The order in which a .safetensors file holds its tensors.
  if (job.per_file) {
    std::ranges::sort(files, {}, [](const auto& file) -> const std::string& { return file.native(); });
  }
  return job.share.own_files(std::move(files));
}

io::ProgressOutput progress_of_job(const TransformJob& job) {
  return {.descriptor = job.share.part == 0 ? 2 : -1};
}

ImageInput open_images(const TransformJob& job, std::vector<std::filesystem::path> files) {
  if (job.size == 0) return {std::move(files), std::nullopt, job.imagenet_pixels, job.max_pixels};
  data::RecipeOptions recipe{.size = job.size, .resize = job.resize};
  if (!job.imagenet_pixels) {
    recipe.mean = {0, 0, 0};
    recipe.deviation = {1, 1, 1};
  }
  return {std::move(files), data::Recipe(recipe), job.imagenet_pixels, job.max_pixels};
}

/// The files that decode and are large enough. The number of images stands at the start of the output, so bad
/// ones must be known before.
std::vector<std::filesystem::path> leave_out_bad(const TransformJob& job, const ImageInput& input,
                                                 std::vector<SkippedImage>& skipped) {
  std::vector<std::filesystem::path> good;
  io::Progress progress("check", input.pieces(), "images", progress_of_job(job));
  const auto why_bad = [&](std::int64_t piece) -> std::string {
    try {
      check_large_enough(input.read<float>(piece).size, job.scattering, input.files()[piece]);
      return {};
    } catch (const Error& error) {
      return error.what();
    }
  };
  const auto sort_out = [&](std::int64_t piece, std::string reason) {
    const auto& file = input.files()[piece];
    if (reason.empty()) {
      good.push_back(file);
    } else {
      skipped.push_back({.file = file.native(), .reason = std::move(reason)});
    }
    progress.advance();
    io::StopOnSignal::check();
  };
  data::in_order(input.pieces(), thread_count(job), 2 * thread_count(job), why_bad, sort_out);
  if (good.empty()) {
    const auto& [file, reason] = skipped.front();
    if (job.share.parts == 1) throw Error(fmt::format("no image is left; the first reason: {}", reason));
    throw Error(
        fmt::format("no image of the part of process {} is left, the first reason: {}; fewer processes have "
                    "larger parts",
                    job.share.part, reason));
  }
  progress.finish();
  return good;
}

void check_same_size(const ImageInput& input, std::int64_t piece, data::ImageSize size,
                     data::ImageSize first) {
  if (size == first) return;
  throw Error(
      fmt::format("{} has {} x {} pixels and {} has {} x {}: give --size N to crop all to one size, or "
                  "--per-file with a .safetensors file",
                  io::display_path(input.files()[0]), first.width, first.height,
                  io::display_path(input.files()[piece]), size.width, size.height));
}

/// (N, 3, K, h, w) for all, or (3, K, h, w) for each.
std::vector<io::TensorInfo> plan_tensors(const TransformJob& job, const ImageInput& input,
                                         const std::string& type) {
  const auto first = input.size(0);
  std::vector<io::TensorInfo> tensors;
  for (std::int64_t piece = 0; piece < input.pieces(); ++piece) {
    const auto size = input.size(piece);
    const auto& file = input.files()[piece];
    check_large_enough(size, job.scattering, file);
    if (!job.per_file) {
      check_same_size(input, piece, size, first);
    } else {
      tensors.push_back(
          {.name = file.native(), .type = dtype(type), .shape = feature_shape({3}, size, job.scattering)});
    }
  }
  if (job.per_file) return tensors;
  return {{.name = std::string(tensor_name),
           .type = dtype(type),
           .shape = feature_shape({input.pieces(), 3}, first, job.scattering)}};
}

TransformResult transform_images(const TransformJob& job) {
  TransformResult result{.type = job.precision.empty() ? "float32" : job.precision};
  auto input = open_images(job, list_files(job));
  if (job.skip_bad) input = open_images(job, leave_out_bad(job, input, result.skipped));
  const auto tensors = plan_tensors(job, input, result.type);
  for (const auto& tensor : tensors) result.shapes.push_back(tensor.shape);
  auto plans = make_plans(job, input.pieces());
  const auto first = input.size(0);
  FeatureWriter writer(output_of(job), tensors,
                       describe(job, engine_of(job, plans, first), first, input.files(), result.skipped),
                       job.index);
  io::Progress progress("transform", input.pieces(), "images", progress_of_job(job));
  transform_pieces(job, result, input, plans, writer, progress);
  return result;
}

bool is_array(const std::string& input) { return std::filesystem::path(input).extension() == ".npy"; }

}  // namespace

std::filesystem::path output_of(const TransformJob& job) {
  if (job.share.parts == 1) return job.out;
  auto name = fmt::format("{}-{:05}-of-{:05}{}", job.out.stem().native(), job.share.part, job.share.parts,
                          job.out.extension().native());
  return job.out.parent_path() / name;
}

TransformResult run_transform(const TransformJob& job) {
  // A GPU that is not there and an output that cannot be written are known before the work begins.
  if (job.gpu) check_cuda_device(*job.gpu);
  {
    const io::AtomicFile probe(output_of(job));
  }
  const io::StopOnSignal stop_on_signal;
  if (std::ranges::none_of(job.inputs, is_array)) return transform_images(job);
  if (job.inputs.size() > 1) {
    throw Error(fmt::format("{}: a .npy file is transformed alone, but {} inputs were given",
                            io::display(*std::ranges::find_if(job.inputs, is_array)), job.inputs.size()));
  }
  if (job.share.parts > 1) {
    throw Error(fmt::format("{}: several processes transform image files, and a .npy file is none",
                            io::display(job.inputs.front())));
  }
  return transform_array(job);
}

}  // namespace scatlight::cli
