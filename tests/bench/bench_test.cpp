#include "bench/bench.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support/expect_error.h"

namespace scatlight::bench {
namespace {

BenchOptions small() {
  return {.networks = {"scatresnet-small", "resnet-small"},
          .size = 32,
          .speed = {.batch = 3, .timing = {.rounds = 2, .round_seconds = 0.001}},
          .memory_bytes = 20'000'000};
}

void expect_ordered(const Times& times) {
  EXPECT_GT(times.least, 0);
  EXPECT_LE(times.least, times.median);
  EXPECT_LE(times.median, times.largest);
}

TEST(Bench, MeasuresEachNetwork) {
  std::map<std::string, std::int64_t> announced;
  std::map<std::string, std::int64_t> counted;
  std::string stage;
  const auto on_stage = [&](const char* name, std::int64_t steps) {
    stage = name;
    announced[stage] = steps;
  };
  const auto results = run_bench(small(), {.on_stage = on_stage, .on_step = [&] { ++counted[stage]; }});
  ASSERT_EQ(results.size(), 2U);
  for (const char* name : {"training", "inference"}) EXPECT_EQ(counted[name], announced[name]) << name;
  EXPECT_GT(counted["memory"], 4);
  for (const auto& result : results) {
    const bool is_on_maps = result.subject.options.name == "scatresnet-small";
    for (const auto& times : {result.inference.as_trained, result.inference.folded}) {
      EXPECT_EQ(times.transform.has_value(), is_on_maps);
      expect_ordered(times.network.from_maps);
      expect_ordered(times.network.from_images);
      // On pixels both are one measurement.
      EXPECT_EQ(times.network.from_maps.median == times.network.from_images.median, !is_on_maps);
    }
    expect_ordered(result.training.from_maps);
    expect_ordered(result.training.from_images);
    EXPECT_GE(result.memory.largest.images, 2);
  }
  const auto json = to_json(results, small());
  EXPECT_EQ(json[0]["name"], "scatresnet-small");
  EXPECT_TRUE(json[0]["inference"]["folded"].contains("transform"));
  EXPECT_FALSE(json[1]["inference"]["folded"].contains("transform"));
  const auto& training = json[1]["training"]["from_maps"];
  EXPECT_DOUBLE_EQ(training["images_per_second"].get<double>() * training["seconds"].get<double>(), 3);
}

TEST(Bench, MeasuresBasesOfDetectors) {
  auto options = small();
  options.networks = {"scatdet-small", "det-small"};
  options.features = true;
  options.speed.batch = 1;
  const auto results = run_bench(options, {.on_stage = [](const char*, std::int64_t) {}, .on_step = [] {}});
  ASSERT_EQ(results.size(), 2U);
  for (const auto& result : results) {
    EXPECT_EQ(result.subject.parts->stride, 16);
    EXPECT_EQ(result.memory.steps.front().images, 1);
    expect_ordered(result.training.from_images);
  }
  EXPECT_EQ(conditions_json(small(), 0)["layout"], "channels_last");
}

TEST(Bench, RefusesBeforeAnyWork) {
  const auto expect = [](const char* text, const std::function<void(BenchOptions&)>& spoil) {
    auto options = small();
    spoil(options);
    test::expect_error([&] { check(options); }, text);
  };
  expect("resnet50", [](auto& options) { options.networks = {"resnet51"}; });
  expect("no network", [](auto& options) { options.networks.clear(); });
  expect("given twice", [](auto& options) { options.networks.push_back("resnet-small"); });
  expect("scatresnet-small: images of 7 x 7 are smaller than 2^J = 8",
         [](auto& options) { options.size = 7; });
  expect("resnet-small: ", [](auto& options) { options.size = 0; });
  expect("batch 0", [](auto& options) { options.speed.batch = 0; });
  expect("rounds 0", [](auto& options) { options.speed.timing.rounds = 0; });
  expect("holds no batch", [](auto& options) { options.memory_bytes = 1'000'000; });
  expect("linear: a detector needs", [](auto& options) {
    options.networks = {"linear"};
    options.features = true;
  });
}

}  // namespace
}  // namespace scatlight::bench
