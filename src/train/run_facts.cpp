#include "train/run_facts.h"

#include <torch/version.h>

#include <ctime>
#include <utility>

#include "io/machine.h"
#include "nets/architecture.h"
#include "nets/cost.h"
#include "nets/front_end.h"
#include "scatlight/version.h"
#include "train/json.h"

namespace scatlight::train {
namespace {

/// "2024-05-31T12:00:00Z"
std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc = {};
  gmtime_r(&now, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

Json to_json(const data::ImageFolder& folder) {
  Json json = {{"root", folder.root.string()},
               {"images", folder.samples.size()},
               {"classes", folder.classes.size()},
               {"other_files", folder.left_out.total()}};
  if (folder.held_out > 0) json["held_out"] = folder.held_out;
  return json;
}

}  // namespace

Json facts_of_call(const std::string& command, const std::string& flags, int threads) {
  return {{"scatlight", SCATLIGHT_VERSION},
          {"command", command},
          {"options", Json::parse(flags)},
          {"machine",
           {{"processor", io::processor_name()},
            {"threads", threads},
            {"memory_bytes", io::memory_bytes()},
            {"torch", TORCH_VERSION}}},
          {"started", now_text()}};
}

Json facts_of_team(const Team& team, const std::string& call_id, const at::Device& device) {
  auto members = Json::array();
  const Json own = {{"host", io::host_name()}, {"device", device.str()}};
  for (const auto& one : team.gather(to_line(own))) members.push_back(Json::parse(one));
  return {{"call", call_id}, {"members", std::move(members)}};
}

Json run_facts(const TrainOptions& training, const nets::Network& network) {
  const auto& options = network.options();
  const auto cost = nets::cost(
      options, {.first_trained = nets::first_trained(training.frozen, nets::layer_groups(options))});
  auto json = facts_of_call("train", training.loop.flags, training.threads);
  json["network"] = {{"name", options.name},
                     {"parameters", network.parameter_count()},
                     {"multiply_adds", cost.multiply_adds},
                     {"front_end_multiply_adds", cost.front_end_multiply_adds},
                     {"input", {3, options.height, options.width}},
                     {"front_end", nets::make_front_end(options)->name()},
                     {"maps", network.map_shape()}};
  // A layer that is solved has no backward pass to keep anything for.
  if (training.ridge == 0) json["network"]["saved_bytes"] = cost.saved_bytes;
  if (options.learned_filters != nets::LearnedFilters::None)
    json["network"]["learned_filters"] = name_of(options.learned_filters);
  json["data"] = {{"train", to_json(training.train_data)}};
  if (training.val_data) json["data"]["val"] = to_json(*training.val_data);
  json["classes"] = training.train_data.classes;
  return json;
}

}  // namespace scatlight::train
