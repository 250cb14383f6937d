#include "bench/bench.h"

#include <ATen/Context.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "bench/memory.h"
#include "scatlight/error.h"

namespace scatlight::bench {
namespace {

using train::Json;

/// Throws Error as check().
std::vector<Subject> make_subjects(const BenchOptions& options) {
  if (options.networks.empty()) throw Error("no network is given");
  std::set<std::string> seen;
  for (const auto& name : options.networks) {
    if (!seen.insert(name).second) throw Error(fmt::format("{} is given twice", name));
  }
  const auto batch = options.speed.batch;
  if (batch < 1 || batch > 65536) throw Error(fmt::format("batch {}: 1 to 65536 is accepted", batch));
  check(options.speed.timing);
  std::vector<Subject> subjects;
  subjects.reserve(options.networks.size());
  for (const auto& name : options.networks) {
    subjects.push_back(make_subject(name, options.size, options.features));
    check_memory(subjects.back(), options.memory_bytes, options.speed.placement.precision);
  }
  return subjects;
}

Json times_json(const Times& times, std::int64_t batch) {
  return {{"seconds", times.median},
          {"least", times.least},
          {"largest", times.largest},
          {"images_per_second", static_cast<double>(batch) / times.median}};
}

Json batch_json(const BatchTimes& times, std::int64_t batch) {
  return {{"from_maps", times_json(times.from_maps, batch)},
          {"from_images", times_json(times.from_images, batch)}};
}

Json inference_json(const InferenceTimes& times, std::int64_t batch) {
  auto json = batch_json(times.network, batch);
  if (times.transform) json["transform"] = times_json(*times.transform, batch);
  return json;
}

Json step_json(const StepMemory& step) {
  Json json = {{"images", step.images}, {"held_bytes", step.held_bytes}, {"peak_bytes", step.peak_bytes}};
  if (step.reserved_bytes) json["reserved_bytes"] = *step.reserved_bytes;
  if (step.process_bytes) json["process_bytes"] = *step.process_bytes;
  return json;
}

Json memory_json(const Footprint& memory) {
  Json steps = Json::array();
  for (const auto& step : memory.steps) steps.push_back(step_json(step));
  Json json = {{"fixed_bytes", memory.fixed_bytes},
               {"kept_bytes_per_image", memory.kept_bytes_per_image},
               {"counted_bytes_per_image", memory.counted_bytes_per_image},
               {"largest_batch", memory.largest.images},
               {"steps", steps}};
  if (const auto& images = memory.largest.least_too_large) json["least_too_large"] = *images;
  return json;
}

}  // namespace

void check(const BenchOptions& options) { make_subjects(options); }

std::vector<NetworkResult> run_bench(const BenchOptions& options, const BenchEvents& events) {
  const auto subjects = make_subjects(options);
  {
    const MemoryLimit is_there(options.speed.placement.device, options.memory_bytes);
  }
  at::manual_seed(options.seed);
  events.on_stage("training", training_rounds(subjects, options.speed));
  const auto training = time_training(subjects, options.speed, events.on_step);
  events.on_stage("inference", inference_rounds(subjects, options.speed));
  const auto inference = time_inference(subjects, options.speed, events.on_step);
  events.on_stage("memory", 0);
  std::vector<NetworkResult> results;
  results.reserve(subjects.size());
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    results.push_back({.subject = subjects[i],
                       .inference = inference[i],
                       .training = training[i],
                       .memory = measure_memory(subjects[i], options.memory_bytes, options.speed.placement,
                                                events.on_step)});
  }
  return results;
}

Json conditions_json(const BenchOptions& options, double load) {
  const auto& [device, precision] = options.speed.placement;
  const auto& context = at::globalContext();
  return {{"device", device.str()},
          {"precision", precision == at::kBFloat16 ? "bfloat16" : "float32"},
          {"tf32", device.is_cuda() && context.allowTF32CuDNN()},
          {"cudnn_benchmark", device.is_cuda() && context.benchmarkCuDNN()},
          {"layout", "channels_last"},
          {"features", options.features},
          {"size", options.size},
          {"batch", options.speed.batch},
          {"memory_bytes", options.memory_bytes},
          {"rounds", options.speed.timing.rounds},
          {"round_seconds", options.speed.timing.round_seconds},
          {"seed", options.seed},
          {"load", load}};
}

Json to_json(const std::vector<NetworkResult>& results, const BenchOptions& options) {
  const auto batch = options.speed.batch;
  Json networks = Json::array();
  for (const auto& result : results) {
    const auto cost = cost_of(result.subject);
    const auto maps = nets::make_architecture(result.subject.options).maps;
    networks.push_back({{"name", result.subject.options.name},
                        {"parameters", cost.parameters},
                        {"multiply_adds", cost.multiply_adds},
                        {"maps", {maps.channels, maps.height, maps.width}},
                        {"inference",
                         {{"as_trained", inference_json(result.inference.as_trained, batch)},
                          {"folded", inference_json(result.inference.folded, batch)}}},
                        {"training", batch_json(result.training, batch)},
                        {"memory", memory_json(result.memory)}});
  }
  return networks;
}

}  // namespace scatlight::bench
