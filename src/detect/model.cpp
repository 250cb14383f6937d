#include "detect/model.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "detect/anchors.h"
#include "io/path_error.h"
#include "io/safetensors.h"
#include "nets/fold.h"
#include "nets/weights.h"
#include "scatlight/error.h"
#include "train/checkpoint.h"

namespace scatlight::detect {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* task_key = "task";
constexpr const char* task = "detect";
constexpr const char* detector_key = "detector";
constexpr const char* classes_key = "classes";
constexpr const char* ids_key = "category_ids";
constexpr const char* recipe_key = "recipe";
constexpr const char* of_classes = "roi_heads.";

/// use(key, field) for each field of what makes a detector beside its network.
template <class Network, class Options, class Use>
void each_field(Network& network, Options& options, const Use& use) {
  use("anchors", network.anchors);
  use("rpn_channels", network.rpn_channels);
  use("pool", network.pool);
  use("pool_samples", network.pool_samples);
  use("anchor_sizes", options.anchor_sizes);
  use("anchor_ratios", options.anchor_ratios);
  use("inside_anchors", options.inside_anchors);
  use("rpn_samples", options.rpn_samples);
  use("rpn_share", options.rpn_share);
  use("rpn_positive", options.rpn_positive);
  use("rpn_negative", options.rpn_negative);
  use("rpn_beta", options.rpn_beta);
  use("proposals_before", options.proposals_before);
  use("proposals", options.proposals);
  use("test_before", options.test_before);
  use("test_proposals", options.test_proposals);
  use("proposal_iou", options.proposal_iou);
  use("roi_samples", options.roi_samples);
  use("roi_share", options.roi_share);
  use("roi_positive", options.roi_positive);
  use("roi_negative", options.roi_negative);
  use("deviations", options.deviations);
  use("box_beta", options.box_beta);
  use("score", options.score);
  use("nms_iou", options.nms_iou);
  use("most", options.most);
}

Json recipe_json(const data::BoxRecipeOptions& recipe) {
  return {{"short_side", recipe.short_side},
          {"long_side", recipe.long_side},
          {"mean", recipe.mean},
          {"deviation", recipe.deviation}};
}

data::BoxRecipeOptions to_recipe(const Json& json) {
  data::BoxRecipeOptions recipe;
  json.at("short_side").get_to(recipe.short_side);
  json.at("long_side").get_to(recipe.long_side);
  json.at("mean").get_to(recipe.mean);
  json.at("deviation").get_to(recipe.deviation);
  return data::BoxRecipe(recipe).options();  // checks the numbers
}

nets::NamedTensors state_of(const Detector& detector) {
  auto state = detector.parameters();
  for (auto& buffer : detector.buffers()) state.push_back(std::move(buffer));
  return state;
}

}  // namespace

void save_detector(const std::filesystem::path& path, const Detector& detector, const DetectorFacts& facts) {
  Json json = Json::object();
  each_field(detector.options(), facts.options,
             [&](const char* key, const auto& value) { json[key] = value; });
  nets::write_tensors(path, state_of(detector), detector.options().network,
                      {{task_key, task},
                       {detector_key, json.dump()},
                       {classes_key, Json(facts.classes).dump()},
                       {ids_key, Json(facts.category_ids).dump()},
                       {recipe_key, recipe_json(facts.recipe).dump()}});
}

bool is_detector(const std::filesystem::path& path) {
  const io::SafetensorsReader reader(path);
  const auto found = reader.metadata().find(task_key);
  return found != reader.metadata().end() && found->second == task;
}

namespace {

/// What makes a detector, from its file.
struct Blueprint {
  DetectorNetworkOptions network;
  DetectorFacts facts;
};

/// Throws Error, Json::exception or std::out_of_range for damaged metadata.
Blueprint read_blueprint(const nets::WeightsHeader& header) {
  const auto read = [&](const char* key) { return Json::parse(header.metadata.at(key)); };
  Blueprint found = {.network = {.network = header.options}, .facts = {}};
  auto& [network, facts] = found;
  const auto json = read(detector_key);
  each_field(network, facts.options, [&](const char* key, auto& value) { json.at(key).get_to(value); });
  read(classes_key).get_to(facts.classes);
  read(ids_key).get_to(facts.category_ids);
  facts.recipe = to_recipe(read(recipe_key));
  check(facts.options);
  check(network);
  const auto classes = static_cast<std::size_t>(header.options.classes);
  if (facts.classes.size() != classes || facts.category_ids.size() != classes) {
    throw Error(fmt::format("it names {} classes with {} ids, the network has {}", facts.classes.size(),
                            facts.category_ids.size(), classes));
  }
  if (network.anchors != anchors_per_cell(facts.options)) {
    throw Error(fmt::format("it has {} anchors per cell, the network has {}", anchors_per_cell(facts.options),
                            network.anchors));
  }
  return found;
}

Blueprint read_blueprint(const std::filesystem::path& path) {
  const auto header = nets::read_weights_header(path);
  try {
    return read_blueprint(header);
  } catch (const Error& error) {
    io::fail_at(path, fmt::format("its metadata is damaged: {}", error.what()));
  } catch (const Json::exception&) {
    io::fail_at(path, "its metadata is damaged");
  } catch (const std::out_of_range&) {
    io::fail_at(path, "its metadata is damaged");
  }
}

}  // namespace

DetectorModel load_detector(const std::filesystem::path& path, const torch_ops::Placement& placement) {
  train::refuse_checkpoint(path);
  if (!is_detector(path)) io::fail_at(path, "it is not a detector that scatlight train-detector wrote");
  auto [network, facts] = read_blueprint(path);
  DetectorModel model{.file = path, .detector = Detector(network), .facts = std::move(facts)};
  nets::read_tensors(path, state_of(model.detector), network.network.name);
  model.detector.to(placement);
  nets::fold_for_inference(model.detector.network());
  return model;
}

std::vector<std::string> parts_left_random(const std::filesystem::path& path,
                                           const std::vector<std::string>& classes) {
  if (!is_detector(path)) return {"region proposals", "classes"};
  const io::SafetensorsReader reader(path);
  const auto names = reader.metadata().find(classes_key);
  const auto* weight = reader.find("roi_heads.box_predictor.cls_score.weight");
  // Without names, as other programs write it, the number of classes decides.
  const bool same =
      names != reader.metadata().end()
          ? Json::parse(names->second, nullptr, /*allow_exceptions=*/false) == Json(classes)
          : weight != nullptr && !weight->shape.empty() && weight->shape.front() == std::ssize(classes) + 1;
  return same ? std::vector<std::string>() : std::vector<std::string>{"classes"};
}

void load_first_weights(Detector& detector, const std::filesystem::path& path,
                        const std::vector<std::string>& classes) {
  if (!is_detector(path)) {
    nets::load_body(detector.network(), path);
    return;
  }
  nets::check_front_end(detector.network(), path);
  auto state = state_of(detector);
  std::vector<std::string> passed_over;
  if (!parts_left_random(path, classes).empty()) {
    passed_over = {of_classes};
    std::erase_if(state, [](const auto& entry) { return entry.first.starts_with(of_classes); });
  }
  nets::read_tensors(path, state, detector.options().network.name, passed_over);
  nets::check_finite(path, state);
}

}  // namespace scatlight::detect
