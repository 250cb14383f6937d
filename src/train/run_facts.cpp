#include "train/run_facts.h"

#include <torch/version.h>

#include <ctime>

#include "io/machine.h"
#include "nets/cost.h"
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

}  // namespace

std::string run_facts_json(const std::string& flags, const nets::Network& network,
                           const std::vector<std::string>& classes, int threads) {
  const auto& options = network.options();
  const Json json = {
      {"scatlight", SCATLIGHT_VERSION},
      {"command", "train"},
      {"options", Json::parse(flags)},
      {"network",
       {{"name", options.name},
        {"parameters", network.parameter_count()},
        {"multiply_adds", nets::cost(options).multiply_adds},
        {"input", {3, options.height, options.width}},
        {"maps", network.map_shape()}}},
      {"classes", classes},
      {"machine",
       {{"processor", io::processor_name()},
        {"threads", threads},
        {"memory_bytes", io::memory_bytes()},
        {"torch", TORCH_VERSION}}},
      {"started", now_text()},
  };
  return to_text(json);
}

}  // namespace scatlight::train
